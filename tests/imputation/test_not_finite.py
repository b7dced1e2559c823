"""What no camera counts (NaN, infinity, the largest float there is) spoils no estimate."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from imputation.scenes import blobs, box, in_dtype, stack_of

import napari_dualgland as nd
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.imputation import engine
from napari_dualgland.imputation.casting import cast
from napari_dualgland.imputation.normalise import BRIGHTEST, measure
from napari_dualgland.intensities import LARGEST, measurable
from napari_dualgland.model.evidence import Evidence
from napari_dualgland.model.filler import Fill, PriorFiller
from napari_dualgland.model.weights import read_card
from napari_dualgland.sample import sample_path

NOT_MEASURED = [
    *((dtype, value) for dtype in ("float16", "float32", "float64") for value in (np.nan, np.inf)),
    ("float32", np.finfo("float32").max),
    ("float32", np.finfo("float32").min),
    ("float64", -1e300),
]
TOO_BRIGHT = [("float16", 6e4), ("float32", 1e20), ("float32", -1e29), ("uint32", 2**32 - 1)]


@pytest.mark.parametrize(("dtype", "value"), [*NOT_MEASURED, *TOO_BRIGHT], ids=str)
def test_one_pixel_spoils_no_fill(dtype: str, value: float) -> None:
    image = in_dtype(blobs((96, 112)), dtype)
    missing = box(image.shape)
    options = {"device": "cpu", "samples": 1, "adapt": False}
    odd, lacking = image.copy(), missing.copy()
    odd[1, 35, 60] = odd[2, 3, 3] = value
    lacking[1, 35, 60] = lacking[2, 3, 3] = True
    expected = nd.impute(stack_of(image), lacking, **options)
    near = nd.impute(stack_of(image), missing, **options)
    result = nd.impute(stack_of(odd), missing, **options)
    filled = np.asarray(result.data)
    for written in (filled, *result.samples, result.uncertainty):
        assert written is None or np.isfinite(written[missing]).all()
    assert filled[~missing].tobytes() == odd[~missing].tobytes()
    if (dtype, value) in NOT_MEASURED:  # it was not even looked at
        assert filled[missing].tobytes() == np.asarray(expected.data)[missing].tobytes()
        gap = np.abs(filled[missing].astype(float) - near.data[missing].astype(float))
        assert gap.mean() < 0.005  # a tenth of what the fill is off by


@pytest.mark.parametrize(("dtype", "value"), NOT_MEASURED, ids=str)
def test_what_cannot_have_been_measured_is_found_and_filled(dtype: str, value: float) -> None:
    image = in_dtype(blobs((96, 112)), dtype)
    image[1, 40:44, 50:54] = value
    result = nd.impute(stack_of(image), model="prior", device="cpu", rehearse=False)
    assert np.asarray(result.missing)[1, 40:44, 50:54].all()
    assert np.isfinite(np.asarray(result.data)).all()


@pytest.mark.parametrize(("dtype", "value"), NOT_MEASURED[-2:], ids=str)
def test_cells_are_read_and_measured_past_one_pixel(dtype: str, value: float) -> None:
    stack = nd.read(sample_path("dualgland_whole.ome.tif"))
    pixels = np.asarray(stack.data)[:, :256, :256].astype(dtype)
    expected = nd.localize(replace(stack, data=pixels.copy())).table
    pixels[:, 100, 100] = value
    found = nd.localize(replace(stack, data=pixels))
    numbers = found.table.select_dtypes("number")
    assert np.isfinite(numbers.to_numpy()).all()
    assert np.isfinite(np.asarray(found.maps)).all()
    assert np.abs(numbers["intensity cell"] - expected["intensity cell"]).max() < 1


class Broken(PriorFiller):
    """A model of sound weights whose sums run over."""

    spoiled = "mean"

    def fill(self, evidence: Evidence) -> Fill:
        said = super().fill(evidence)._replace(sigma=torch.ones_like(evidence.prior))
        part = getattr(said, self.spoiled).clone()
        part[..., 0, 0] = torch.inf if self.spoiled == "sigma" else torch.nan
        return said._replace(**{self.spoiled: part})


@pytest.mark.parametrize("spoiled", ["mean", "sigma"])
@pytest.mark.parametrize("rehearse", [False, True])
def test_a_model_that_gives_no_numbers_is_refused(
    spoiled: str, rehearse: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    filler = Broken(read_card("prior")[0], torch.device("cpu"))
    filler.spoiled = spoiled
    monkeypatch.setattr(engine, "load_filler", lambda *_: filler)
    image = in_dtype(blobs((200, 200)), "uint8")
    with pytest.raises(DualglandError) as error:
        nd.impute(stack_of(image), box(image.shape), rehearse=rehearse, device="cpu")
    assert (error.value.kind, error.value.place) == (Kind.NOT_FINITE, "model prior")


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_an_estimate_stays_in_the_range_of_its_dtype(dtype: str) -> None:
    stored = cast(np.array([-1e39, 1e39, 1.5]), np.dtype(dtype))
    assert stored.dtype == dtype
    assert np.isfinite(stored).all()
    assert stored[2] == 1.5


def test_what_may_have_been_measured() -> None:
    values = np.array([0, -5, LARGEST, 2 * LARGEST, np.inf, -np.inf, np.nan])
    assert measurable(values).tolist() == [True] * 3 + [False] * 4
    with np.errstate(over="ignore"):
        assert measurable(values.astype("float16")).tolist() == [True] * 2 + [False] * 5
    assert measurable(np.array([2**64 - 1], np.uint64)).all()


def test_a_model_is_shown_no_more_than_it_can_compute_with() -> None:
    rng = np.random.default_rng(0)
    for scale in (1e-300, 1, 1e30):
        values = rng.random(4096) * scale
        shown = measure([values]).apply(np.append(values, [1e30, -1e30])[None, None])
        assert np.abs(shown).max() <= BRIGHTEST
        assert np.ptp(shown[0, 0, :-2]) > 1
