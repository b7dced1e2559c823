"""Learning inside the image: what features explain is learned, what is noise is not."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from imputation.scenes import blobs, box, calibrated, hidden_of, statistics_of

from napari_dualgland.imputation.calibration import calibrate
from napari_dualgland.imputation.calibration.calibrate import calibrate_steps
from napari_dualgland.imputation.calibration.calibration import Calibration
from napari_dualgland.imputation.calibration.errors import HoldoutErrors, fill_holdouts, joined
from napari_dualgland.imputation.calibration.holdout import holdout_windows, pixels_of
from napari_dualgland.imputation.calibration.kriging import Kriging
from napari_dualgland.imputation.calibration.learning import ENOUGH, learn
from napari_dualgland.model.evidence import gather_evidence
from napari_dualgland.model.filler import GeneratorFiller
from napari_dualgland.model.generator import Generator
from napari_dualgland.model.weights import read_card

Scene = tuple[np.ndarray, np.ndarray]

CPU = torch.device("cpu")


@pytest.fixture(scope="module", autouse=True)
def few_windows() -> Iterator[None]:
    """Twelve windows teach enough here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(calibrate, "PIXELS", 12 * 160**2)
        patch.setattr(calibrate, "PIXELS_LEARNING", 12 * 160**2)
        yield


@pytest.fixture(scope="module")
def untrained() -> GeneratorFiller:
    """A generator that has learned nothing: it stands near its prior."""
    torch.manual_seed(0)
    return GeneratorFiller(read_card("generator")[0], Generator((8, 8, 8), (1, 1, 1)), CPU)


def follows_the_er(seed: int) -> Scene:
    """A protein that is what the ER is not: no prior knows, the image itself tells."""
    image = 200 * blobs((224, 224), seed)
    image[1] = 200 * (np.abs(image[3] / 200 - 0.5) < 0.08)
    return np.rint(image).astype(np.uint8), box(image.shape, channels=[1], side=56)


def follows_nothing(seed: int) -> Scene:
    image, mask = follows_the_er(seed)
    image[1] = np.random.default_rng(seed).integers(0, 200, image[1].shape)
    return image, mask


@pytest.fixture(scope="module")
def explained(few_windows: None, untrained: GeneratorFiller) -> tuple[Scene, Calibration]:
    """A scene that the image itself explains, and what was learned of it."""
    scene = follows_the_er(0)
    return scene, calibrated(*scene, untrained, adapt=True)


def filled(
    scene: Scene, filler: GeneratorFiller, done: Calibration
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the error of every pixel, (4, Y, X), normalised, and its stated deviation."""
    statistics = statistics_of(*scene)
    truth = torch.from_numpy(statistics.normalisation.apply(scene[0]))[None]
    missing = torch.from_numpy(scene[1])[None]
    with torch.no_grad():
        evidence = gather_evidence(torch.where(missing, 0, truth), missing, statistics.beta[None])
        mean, sigma = done.apply(evidence, filler.fill(evidence))
    assert sigma is not None
    return (mean - truth)[0], sigma[0]


def mean_square(scene: Scene, filler: GeneratorFiller, done: Calibration) -> float:
    error, _ = filled(scene, filler, done)
    return float(error[torch.from_numpy(scene[1])].square().mean())


def test_what_features_explain_is_learned(
    untrained: GeneratorFiller, explained: tuple[Scene, Calibration]
) -> None:
    scene, done = explained
    plain = calibrated(*scene, untrained)
    assert float(done.correction_weight[1]) > 0.5
    assert mean_square(scene, untrained, done) < 0.5 * mean_square(scene, untrained, plain)


def test_of_noise_no_more_than_the_mean_is_learned(untrained: GeneratorFiller) -> None:
    scene = follows_nothing(0)
    plain = calibrated(*scene, untrained)
    done = calibrated(*scene, untrained, adapt=True)
    # The prior carries the noise of the rim inwards; the mean of the noise is the best there is.
    error = mean_square(scene, untrained, done)
    assert error < mean_square(scene, untrained, plain)
    truth = statistics_of(*scene).normalisation.apply(scene[0])[1]
    best = float(truth[scene[1][1]].var())
    assert 0.99 * best < error < 1.1 * best


def weights(done: Calibration) -> dict[str, torch.Tensor]:
    return done.correctors[1].state_dict()


def test_the_same_seed_learns_the_same_and_leaves_torch_alone(
    untrained: GeneratorFiller, explained: tuple[Scene, Calibration]
) -> None:
    scene, one = explained
    before = torch.random.get_rng_state()
    other = calibrated(*scene, untrained, adapt=True)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(one.correction_weight, other.correction_weight)
    for a, b in zip(weights(one).values(), weights(other).values(), strict=True):
        assert torch.equal(a, b)


def test_missing_pixels_take_no_part(
    untrained: GeneratorFiller, explained: tuple[Scene, Calibration]
) -> None:
    (image, mask), one = explained
    other = calibrated(np.where(mask, 255, image), mask, untrained, adapt=True)
    for a, b in zip(weights(one).values(), weights(other).values(), strict=True):
        assert torch.equal(a, b)


def errors_of(scene: Scene, filler: GeneratorFiller) -> HoldoutErrors:
    """Return what happened to the protein in six windows."""
    hidden = hidden_of(*scene)
    windows = list(holdout_windows(hidden, hidden, 6, 160, np.random.default_rng(0)))
    pixels = pixels_of(windows, hidden.frames)
    kriging = Kriging(torch.ones(4, 8, 8))
    batches = fill_holdouts(windows, pixels, statistics_of(*scene), filler, False, kriging, 0)
    return joined(window[1] for batch in batches for window in batch if window[1] is not None)


def test_what_is_checked_is_never_learned(untrained: GeneratorFiller) -> None:
    errors = errors_of(follows_the_er(3), untrained)
    checked = errors.part == 1
    assert 0.1 < float(checked.float().mean()) < 0.6
    spoiled = replace(
        errors,
        error=torch.where(checked, 9.0, errors.error),
        weight=torch.where(checked, 9.0, errors.weight),
        features=torch.where(checked[:, None], 9.0, errors.features),
    )
    one, other = (learn(e, 0, CPU, lambda: False) for e in (errors, spoiled))
    assert one is not None
    assert other is not None
    for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True):
        assert torch.equal(a[1], b[1])
        assert not torch.equal(a[0], b[0])
    names = HoldoutErrors.__dataclass_fields__
    few = HoldoutErrors(*(getattr(errors, name)[: ENOUGH - 1] for name in names))
    assert learn(few, 0, CPU, lambda: False) is None


def test_rare_kinds_of_damage_are_rehearsed_too() -> None:
    mask = np.zeros((4, 1024, 1024), bool)
    mask[1, 200:800, 100:900] = True
    mask[:, 900:940, 20:60] = True
    hidden = hidden_of(np.zeros(mask.shape, np.uint8), mask)
    windows = list(holdout_windows(hidden, hidden, 200, 160, np.random.default_rng(0)))
    tiles = [window.held_out.all(0).sum() for window in windows]
    # Of three hundred missing pixels there one is lost in all channels; of twenty windows one.
    assert 4 < np.count_nonzero(np.array(tiles) > 800) < 30


def test_it_stops_between_steps_when_told_to(untrained: GeneratorFiller) -> None:
    scene = follows_the_er(5)
    asked = 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return asked > 12  # three batches of windows, then a few steps of learning

    steps = calibrate_steps(
        hidden_of(*scene), statistics_of(*scene), untrained, 0, adapt=True, should_stop=stop
    )
    said = list(steps)
    assert said[-1] == "learning from this image: protein"
    assert asked == 13


def test_the_size_of_errors_is_learned(untrained: GeneratorFiller) -> None:
    """Where the ER is strong the protein is noise, elsewhere dark: only features tell which."""
    image, mask = follows_the_er(6)
    loud = image[3] > 110
    noise = np.random.default_rng(0).integers(0, 200, loud.shape)
    image[1] = np.where(loud, noise, 0)
    _, sigma = filled((image, mask), untrained, calibrated(image, mask, untrained, adapt=True))
    shown = sigma[1].numpy()
    assert shown[mask[1] & loud].mean() > 3 * shown[mask[1] & ~loud].mean()


def test_learning_imports_no_triton() -> None:
    """Triton's LLVM beside that of Mesa's OpenGL kills napari."""
    code = (
        "import sys, torch\n"
        "from napari_dualgland.imputation.calibration.learning import learn\n"
        "from napari_dualgland.imputation.calibration.errors import HoldoutErrors\n"
        "n = 1200\n"
        "column = torch.randn(n)\n"
        "errors = HoldoutErrors(column, column, column, column.abs() + 1, torch.ones(n), "
        "torch.arange(n) % 3, torch.randn(n, 8))\n"
        "assert learn(errors, 0, torch.device('cpu'), lambda: False) is not None\n"
        "assert 'triton' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
