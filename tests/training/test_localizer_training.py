"""The localizer's training: what it is shown, what it is asked for, and what comes out."""

from __future__ import annotations

import csv
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from small_runs import assert_spawned_workers_draw_the_same, read_events
from training.gland_scenes import ATLAS

from dualgland_training.cell_folds import LabelledCell, read_labelled_cells
from dualgland_training.data.options import DataOptions
from dualgland_training.localizer import cells, finish, stages
from dualgland_training.localizer.bank import (
    LANDMARKS,
    Bank,
    add_real,
    load_bank,
    simulated_cells,
)
from dualgland_training.localizer.batches import Batch, Examples, batch_of
from dualgland_training.localizer.cells import name_classes
from dualgland_training.localizer.examples import PROTEIN, RealCell, annotated, mixed
from dualgland_training.localizer.finish import best_threshold, finish_model, fit_calibration
from dualgland_training.localizer.head import fit_head, pool_drawn, pool_real
from dualgland_training.localizer.losses import cell_loss, dense_loss, localizer_loss
from dualgland_training.localizer.objective import LocalizerObjective
from dualgland_training.localizer.recipe import (
    HeadStage,
    LocalizerRecipe,
    Stage,
    read_localizer_recipe,
)
from dualgland_training.localizer.scores import on_drawn_cells
from dualgland_training.localizer.stages import cross_validate, tune_head
from dualgland_training.localizer.start import start_network
from dualgland_training.runs import start_run
from dualgland_training.simulate import simulate_field
from dualgland_training.trainer.loop import Stopped
from napari_dualgland.classes import CLASSES, NEGATIVE
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.model.calibrated_localizer import load_localizer
from napari_dualgland.model.localizer import Localizer
from napari_dualgland.model.weights import read_card

ROOT = Path(__file__).parents[2]
SMALL = LocalizerRecipe(
    name="small",
    widths=(8, 8, 16, 16),
    depths=(1, 1, 1, 1),
    drawn=Stage(steps=6, batch=2, crop=64),
    split=ROOT / "training/recipes/generator.yaml",
    log_every=2,
    checkpoint_every=3,
    validation_crops=3,
    threads=1,
    device="cpu",
    precision="fp32",
)


@pytest.fixture(scope="module")
def bank() -> Bank:
    made = Bank()
    for _ in simulated_cells(made, 1, seed=4, side=576):
        pass
    return made


def real_cell(label: int, group: str, seed: int = 0) -> RealCell:
    rng = np.random.default_rng(seed)
    inside = np.zeros((80, 96), np.float32)
    inside[8:72, 8:88] = 1
    return RealCell(rng.random((4, 80, 96)).astype(np.float32) * inside, inside, label, group)


def test_a_bank_comes_back_from_its_file(bank, tmp_path):
    assert len(bank) > 5
    bank.save(tmp_path / "bank.npz")
    again = load_bank(tmp_path / "bank.npz", tmp_path / "bank.npz")
    assert len(again) == 2 * len(bank)
    for i in range(len(bank)):
        np.testing.assert_array_equal(again.planes[i], bank.planes[i])
        np.testing.assert_array_equal(again.inside[len(bank) + i], bank.inside[i])
    assert set(again.origin) == {"simulated"}


def test_a_real_cell_joins_the_bank_under_its_group():
    field = simulate_field((360, 360), 0.13, seed=3, cells=2)
    label = int(np.argmax(np.bincount(field.cells[field.nuclei > 0])))
    made = Bank()
    marks = field.data[[0, 2, 3]]
    add_real(made, marks, field.cells == label, 0.13, "g", np.random.default_rng(0))
    add_real(made, marks * 0, field.cells == label, 0.13, "g", np.random.default_rng(0))
    assert made.origin == ["g"]  # without a nucleus there is nothing to draw into
    assert made.planes[0].shape[0] == LANDMARKS + 18


def test_the_truth_of_a_mixture_is_where_its_classes_were_drawn(bank):
    rng = np.random.default_rng(0)
    seen = set()
    for i in range(60):
        wanted = i % len(CLASSES)
        able = [k for k in range(len(bank)) if wanted == NEGATIVE or bank.available(k)[wanted]]
        example = mixed(bank, wanted, able[i % len(able)], rng)
        named = set(np.flatnonzero(example.target))
        assert wanted in named
        assert (NEGATIVE in named) == (wanted == NEGATIVE)
        assert {k for k in range(18) if example.dense[k].any()} == named - {NEGATIVE}
        assert not example.x[:, example.inside == 0].any()
        assert np.isfinite(example.x).all()
        seen |= named
    assert seen == set(range(len(CLASSES)))


def test_views_keep_truth_and_picture_together(bank):
    """However a cell is turned, light of nuclear bodies lies where they are said to be."""
    rng = np.random.default_rng(1)
    k = CLASSES.index("Nuclear bodies")
    able = [i for i in range(len(bank)) if bank.available(i)[k]]
    own = [mixed(bank, k, able[i % len(able)], rng) for i in range(24)]
    batch = batch_of([e for e in own if e.target.sum() == 1], 96, rng)
    assert batch.x.shape[1:] == (4, 96, 96)
    assert batch.dense.shape[1:] == (18, 48, 48)
    light = F.avg_pool2d(batch.x[:, PROTEIN : PROTEIN + 1], 2)[:, 0]
    inside = F.avg_pool2d(batch.inside, 2)[:, 0] > 0.9
    on = batch.dense[:, k] > 0.7
    assert on.sum() > 20
    assert light[on & inside].mean() > 2 * light[~on & inside].mean()


def test_same_seed_same_batches(bank):
    cells = [real_cell(0, "a"), real_cell(16, "b", 1)]
    one, two = (Examples(bank, cells, seed=5).batch(1, 4, 64, 0.5) for _ in range(2))
    for a, b in zip(one, two, strict=True):
        assert torch.equal(a, b)
    assert one.known.tolist() == [0, 0, 1, 1]


def example_batch(bank: Bank) -> Batch:
    rng = np.random.default_rng(3)
    drawn = [mixed(bank, k, 0, rng) for k in (0, 16)]
    return batch_of([annotated(real_cell(14, "g")), *drawn], 64, rng)


def test_losses_are_least_at_the_truth(bank):
    batch = example_batch(bank)
    right = 8 * (2 * batch.target - 1)
    assert cell_loss(right, batch) < 0.3 * cell_loss(0 * right, batch)
    assert cell_loss(-right, batch) > cell_loss(0 * right, batch)
    dense = 8 * (2 * (batch.dense > 0.5).float() - 1)
    assert dense_loss(dense, batch) < 0.2 * dense_loss(0 * dense, batch)
    # Annotated cells have no truth of pixels: whatever is said there costs nothing.
    other = dense.clone()
    other[0] = -other[0] + 3
    assert dense_loss(other, batch) == dense_loss(dense, batch)


def test_gradients_reach_every_weight(bank):
    torch.manual_seed(0)
    network = Localizer((8, 8, 16, 16), (1, 1, 1, 1))
    for _ in range(2):  # blocks start as the identity: their first halves learn from step two
        batch = example_batch(bank)
        loss, parts = localizer_loss(network(batch.x, batch.inside, batch.present), batch)
        assert set(parts) == {"cell", "dense"}
        network.zero_grad()
        loss.backward()
        with torch.no_grad():
            for p in network.parameters():
                assert p.grad is not None
                p -= 0.01 * p.grad
    still = [n for n, p in network.named_parameters() if not p.grad.abs().max() > 0]
    assert still == []


@pytest.fixture(scope="module")
def recipe(bank, tmp_path_factory) -> LocalizerRecipe:
    """The small recipe on a bank that lies in a file."""
    path = tmp_path_factory.mktemp("bank") / "bank.npz"
    bank.save(path)
    return SMALL.model_copy(update={"banks": (path,), "heldout": path})


@pytest.fixture(scope="module")
def straight(recipe, tmp_path_factory) -> Path:
    """The folder of a run of six steps."""
    out = tmp_path_factory.mktemp("straight")
    start_run(recipe, out).run()
    return out


def test_a_run_learns_logs_and_leaves_a_model(recipe, straight):
    events = read_events(straight)
    told = {e["step"]: e["losses"]["localizer"] for e in events if "losses" in e}
    assert list(told) == [2, 4, 6]
    assert all({"cell", "dense", "loss"} <= set(terms) for terms in told.values())
    (looked,) = (e["validation"] for e in events if "validation" in e)
    assert set(looked["validation, drawn cells"]) == set(CLASSES)
    kept = load_file(straight / "step-0000006.safetensors")
    before = start_network(recipe, None).state_dict()
    assert any(not torch.equal(kept[f"average.{k}"], before[k]) for k in before)
    # What comes next starts from the average, in full precision.
    network = start_network(recipe, straight)
    for key, value in network.state_dict().items():
        assert torch.equal(kept[f"average.{key}"], value)
    card, _ = read_card(str(straight / "small.safetensors"))
    assert card.steps == 6
    assert "3-280" in card.held_out
    reader = load_localizer(str(straight / "small.safetensors"), torch.device("cpu"))
    assert (reader.card.sha256, reader.temperature) == (card.sha256, 1.0)
    cell = real_cell(0, "g")
    said = reader.predict(cell.x[None], cell.inside[None, None], np.ones((1, 4), np.float32))
    assert np.allclose(said.logits[0], name_classes(network.eval(), cell), atol=0.02)


def test_a_stopped_run_goes_on_exactly(recipe, straight, tmp_path, monkeypatch):
    draw = Examples.batch

    def stopping(self, step, **how):
        if step == 3:
            signal.raise_signal(signal.SIGTERM)
        return draw(self, step, **how)

    with monkeypatch.context() as patched:
        patched.setattr(Examples, "batch", stopping)
        training = start_run(recipe, tmp_path)
        with pytest.raises(Stopped, match="stopped after step 4"):
            training.run()
    start_run(recipe, tmp_path, resume=True).run()
    one, other = (load_file(f / "step-0000006.safetensors") for f in (straight, tmp_path))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_workers_draw_wherever_they_are_started(recipe):
    made = LocalizerObjective(recipe, torch.device("cpu"), "fp32", pytest.fail)
    assert_spawned_workers_draw_the_same(made)


def test_the_rate_rises_and_falls_to_nothing(recipe):
    made = LocalizerObjective(
        recipe.model_copy(update={"heldout": None}),
        torch.device("cpu"),
        "fp32",
        pytest.fail,
        stage=Stage(steps=100),
        examples=Examples(Bank(), [], 0),
    )
    rates = [made.rate(step) for step in range(100)]
    assert max(rates) == rates[14] == 1.0
    assert rates[0] == pytest.approx(1 / 15)
    assert rates[-1] == pytest.approx(0, abs=1e-9)


def few_cells(listed: list[LabelledCell], kept: DataOptions) -> list[LabelledCell]:
    """Return a cell each of two groups of every class, and of those kept for validation."""
    few: dict[tuple[int, str], LabelledCell] = {}
    for cell in listed:
        part = kept.part_of(cell.group, "groups")
        trained = [k for k in few if k[0] == cell.label and kept.part_of(k[1], "groups") == "train"]
        if part == "validation" or (part == "train" and len(trained) < 2):
            few.setdefault((cell.label, cell.group), cell)
    return list(few.values())


@pytest.mark.skipif(not ATLAS.is_dir(), reason="the atlas collection is absent")
@pytest.mark.parametrize("whole", [None, Stage(steps=1, batch=2, crop=64, real=1.0)])
def test_every_later_stage_goes_on_from_the_first(recipe, straight, tmp_path, monkeypatch, whole):
    """Head, folds and calibration on some cells of the collection, in one go."""
    monkeypatch.setattr(finish, "PER_CLASS", 1)
    listed = few_cells(read_labelled_cells(ATLAS), recipe.kept())
    for module in (stages, cells):
        monkeypatch.setattr(module, "read_labelled_cells", lambda _: listed)
    head = HeadStage(views=0, drawn=8, crop=64, steps=2, batch=4)
    options = recipe.model_copy(update={"head": head, "whole": whole, "root": ATLAS, "folds": 2})
    with cross_validate(options, straight, tmp_path).open() as file:
        said = list(csv.DictReader(file))
    assert sorted(row["file"] for row in said) == sorted(cell.file for cell in listed)
    assert {row["fold"] for row in said} == {"0", "1"}
    if whole is None:
        tuned = tune_head(options, straight, tmp_path)
        model = finish_model(options, tuned, tmp_path / "models")
        card = load_localizer(str(model), torch.device("cpu")).card
        assert set(card.use) == {"temperature", "bias", "thresholds", "prior"}
        assert set(card.figures["drawn cells, F1"]) == set(CLASSES)


def test_the_head_learns_from_real_cells_and_leaves_the_trunk(bank):
    torch.set_num_threads(1)
    stage = HeadStage(views=1, drawn=8, crop=64, steps=60, batch=16, learning_rate=1e-2)
    network = start_network(SMALL, None).eval()
    cells = [real_cell(label, "g", label) for label in (0, 2, 13, 14, 16)]
    real = pool_real(network, cells, stage, seed=0)
    assert real.cell.tolist() == [i for i in range(5) for _ in range(3)]
    drawn = pool_drawn(network, Examples(bank, [], 1), stage)
    before = {k: v.clone() for k, v in network.state_dict().items()}
    fit_head(network, real, drawn, stage, seed=0)
    head = {"first", "second", "direct", "usual", "spread"}
    for key, value in network.state_dict().items():
        assert torch.equal(value, before[key]) == (key.split(".")[0] not in head), key
    said = [CLASSES[int(np.argmax(name_classes(network, cell)))] for cell in cells]
    assert said == [CLASSES[cell.label] for cell in cells]
    again = start_network(SMALL, None).eval()
    fit_head(again, real, drawn, stage, seed=0)
    assert torch.equal(again.direct.weight, network.direct.weight)


def test_cells_of_other_classes_are_taught_as_none_of_the_five(bank, monkeypatch):
    torch.set_num_threads(1)
    stage = HeadStage(views=0, drawn=8, crop=64, steps=3, batch=8)
    cells = [real_cell(label, "g", i) for i, label in enumerate((0, 5, 5, 5, NEGATIVE))]
    network = start_network(SMALL, None).eval()
    drawn = pool_drawn(network, Examples(bank, [], 1), stage)
    fitted, chances, draw = [], [], torch.multinomial

    def heard(chance, *args, **options):
        chances.append(chance)
        return draw(chance, *args, **options)

    monkeypatch.setattr(torch, "multinomial", heard)
    for among in (0.0, 100.0):
        own = stage.model_copy(update={"among": among})
        fit_head(network, pool_real(network, cells[1:], stage, seed=0), drawn, own, seed=0)
        fitted.append(network.direct.weight.clone())
    assert torch.equal(*fitted)
    fit_head(network, pool_real(network, cells, stage, seed=0), drawn, stage, seed=0)
    torch.testing.assert_close(chances[-1], torch.tensor([2, 2, *[6] * 6, 2, 2]).rsqrt())


def test_the_whole_network_is_taught_the_same():
    logits = torch.linspace(-3, 3, len(CLASSES))[None].requires_grad_()
    target = F.one_hot(torch.tensor([NEGATIVE]), len(CLASSES)).float()
    batch = Batch(*[torch.zeros(1)] * 3, target, torch.zeros(1), known=torch.zeros(1))
    cell_loss(logits, batch).backward()
    absent = list(range(NEGATIVE))
    torch.testing.assert_close(logits.grad[:, absent], logits.sigmoid()[:, absent] / 2)


def test_weights_of_another_network_are_refused(tmp_path):
    other = SMALL.model_copy(update={"widths": (8, 16, 16, 16)})
    save_file(start_network(other, None).state_dict(), tmp_path / "other.safetensors")
    with pytest.raises(DualglandError) as error:
        start_network(SMALL, tmp_path / "other.safetensors")
    assert error.value.kind == Kind.MISMATCH
    lacking = {k: v for k, v in start_network(SMALL, None).state_dict().items() if "dense" not in k}
    save_file(lacking, tmp_path / "lacking.safetensors")
    with pytest.raises(DualglandError) as error:
        start_network(SMALL, tmp_path / "lacking.safetensors")
    assert (error.value.kind, error.value.part) == (Kind.MISMATCH, "dense.bias")


def test_drawn_cells_are_scored(bank):
    network = start_network(SMALL, None).eval()
    scores = on_drawn_cells(network, bank, seed=0, count=6)
    assert scores.logits.shape == scores.target.shape == (6, 19)
    assert scores.target.any(1).all()
    known = scores.overlap[~np.isnan(scores.overlap)]
    assert ((known >= 0) & (known <= 1)).all()


def test_calibration_undoes_overconfidence():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (4000, 5))
    target = rng.random(logits.shape) < 1 / (1 + np.exp(-logits))
    temperature, bias = fit_calibration(logits * 3 - 3, target)
    assert temperature == pytest.approx(3, rel=0.1)
    assert bias == pytest.approx(np.ones(5), abs=0.2)
    p = np.array([0.1, 0.2, 0.6, 0.7, 0.9])
    assert 0.2 < best_threshold(p, p > 0.5) <= 0.6


def test_recipes_are_read_and_refused(tmp_path):
    shipped = read_localizer_recipe(ROOT / "training/recipes/localizer.yaml")
    judge = read_localizer_recipe(ROOT / "training/recipes/localization_judge.yaml")
    assert shipped.name == "localizer"
    assert judge.seed != shipped.seed
    assert judge.widths != shipped.widths
    every = (ROOT / "training/recipes").glob("locali*.yaml")
    assert {read_localizer_recipe(path).name for path in every} == {
        shipped.name,
        judge.name,
        "localizer_drawn_only",
        "localizer_real_only",
    }
    (tmp_path / "odd.yaml").write_text("stepz: 3\n")
    for path in (tmp_path / "odd.yaml", tmp_path / "none.yaml"):
        with pytest.raises(DualglandError) as refused:
            read_localizer_recipe(path)
        assert "\n" not in str(refused.value)
