"""The localizer's training: what it is shown, what it is asked for, and what comes out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

from dualgland_training.localizer import train
from dualgland_training.localizer.bank import (
    LANDMARKS,
    Bank,
    add_real,
    load_bank,
    simulated_cells,
)
from dualgland_training.localizer.batches import Batch, Examples, batch_of
from dualgland_training.localizer.examples import PROTEIN, RealCell, annotated, mixed
from dualgland_training.localizer.finish import (
    best_threshold,
    fit_calibration,
    on_drawn_cells,
    write_model,
)
from dualgland_training.localizer.head import fit_head, pool_drawn, pool_real
from dualgland_training.localizer.objective import cell_loss, dense_loss, localizer_loss
from dualgland_training.localizer.recipe import (
    HeadStage,
    LocalizerRecipe,
    Stage,
    read_localizer_recipe,
)
from dualgland_training.localizer.train import rate_at, run_stage, say, started
from dualgland_training.simulate import simulate_field
from napari_dualgland.classes import CLASSES, NEGATIVE
from napari_dualgland.errors import DualglandError
from napari_dualgland.model.calibrated_localizer import load_localizer
from napari_dualgland.model.localizer import Localizer

ROOT = Path(__file__).parents[2]
SMALL = LocalizerRecipe(
    name="small",
    widths=(8, 8, 16, 16),
    depths=(1, 1, 1, 1),
    drawn=Stage(steps=3, batch=3, crop=64),
    split=ROOT / "training/recipes/generator.yaml",
)


@pytest.fixture(scope="module")
def bank() -> Bank:
    made = Bank()
    for _ in simulated_cells(made, 1, seed=4):
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


def test_a_stage_learns_logs_and_ships(bank, tmp_path):
    torch.set_num_threads(1)
    recipe = SMALL.model_copy(update={"drawn": Stage(steps=25, batch=3, crop=64)})
    network = started(recipe, None)
    before = {k: v.clone() for k, v in network.state_dict().items()}
    trained = run_stage(network, Examples(bank, [], 1), recipe.drawn, recipe, tmp_path / "run")
    lines = [json.loads(line) for line in (tmp_path / "run/log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [25]
    kept = load_file(tmp_path / "run.safetensors")
    assert any(not torch.equal(kept[k], before[k]) for k in before)
    for key, value in trained.state_dict().items():
        assert torch.equal(kept[key], value)
    card = write_model(
        trained, recipe, recipe.split, {"temperature": 1.3, "thresholds": {}, "prior": {}}, {},
        tmp_path,
    )  # fmt: skip
    reader = load_localizer(str(tmp_path / "small.safetensors"), torch.device("cpu"))
    assert (reader.card.sha256, reader.card.parameters) == (card.sha256, card.parameters)
    assert reader.temperature == 1.3
    cell = real_cell(0, "g")
    said = reader.read(cell.x[None], cell.inside[None, None], np.ones((1, 4), np.float32))
    assert np.allclose(said.logits[0] * 1.3, say(trained, cell), atol=0.02)


class Killed(Exception):
    pass


class Dying(Examples):
    """Examples that end the run at a step, as a power cut would."""

    def batch(self, step, size, crop, real):
        if step == 6:
            raise Killed
        return super().batch(step, size, crop, real)


def test_a_killed_stage_goes_on_exactly(bank, tmp_path, monkeypatch):
    torch.set_num_threads(1)
    monkeypatch.setattr(train, "SAVED", 3)
    recipe = SMALL.model_copy(update={"drawn": Stage(steps=8, batch=2, crop=64)})

    def run(kind: type[Examples], name: str) -> dict[str, torch.Tensor]:
        network = started(recipe, None)
        run_stage(network, kind(bank, [], 1), recipe.drawn, recipe, tmp_path / name)
        return load_file(tmp_path / f"{name}.safetensors")

    straight = run(Examples, "straight")
    with pytest.raises(Killed):
        run(Dying, "killed")
    assert not (tmp_path / "killed.safetensors").exists()
    resumed = run(Examples, "killed")
    for name, tensor in straight.items():
        assert torch.equal(tensor, resumed[name]), name


def test_the_rate_rises_and_falls_to_nothing():
    stage = Stage(steps=100, learning_rate=2.0)
    rates = [rate_at(step, stage) for step in range(1, 101)]
    assert max(rates) == rates[14] == 2.0
    assert rates[0] == pytest.approx(2 / 15)
    assert rates[-1] == pytest.approx(0, abs=1e-9)


def test_the_head_learns_from_real_cells_and_leaves_the_trunk(bank):
    torch.set_num_threads(1)
    stage = HeadStage(views=1, drawn=8, crop=64, steps=60, batch=16, learning_rate=1e-2)
    network = started(SMALL, None).eval()
    cells = [real_cell(label, "g", label) for label in (0, 2, 13, 14, 16)]
    real = pool_real(network, cells, stage, seed=0)
    assert real.cell.tolist() == [i for i in range(5) for _ in range(3)]
    drawn = pool_drawn(network, Examples(bank, [], 1), stage)
    before = {k: v.clone() for k, v in network.state_dict().items()}
    fit_head(network, real, drawn, stage, seed=0)
    head = {"first", "second", "direct", "usual", "spread"}
    for key, value in network.state_dict().items():
        assert torch.equal(value, before[key]) == (key.split(".")[0] not in head), key
    said = [CLASSES[int(np.argmax(say(network, cell)))] for cell in cells]
    assert said == [CLASSES[cell.label] for cell in cells]
    again = started(SMALL, None).eval()
    fit_head(again, real, drawn, stage, seed=0)
    assert torch.equal(again.direct.weight, network.direct.weight)


def test_weights_of_another_network_are_refused(tmp_path):
    other = SMALL.model_copy(update={"widths": (8, 16, 16, 16)})
    save_file(started(other, None).state_dict(), tmp_path / "other.safetensors")
    with pytest.raises(DualglandError, match="not of this"):
        started(SMALL, tmp_path / "other.safetensors")
    lacking = {k: v for k, v in started(SMALL, None).state_dict().items() if "dense" not in k}
    save_file(lacking, tmp_path / "lacking.safetensors")
    with pytest.raises(DualglandError, match="not of this"):
        started(SMALL, tmp_path / "lacking.safetensors")


def test_drawn_cells_are_scored(bank):
    network = started(SMALL, None).eval()
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
