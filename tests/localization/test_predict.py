"""Localizing: whatever is given comes back in its own numbers and axes, honestly doubted."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from typing import Any

import dask.array as da
import numpy as np
import pytest
import torch
from localization.cell_scenes import PRIOR, field, save_localizer, stack_of
from scipy.special import logit

import napari_dualgland as nd
from napari_dualgland import CLASSES, ROLES, Channel, DualglandError, PixelSize, Stack
from napari_dualgland.errors import Kind
from napari_dualgland.io import read_mask
from napari_dualgland.localization import inference
from napari_dualgland.localization.frames import Frames
from napari_dualgland.localization.inference import BatchedLocalizer
from napari_dualgland.localization.pixel_size import pixel_um
from napari_dualgland.localization.ranked import ranked
from napari_dualgland.model.calibrated_localizer import CalibratedLocalizer, load_localizer
from napari_dualgland.model.filler import load_filler
from napari_dualgland.model.weights import read_card
from napari_dualgland.progress import Cancelled, Progress
from napari_dualgland.provenance import Provenance
from napari_dualgland.sample import sample_path

CPU = torch.device("cpu")
NOTHING = np.zeros((160, 240), bool)


def probabilities(result: nd.Localization) -> np.ndarray:
    return result.table[list(CLASSES)].to_numpy()


def run(stack: Any, cells: Any, model: str, missing: Any = NOTHING, **options: Any):
    return nd.localize(stack, cells, missing=missing, model=model, device="cpu", **options)


def test_localize_is_the_function_whatever_was_imported() -> None:
    import napari_dualgland.localization.predict

    assert callable(nd.localize)
    assert nd.localize is napari_dualgland.localization.predict.localize
    assert {"localize", "localize_steps", "Localization", "LocalizeParams"} <= {*nd.__all__}


def test_given_labels_keep_their_numbers(model: str, localized: nd.Localization) -> None:
    image, labels = field()
    numbers = np.array([0, 7, 2, 900, 31, 5, 2_000_000_011])
    result = run(stack_of(image), numbers[labels], model)
    assert result.cells.dtype == np.int32
    assert np.array_equal(result.cells, numbers[labels])
    assert result.table["cell"].tolist() == sorted(numbers[1:].tolist())
    order = np.argsort(numbers[1:])
    assert np.allclose(probabilities(result), probabilities(localized)[order], atol=1e-4)


def test_cells_are_found_where_none_are_given(model: str) -> None:
    """The shipped sample, with the damage that its mask states."""
    whole = nd.read(sample_path("dualgland_damaged.ome.tif"))
    damage = np.asarray(read_mask(sample_path("dualgland_damaged_mask.tif")))
    result = run(whole, None, model, damage)
    table = result.table
    assert table["cell"].tolist() == sorted({*np.unique(result.cells)} - {0})
    assert 3 < len(table) < 60
    assert (table["nuclei"] >= 1).mean() > 0.9
    assert table["area_um2"].between(60, 5000).all()
    assert any("impute first" in note for note in result.provenance.notes)
    assert not np.asarray(result.maps[0])[result.cells == 0].any()


def test_sparse_huge_labels_need_no_huge_tables() -> None:
    plane = np.zeros((64, 64), np.int32)
    plane[:9, :9], plane[30:40, 30:40] = 2_000_000_000, 3
    tracemalloc.start()
    found = ranked(plane)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.labels.tolist() == [3, 2_000_000_000]
    assert found.windows[1] == (slice(0, 9), slice(0, 9))
    assert peak < 2_000_000


@pytest.mark.parametrize("lazy", [False, True])
def test_axes_come_back(model: str, lazy: bool) -> None:
    """X before Y, C last: cells and maps follow the stack; a row per cell and frame."""
    image, labels = field(1, 2)
    axes = "TXYZC"
    canonical = np.stack([image, image[:, ::-1]])[:, None]  # T Z C Y X
    data = canonical.transpose(0, 4, 3, 1, 2)
    cells = np.stack([labels, labels[::-1]])[:, None].transpose(0, 3, 2, 1)  # T X Y Z
    if lazy:
        data, cells = da.from_array(data), da.from_array(cells)
    result = run(stack_of(data, axes), cells, model, np.zeros(data.shape, bool))
    assert result.cells.shape == (2, 160, 80, 1)
    assert np.array_equal(result.cells, np.asarray(cells))
    assert result.maps.shape == (2, 160, 80, 1, 19)
    assert result.map_axes == axes
    assert result.cell_axes == "TXYZ"
    assert result.table["t"].tolist() == [0, 0, 1, 1]
    assert result.table["z"].tolist() == [0, 0, 0, 0]
    alone = run(stack_of(image), labels, model, np.zeros(labels.shape, bool))
    assert "t" not in alone.table.columns
    assert np.allclose(probabilities(result)[:2], probabilities(alone), atol=1e-4)
    assert np.allclose(
        np.asarray(result.maps[0, :, :, 0]).transpose(2, 1, 0), np.asarray(alone.maps), atol=0.01
    )


def test_labels_of_one_plane_hold_for_all_frames(model: str) -> None:
    image, labels = field(1, 2)
    stack = stack_of(np.stack([image] * 2), "ZCYX")
    result = run(stack, labels, model, np.zeros(labels.shape, bool))
    assert np.array_equal(result.cells, np.stack([labels] * 2))
    assert np.array_equal(probabilities(result)[:2], probabilities(result)[2:])


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (np.zeros((3, 3), int), Kind.MISMATCH),
        (np.zeros((160, 240)), Kind.WRONG_CONTENT),
        (np.zeros((160, 240), bool), Kind.WRONG_CONTENT),
        (np.full((160, 240), -1), Kind.WRONG_CONTENT),
        (np.full((160, 240), 2**40), Kind.WRONG_CONTENT),
    ],
)
def test_odd_cells_are_refused_in_one_line(model: str, cells: Any, kind: Kind) -> None:
    image, _ = field()
    stack = stack_of(image)
    with pytest.raises(DualglandError) as refused:
        run(stack, cells, model)
    assert (refused.value.kind, refused.value.place) == (kind, stack.where)
    assert "\n" not in str(refused.value)


def test_a_stack_without_protein_is_refused(model: str) -> None:
    image, labels = field()
    channels = tuple(Channel(r, None if r == "protein" else r) for r in ROLES)
    with pytest.raises(DualglandError, match=r"no channel is the protein.*protein=1"):
        run(Stack(image, "CYX", channels), labels, model)


def test_models_for_other_jobs_are_refused(model: str) -> None:
    image, labels = field()
    with pytest.raises(DualglandError, match="generator is a generator and cannot localize"):
        run(stack_of(image), labels, "generator")
    with pytest.raises(DualglandError, match="small is a localizer and cannot impute"):
        load_filler(model, CPU)


def test_a_card_that_makes_no_sense_is_refused(tmp_path) -> None:
    for i, use in enumerate(
        ({"temperature": 0}, {"thresholds": {"Nucleus": 0.5}}, {"prior": {"Cytosol": 7}})
    ):
        with pytest.raises(DualglandError, match="calibration cannot be used"):
            load_localizer(save_localizer(tmp_path, f"odd{i}", **use), CPU)


def test_the_card_calibrates(tmp_path) -> None:
    image, labels = field(1, 2)
    missing = np.zeros(labels.shape, bool)
    logits, limits = [], {"Cytosol": 0.25}
    for temperature in (1.0, 4.0):
        path = save_localizer(tmp_path, "own", temperature=temperature, thresholds=limits)
        result = run(stack_of(image), labels, path, missing)
        p = probabilities(result)
        logits.append(np.log(p / (1 - p)))
        assert result.thresholds[CLASSES.index("Cytosol")] == 0.25
    assert np.allclose(logits[0], 4 * logits[1], atol=1e-4)
    assert set(run(stack_of(image), labels, path, missing, threshold=0.3).thresholds) == {0.3}


def test_nothing_hangs_on_batches_or_on_other_cells(model: str) -> None:
    image, labels = field()
    frame = next(iter(Frames(stack_of(image), NOTHING)))
    reader = load_localizer(model, CPU)

    def read(plane: np.ndarray, batch_pixels: int) -> dict[int, np.ndarray]:
        cells = ranked(plane)
        batches = BatchedLocalizer(reader, batch_pixels).predict(frame, cells, 0.24)
        return {int(cells.labels[one.number]): one.logits for batch in batches for one in batch}

    together, singly = read(labels, 2**19), read(labels, 1)
    alone = read(np.where(labels == 3, 3, 0), 2**19)
    assert {*together} == {1, 2, 3, 4, 5, 6}
    for number, logits in together.items():
        assert np.allclose(logits, singly[number], atol=1e-4)
    assert np.allclose(together[3], alone[3], atol=1e-4)
    assert np.ptp([logits[0] for logits in together.values()]) > 0.01


def test_damage_draws_a_cell_to_the_base_rates_and_no_other(
    model: str, localized: nd.Localization
) -> None:
    image, labels = field()
    lost = np.zeros(image.shape, bool)
    lost[1, labels == 2] = True
    lost[1, :40] |= labels[:40] == 1
    result = run(stack_of(image), labels, model, lost)
    table = result.table.set_index("cell")
    prior = np.array([PRIOR[name] for name in CLASSES])
    assert np.allclose(table.loc[2, list(CLASSES)].to_numpy(float), prior, atol=1e-6)
    assert table.loc[2, "classes"] == ""
    assert table.loc[2, "missing"] == pytest.approx(0.25)
    assert table.loc[1, "missing"] == pytest.approx(0.125, abs=0.01)
    p = np.clip(prior, 1e-9, 1)
    bits = (-p * np.log2(p) - (1 - p) * np.log2(1 - p)).max()
    assert table.loc[2, "uncertainty"] == pytest.approx(bits, abs=1e-4)
    others = [3, 4, 5, 6]
    assert np.allclose(
        table.loc[others, list(CLASSES)].to_numpy(float), probabilities(localized)[2:], atol=1e-4
    )
    notes = " ".join(result.provenance.notes)
    assert "2 cells are damaged: impute first" in notes
    assert "1 cell is without a measured pixel of the protein" in notes
    assert "the probabilities are base rates" in notes
    assert "rest on estimates" not in notes
    assert not localized.provenance.notes
    assert not np.asarray(result.maps[:18])[:, labels == 2].any()


def test_damage_is_found_where_none_is_given(model: str) -> None:
    image, labels = field()
    hurt = image.copy()
    hurt[:, 90:140, 20:60] = 0
    result = nd.localize(stack_of(hurt), labels, model=model, device="cpu")
    assert result.table.set_index("cell")["missing"][4] > 0.4
    assert result.table.set_index("cell")["missing"].drop(4).max() < 0.05
    hurt = hurt.astype(np.float32)
    hurt[1, labels == 5] = np.nan
    result = run(stack_of(hurt), labels, model)
    assert result.table.set_index("cell")["missing"][5] == pytest.approx(0.25)
    assert np.isfinite(probabilities(result)).all()


def test_what_may_be_damaged_is_looked_at_as_measured_and_said(model: str, monkeypatch) -> None:
    # Ask for more than any rim has: then all that is found by regions is in doubt.
    monkeypatch.setattr("napari_dualgland.missing.doubt.SHARP_SIDES", 1.1)
    image, labels = field()
    hurt = image.copy()
    hurt[1, 90:140, 20:60] = 0
    stack = stack_of(np.stack([image, hurt]), "TCYX")
    result = nd.localize(stack, labels, model=model, device="cpu")
    assert (result.table["missing"] < 0.05).all()
    (note,) = (n for n in result.provenance.notes if "may be damaged" in n)
    assert note.startswith("protein: ")
    assert "left as measured" in note
    assert "rows 90–139, columns 20–59, t=1" in note
    assert not any("may be damaged" in n for n in run(stack, labels, model).provenance.notes)


def test_imputed_pixels_are_read_but_counted(model: str) -> None:
    image, labels = field()
    filled = np.zeros(image.shape, bool)
    filled[1, labels == 2] = True
    filled[:, :40] |= labels[:40] == 1
    plain = stack_of(image)
    marked = nd.Imputation.of(plain, filled)
    provenance = Provenance(version="0", model="m", date="d")
    for given in (marked, nd.Imputation.of(plain, filled, provenance=provenance)):
        result = nd.localize(given, labels, model=model, device="cpu")
        table = result.table.set_index("cell")
        assert table.loc[2, "imputed"] == pytest.approx(0.25)
        assert table.loc[1, "imputed"] == pytest.approx(0.5, abs=0.03)
        assert (table["missing"] < 0.01).all()
        assert table.loc[2, "classes"] == ""
        assert any("2 cells are imputed in part" in n for n in result.provenance.notes)
        assert not any("impute first" in n for n in result.provenance.notes)


def test_a_filled_pixel_counts_for_half_of_a_damaged_one(
    model: str, localized: nd.Localization
) -> None:
    image, labels = field()
    hole = np.zeros(image.shape, bool)
    hole[1] = labels == 2
    nothing = np.zeros(image.shape, bool)
    base = np.array([PRIOR.get(name, 0.05) for name in CLASSES])
    whole = probabilities(localized)[1]
    result = run(nd.Imputation.of(stack_of(image), hole), labels, model, nothing)
    filled = probabilities(result)[1]
    notes = " ".join(result.provenance.notes)
    assert "nothing is named there, the probabilities rest on estimates" in notes
    assert "are base rates" not in notes
    between = (logit(whole) + logit(base)) / 2
    assert np.allclose(logit(filled), between, atol=1e-3)


def test_an_absent_landmark_is_no_damage(model: str) -> None:
    image, labels = field(1, 2)
    stack = Stack(image[:3], "CYX", tuple(Channel(r, r) for r in ROLES[:3]), PixelSize(0.24, 0.24))
    nothing = np.zeros(labels.shape, bool)
    lacking = run(stack, labels, model, nothing)
    assert (lacking.table["missing"] == 0).all()
    assert any(note.startswith("er: no such channel") for note in lacking.provenance.notes)
    # Filled all over, it is still no reason to doubt the protein.
    er = np.broadcast_to((np.arange(4) == 3)[:, None, None], image.shape)
    whole = run(nd.Imputation.of(stack_of(image), er), labels, model, nothing)
    measured = run(stack_of(image), labels, model, nothing)
    assert np.allclose(probabilities(whole), probabilities(measured), atol=1e-4)
    assert (whole.table["imputed"] == 0.25).all()


def test_cancelling_and_progress(model: str) -> None:
    image, labels = field()
    stack = stack_of(np.stack([image, image]), "ZCYX")
    heard: list[Progress] = []
    nd.localize(stack, labels, missing=NOTHING, model=model, device="cpu", progress=heard.append)
    assert (heard[-1].done, heard[-1].total) == (12, 12)
    assert [e.done for e in heard] == sorted(e.done for e in heard)
    assert all(e.done <= e.total for e in heard)
    steps = nd.localize_steps(
        stack,
        labels,
        nd.LocalizeParams(model=model),
        NOTHING,
        lambda: bool(heard) and heard[-1].done > 0,
    )
    heard.clear()
    with pytest.raises(Cancelled):
        heard.extend(steps)
    assert 0 < heard[-1].done < 12


class Greedy(CalibratedLocalizer):
    """Runs out of memory for more than ``most`` cells at a time."""

    most = 1

    def predict(self, x, inside, present):
        if len(x) > self.most:
            raise MemoryError
        return super().predict(x, inside, present)


def test_less_memory_says_so_and_changes_nothing(model: str) -> None:
    image, labels = field()
    frame, cells = next(iter(Frames(stack_of(image), NOTHING))), ranked(labels)
    plain = load_localizer(model, CPU)
    greedy = BatchedLocalizer(Greedy(plain.card, plain.network, CPU))
    got = {one.number: one.logits for batch in greedy.predict(frame, cells, 0.24) for one in batch}
    want = {
        o.number: o.logits for b in BatchedLocalizer(plain).predict(frame, cells, 0.24) for o in b
    }
    assert {*got} == {*want}
    assert all(np.allclose(got[i], want[i], atol=1e-4) for i in want)
    assert any("smaller batches" in note for note in greedy.notes)
    greedy.localizer.most = 0
    with pytest.raises(DualglandError, match="out of memory, even on the CPU"):
        list(greedy.predict(frame, cells, 0.24))
    assert inference.BUCKET % 16 == 0


def test_an_unknown_pixel_size_is_assumed_aloud(model: str) -> None:
    image, labels = field()
    result = run(replace(stack_of(image), pixel_size=None), labels, model, nucleus_um=6.2)
    assert any("no pixel size is stated" in note for note in result.provenance.notes)
    frame = next(iter(Frames(stack_of(image), NOTHING))).values
    unsaid = replace(stack_of(image), pixel_size=None)
    found, _ = pixel_um(unsaid, frame, 26 * 0.24)
    assert found == pytest.approx(0.24, rel=0.1)
    empty = np.full((4, 1024, 1024), np.nan, np.float32)
    assert pixel_um(unsaid, empty, 15)[0] == pytest.approx(0.16)
    assert pixel_um(unsaid, empty[:, :300], 15)[0] == pytest.approx(0.08)
    odd = replace(unsaid, pixel_size=PixelSize(0.1, 0.4))
    found, note = pixel_um(odd, empty, 15)
    assert found == pytest.approx(0.2)
    assert note is not None


def test_provenance_says_what_was_used(model: str) -> None:
    image, labels = field(1, 2)
    stack = replace(stack_of(image), source="/secret/folder/x.tif")
    told = run(stack, labels, model, np.zeros(labels.shape, bool)).provenance
    assert (told.model, told.source, told.device) == ("small", "x.tif", "cpu")
    assert told.model_sha256 == read_card(model)[0].sha256
    assert told.options["model"] == model
