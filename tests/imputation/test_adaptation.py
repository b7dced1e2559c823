"""Learning inside the image: what clues explain is learned, what is noise is not followed."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from imputation.scenes import blobs, box, rehearse

from napari_dualgland.imputation.adaptation import ENOUGH, learn
from napari_dualgland.imputation.belief import Rehearsal
from napari_dualgland.imputation.copies import scenes
from napari_dualgland.imputation.notes import Notes, joined
from napari_dualgland.imputation.practice import practise
from napari_dualgland.imputation.rehearsal import rehearse_steps
from napari_dualgland.imputation.survey import Survey, survey
from napari_dualgland.model.evidence import gather_evidence
from napari_dualgland.model.filler import GeneratorFiller
from napari_dualgland.model.generator import Generator
from napari_dualgland.model.weights import read_card

Image = np.ndarray
Scene = tuple[list[Image], list[Image]]

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def untrained() -> GeneratorFiller:
    """A generator that has learned nothing: it stands near its prior."""
    torch.manual_seed(0)
    return GeneratorFiller(read_card("generator")[0], Generator((8, 8, 8), (1, 1, 1)), CPU)


def follows_the_er(seed: int) -> Scene:
    """A protein that is what the ER is not: no prior knows, the image itself tells."""
    image = 200 * blobs((224, 224), seed)
    image[1] = 200 * (np.abs(image[3] / 200 - 0.5) < 0.08)
    return [np.rint(image).astype(np.uint8)], [box(image.shape, channels=[1], side=56)]


def follows_nothing(seed: int) -> Scene:
    frames, masks = follows_the_er(seed)
    noise = np.random.default_rng(seed).integers(0, 200, frames[0][1].shape)
    frames[0][1] = noise
    return frames, masks


def errors(scene: Scene, filler: GeneratorFiller, done: Rehearsal) -> float:
    """Return the mean squared error in the hole, normalised."""
    surveyed = survey(*scene)
    truth = torch.from_numpy(surveyed.normalisation.apply(scene[0][0]))[None]
    missing = torch.from_numpy(scene[1][0])[None]
    with torch.no_grad():
        evidence = gather_evidence(torch.where(missing, 0, truth), missing, surveyed.beta[None])
        mean, sigma = done.told(evidence, filler.fill(evidence))
    assert sigma is not None
    return float((mean - truth)[missing].square().mean())


def adapted(scene: Scene, filler: GeneratorFiller, **options: object) -> Rehearsal:
    return rehearse(*scene, survey(*scene), filler, seed=0, adapt=True, windows=12, **options)


def test_what_the_clues_explain_is_learned(untrained: GeneratorFiller) -> None:
    scene = follows_the_er(0)
    plain = rehearse(*scene, survey(*scene), untrained, seed=0, windows=12)
    done = adapted(scene, untrained)
    assert float(done.follow[1]) > 0.5
    assert errors(scene, untrained, done) < 0.5 * errors(scene, untrained, plain)


def test_of_noise_no_more_than_the_mean_is_learned(untrained: GeneratorFiller) -> None:
    scene = follows_nothing(0)
    plain = rehearse(*scene, survey(*scene), untrained, seed=0, windows=12)
    done = adapted(scene, untrained)
    # The prior carries the noise of the rim inwards; the mean of the noise is the best there is.
    error = errors(scene, untrained, done)
    assert error < errors(scene, untrained, plain)
    truth = survey(*scene).normalisation.apply(scene[0][0])[1]
    best = float(truth[scene[1][0][1]].var())
    assert 0.99 * best < error < 1.1 * best


def test_the_same_seed_learns_the_same_and_leaves_torch_alone(untrained: GeneratorFiller) -> None:
    scene = follows_the_er(1)
    before = torch.random.get_rng_state()
    one, other = (adapted(scene, untrained) for _ in range(2))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(one.follow, other.follow)
    for a, b in zip(
        one.learners[1][0].state_dict().values(),
        other.learners[1][0].state_dict().values(),
        strict=True,
    ):
        assert torch.equal(a, b)


def test_missing_pixels_take_no_part(untrained: GeneratorFiller) -> None:
    frames, masks = follows_the_er(2)
    spoiled = [np.where(masks[0], 255, frames[0])]
    one, other = (adapted((f, masks), untrained) for f in (frames, spoiled))
    assert torch.equal(one.learners[1][0].layers[0].weight, other.learners[1][0].layers[0].weight)


def notes_of(scene: Scene, surveyed: Survey, filler: GeneratorFiller) -> Notes:
    drawn = scenes(*scene, 6, 160, np.random.default_rng(0))
    windows = practise(drawn, surveyed, filler, False, True, 0)
    return joined([window[1] for window in windows if window[1] is not None])


def test_what_is_judged_is_never_learned(untrained: GeneratorFiller) -> None:
    scene = follows_the_er(3)
    notes = notes_of(scene, survey(*scene), untrained)
    judged = notes.part == 1
    assert 0.1 < float(judged.float().mean()) < 0.6
    spoiled = replace(
        notes,
        error=torch.where(judged, 9.0, notes.error),
        weight=torch.where(judged, 9.0, notes.weight),
        clues=torch.where(judged[:, None], 9.0, notes.clues),
    )
    one, other = (learn(n, 1, 0, CPU, lambda: False) for n in (notes, spoiled))
    assert one is not None
    assert other is not None
    for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_too_little_teaches_nothing(untrained: GeneratorFiller) -> None:
    scene = follows_the_er(4)
    notes = notes_of(scene, survey(*scene), untrained)
    few = Notes(*(getattr(notes, name)[: ENOUGH - 1] for name in notes.__dataclass_fields__))
    assert learn(few, 1, 0, CPU, lambda: False) is None


def test_it_stops_between_steps_when_told_to(untrained: GeneratorFiller) -> None:
    scene = follows_the_er(5)
    asked = 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return asked > 20  # twelve windows, then a few steps of learning

    steps = rehearse_steps(*scene, survey(*scene), untrained, 0, 12, adapt=True, should_stop=stop)
    said = list(steps)
    assert said[-1] == "learning from this image: protein"
    assert asked == 21


def test_the_size_of_errors_is_learned(untrained: GeneratorFiller) -> None:
    """Where the ER is strong the protein is noise, elsewhere dark: only clues tell which."""
    frames, masks = follows_the_er(6)
    loud = frames[0][3] > 110
    noise = np.random.default_rng(0).integers(0, 200, loud.shape)
    frames[0][1] = np.where(loud, noise, 0)
    scene = frames, masks
    done = adapted(scene, untrained)
    surveyed = survey(*scene)
    truth = torch.from_numpy(surveyed.normalisation.apply(frames[0]))[None]
    missing = torch.from_numpy(masks[0])[None]
    with torch.no_grad():
        evidence = gather_evidence(torch.where(missing, 0, truth), missing, surveyed.beta[None])
        _, sigma = done.told(evidence, untrained.fill(evidence))
    assert sigma is not None
    hole = masks[0][1]
    shown = sigma[0, 1].numpy()
    assert shown[hole & loud].mean() > 3 * shown[hole & ~loud].mean()


def test_learning_imports_no_triton() -> None:
    """Triton's LLVM beside that of Mesa's OpenGL kills napari."""
    code = (
        "import sys, torch\n"
        "from napari_dualgland.imputation.adaptation import learn\n"
        "from napari_dualgland.imputation.notes import Notes\n"
        "n = 1200\n"
        "column = torch.randn(n)\n"
        "notes = Notes(column, column, column, column.abs() + 1, torch.ones(n), "
        "torch.arange(n) % 3, torch.randn(n, 8))\n"
        "assert learn(notes, 0, 0, torch.device('cpu'), lambda: False) is not None\n"
        "assert 'triton' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
