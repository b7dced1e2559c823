"""Plausible pictures: apart from each other as far as is stated, and never over what was seen."""

from pathlib import Path

import numpy as np
import pytest
from imputation.scenes import blobs, box, in_dtype, stack_of

import napari_dualgland as nd
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.imputation.tiling.boxes import Box
from napari_dualgland.imputation.tiling.noise import noise_at
from napari_dualgland.intervals import Reach

PLAIN = {"device": "cpu", "rehearse": False}
"""Without calibration, which is tested for itself."""


@pytest.fixture(scope="module")
def scene() -> tuple[nd.Stack, np.ndarray]:
    image = in_dtype(blobs((160, 176), 1), "uint16")
    return stack_of(image), box(image.shape, side=48)


@pytest.fixture(scope="module")
def drawn(scene: tuple[nd.Stack, np.ndarray]) -> nd.Imputation:
    return nd.impute(*scene, samples=3, **PLAIN)


def test_samples_keep_what_was_observed(
    scene: tuple[nd.Stack, np.ndarray], drawn: nd.Imputation
) -> None:
    stack, missing = scene
    assert len(drawn.samples) == 3
    for sample in drawn.samples:
        assert sample.dtype == stack.dtype
        assert np.array_equal(sample[~missing], stack.data[~missing])


def test_samples_differ_as_far_as_is_stated(scene: tuple[nd.Stack, np.ndarray]) -> None:
    _, missing = scene
    # Calibrated: what a network states of images unlike those it has seen need not hold.
    drawn = nd.impute(*scene, samples=3, device="cpu", adapt=False)
    sigma = np.asarray(drawn.uncertainty)[missing]
    mean = np.asarray(drawn.stack.data, float)[missing]
    for sample in drawn.samples:
        moved = sample.astype(float)[missing] - mean
        # Intensities have a floor, so that a little less than what is stated is left.
        assert 0.4 < np.sqrt(np.mean(moved**2) / np.mean(sigma**2)) < 1.5
    one, two = (s.astype(float)[missing] for s in drawn.samples[:2])
    assert np.corrcoef(one - mean, two - mean)[0, 1] < 0.5


def test_asking_for_samples_does_not_change_the_estimate(
    scene: tuple[nd.Stack, np.ndarray], drawn: nd.Imputation
) -> None:
    plain = nd.impute(*scene, **PLAIN)
    assert np.array_equal(plain.stack.data, drawn.stack.data)
    assert plain.samples == ()


def test_the_same_seed_draws_the_same_another_seed_others(
    scene: tuple[nd.Stack, np.ndarray], drawn: nd.Imputation
) -> None:
    again = nd.impute(*scene, samples=1, **PLAIN)
    other = nd.impute(*scene, samples=1, seed=5, **PLAIN)
    assert np.array_equal(again.samples[0], drawn.samples[0])
    assert not np.array_equal(other.samples[0], drawn.samples[0])


def test_neighbouring_tiles_draw_one_picture(scene: tuple[nd.Stack, np.ndarray]) -> None:
    _, missing = scene
    whole, tiled = (nd.impute(*scene, samples=1, tile=tile, **PLAIN) for tile in (512, 64))
    moved = np.std(whole.samples[0][missing] - np.asarray(whole.stack.data, float)[missing])
    apart = np.std((whole.samples[0].astype(float) - tiled.samples[0])[missing])
    assert apart < 0.35 * moved


def test_a_plausible_fill_says_that_it_errs_more(
    scene: tuple[nd.Stack, np.ndarray], drawn: nd.Imputation
) -> None:
    _, missing = scene
    plausible = nd.impute(*scene, plausible=True, **PLAIN)
    assert not np.array_equal(plausible.stack.data, drawn.stack.data)
    assert np.array_equal(plausible.missing, missing)
    ratio = np.asarray(plausible.uncertainty)[missing] / np.asarray(drawn.uncertainty)[missing]
    assert np.allclose(ratio, np.sqrt(2), rtol=1e-3)
    assert plausible.provenance.options["plausible"] is True


def test_the_prior_draws_nothing_and_says_so(scene: tuple[nd.Stack, np.ndarray]) -> None:
    for options in ({"samples": 2}, {"plausible": True}):
        with pytest.raises(DualglandError) as refused:
            nd.impute(*scene, model="prior", **options)
        asked = next(iter(options))
        assert (refused.value.kind, refused.value.place) == (Kind.UNSUPPORTED, asked)


def test_noise_belongs_to_a_place() -> None:
    wide = noise_at(Box(0, 96, 32, 130), 7, 1, (0, 2))
    part = noise_at(Box(32, 96, 64, 96), 7, 1, (0, 2))
    assert wide.shape == (4, 96, 98)
    assert np.array_equal(wide[:, 32:96, 32:64], part)
    assert abs(float(wide.std()) - 1) < 0.02
    for other in (
        noise_at(Box(32, 96, 64, 96), 8, 1, (0, 2)),
        noise_at(Box(32, 96, 64, 96), 7, 2, (0, 2)),
        noise_at(Box(32, 96, 64, 96), 7, 1, (1, 2)),
    ):
        assert not np.array_equal(other, part)


@pytest.mark.parametrize("axes", ["CYX", "ZCYX"])
def test_samples_travel_in_the_file(
    scene: tuple[nd.Stack, np.ndarray], tmp_path: Path, axes: str
) -> None:
    stack, missing = scene
    if axes == "ZCYX":
        stack = stack_of(np.stack([stack.data, stack.data[:, ::-1]]), axes)
        missing = np.stack([missing, missing])
    # Calibrated, so that how far errors reach is something to be kept.
    result = nd.impute(stack, missing, device="cpu", adapt=False, samples=2)
    assert result.provenance.reach["protein"] != Reach()
    path = tmp_path / "out.ome.tif"
    nd.write(result, path)
    back = nd.read(path)
    assert len(back.samples) == 2
    for kept, drawn_ in zip(back.samples, result.samples, strict=True):
        assert np.array_equal(kept, drawn_)
    assert back.provenance is not None
    assert back.provenance.reach == result.provenance.reach
    nd.write(back, tmp_path / "again.ome.tif")
    again = nd.read(tmp_path / "again.ome.tif")
    assert np.array_equal(again.samples[1], result.samples[1])
