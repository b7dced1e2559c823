"""Texture by analogy: copied from the image itself, seamless, and nothing else is touched by it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from imputation.scenes import in_dtype, stack_of
from scipy import ndimage

import napari_dualgland as nd
from napari_dualgland.imputation.calibration.rehearsed import Residual
from napari_dualgland.imputation.channel_sets import channels_of, sets_of
from napari_dualgland.imputation.texture.pictures import NOTHING_TO_COPY
from napari_dualgland.imputation.texture.textures import COARSE, FINE, Textures
from napari_dualgland.imputation.tiling.boxes import Box
from napari_dualgland.results import PLAUSIBLE

QUICK = {"device": "cpu", "rehearse": False, "adapt": False}
NUCLEUS = 2


def grainy(shape: tuple[int, int] = (192, 224), seed: int = 0) -> np.ndarray:
    """Four channels of cells with a grain of two pixels that they share in part; 0 to 1."""
    rng = np.random.default_rng(seed)
    cells = ndimage.gaussian_filter(rng.random(shape), 14, mode="reflect")
    cells = (cells - cells.min()) / np.ptp(cells)
    shared, *own = (ndimage.gaussian_filter(rng.normal(size=shape), 1) for _ in range(5))
    grain = [(0.8 * shared + 0.6 * one) / shared.std() for one in own]
    return np.clip([cells * (0.6 + 0.12 * one) for one in grain], 0, 1)


def squares(shape: tuple[int, ...], channels: Any = slice(None), side: int = 24) -> np.ndarray:
    missing = np.zeros(shape, bool)
    for y, x in ((30, 40), (110, 60), (70, 140), (140, 160)):
        missing[channels, y : y + side, x : x + side] = True
    return missing


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    return in_dtype(grainy(), "uint8")


@pytest.fixture(scope="module")
def drawn(image: np.ndarray) -> nd.Imputation:
    return nd.impute(stack_of(image), squares(image.shape), both=True, samples=1, **QUICK)


def fine(picture: np.ndarray, missing: np.ndarray) -> float:
    """Energy of what is finer than four pixels, where pixels are missing."""
    picture = picture.astype(float)
    finer = picture - ndimage.gaussian_filter(picture, (0, 1.5, 1.5))
    return float((finer[missing] ** 2).mean())


def of_the_network(monkeypatch: pytest.MonkeyPatch, *given: Any, **options: Any) -> nd.Imputation:
    """Impute as if there were nothing to copy."""
    with monkeypatch.context() as patched:
        patched.setattr(Textures, "holds", lambda *_: False)
        return nd.impute(*given, **options)


def test_the_spectrum_is_nearer_to_the_truth_than_estimate_and_network(image, drawn, monkeypatch):
    missing = squares(image.shape)
    network = of_the_network(monkeypatch, stack_of(image), missing, plausible=True, **QUICK)
    pictures = {"analogy": drawn.other, "estimate": drawn.data, "network": network.data}
    off = {
        name: abs(np.log2(fine(np.asarray(p), missing) / fine(image, missing)))
        for name, p in pictures.items()
    }
    assert off["analogy"] < 0.5
    assert off["analogy"] < off["estimate"]
    assert off["analogy"] < off["network"]


def test_couplings_of_channels_are_copied_too(image, drawn):
    missing = squares(image.shape)
    hole = missing[0]

    def coupled(picture: np.ndarray) -> float:
        finer = picture - ndimage.gaussian_filter(picture.astype(float), (0, 1.5, 1.5))
        return float(np.corrcoef(finer[:, hole])[np.triu_indices(4, 1)].mean())

    assert coupled(image) > 0.4, "the scene has couplings"
    assert coupled(np.asarray(drawn.other)) > 0.7 * coupled(image)


def test_estimate_and_uncertainty_are_bit_for_bit_what_they_are_without_pictures(image):
    stack, missing = stack_of(image), squares(image.shape)
    for options in (QUICK, {"device": "cpu", "adapt": False}):
        alone = nd.impute(stack, missing, **options)
        both = nd.impute(stack, missing, both=True, samples=2, **options)
        assert np.array_equal(alone.data, both.data)
        assert np.array_equal(alone.uncertainty, both.uncertainty)
        assert alone.provenance.reach == both.provenance.reach


def test_a_picture_has_a_seed_and_keeps_what_was_observed(image, drawn):
    stack, missing = stack_of(image), squares(image.shape)
    again, other = (nd.impute(stack, missing, both=True, seed=s, **QUICK) for s in (0, 1))
    assert np.array_equal(again.other, drawn.other)
    assert (other.other != drawn.other)[missing].mean() > 0.3
    assert (drawn.samples[0] != drawn.other)[missing].mean() > 0.3
    for picture in (drawn.other, drawn.samples[0], other.other):
        assert picture.dtype == image.dtype
        assert np.array_equal(picture[~missing], image[~missing])
    assert drawn.provenance.notes == ()


def test_no_step_at_the_rim_and_none_between_tiles(image):
    missing = squares(image.shape, side=40)
    whole, tiled = (
        nd.impute(stack_of(image), missing, plausible=True, tile=tile, **QUICK)
        for tile in (512, 64)
    )
    apart = whole.data.astype(float) - tiled.data
    assert np.abs(apart).mean() < 0.05 * np.abs(whole.data - image.astype(float))[missing].mean()
    steps = {}
    for name, picture in (("truth", image), ("picture", whole.data)):
        steps[name] = np.mean(
            [
                np.abs(np.diff(picture.astype(float), axis=axis))[
                    np.diff(missing, axis=axis)
                ].mean()
                for axis in (1, 2)
            ]
        )
    assert 0.7 < steps["picture"] / steps["truth"] < 1.4


def test_channels_with_holes_of_their_own(image):
    missing = squares(image.shape, 1) | np.roll(squares(image.shape, [0, 3]), 12, 2)
    result = nd.impute(stack_of(image), missing, plausible=True, **QUICK)
    assert np.array_equal(result.data[~missing], image[~missing])
    assert np.array_equal(result.data[NUCLEUS], image[NUCLEUS])
    assert result.provenance.notes == (PLAUSIBLE,)
    for channel in (0, 1, 3):
        made, true = (fine(x[[channel]], missing[[channel]]) for x in (result.data, image))
        assert 0.5 < made / true < 2


@pytest.mark.parametrize("damage", ["scratches", "scattered", "saturated"])
def test_every_damage_is_drawn(image, damage):
    rng = np.random.default_rng(3)
    if damage == "scratches":
        missing = np.zeros(image.shape, bool)
        missing[:, :, 50:53] = missing[:, 100:102] = True
    elif damage == "scattered":
        missing = np.broadcast_to(rng.random(image.shape[1:]) < 0.5, image.shape)
    else:
        bright = ndimage.gaussian_filter(image[1].astype(float), 4)
        missing = np.zeros(image.shape, bool)
        missing[1] = bright > np.percentile(bright, 97)
    result = nd.impute(stack_of(image), missing, both=True, **QUICK)
    assert result.provenance.notes == ()
    assert np.array_equal(result.other[~missing], image[~missing])
    off = [
        abs(np.log2(fine(np.asarray(p), missing) / fine(image, missing)))
        for p in (result.other, result.data)
    ]
    assert off[0] < off[1]
    assert (result.other != result.data)[missing].mean() > 0.2


def test_a_lost_channel_is_drawn_by_the_network_and_the_others_are_not(image, monkeypatch):
    missing = squares(image.shape)
    missing[1] = True
    result = nd.impute(stack_of(image), missing, plausible=True, **QUICK)
    assert f"protein: {NOTHING_TO_COPY}" in result.provenance.notes
    network = of_the_network(monkeypatch, stack_of(image), missing, plausible=True, **QUICK)
    assert np.array_equal(result.data[1], network.data[1])
    others = [0, 2, 3]
    assert not np.array_equal(result.data[others], network.data[others])
    told = f"microtubules, protein, nucleus, er: {NOTHING_TO_COPY}"
    assert told in network.provenance.notes


def test_where_nothing_can_be_laid_the_network_draws():
    image = in_dtype(grainy((28, 40)), "uint8")
    missing = np.zeros(image.shape, bool)
    missing[:, 8:20, 8:20] = True
    result = nd.impute(stack_of(image), missing, plausible=True, **QUICK)
    assert any(NOTHING_TO_COPY in note for note in result.provenance.notes)
    estimate = nd.impute(stack_of(image), missing, **QUICK)
    assert not np.array_equal(result.data, estimate.data)


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_frames_of_a_stack_and_dtypes(dtype):
    image = in_dtype(grainy((96, 112)), dtype)
    image = np.stack([image, image[:, ::-1], image[:, :, ::-1]])
    missing = np.zeros(image.shape, bool)
    missing[0, :, 20:44, 20:44] = missing[2, :, 40:70, 60:84] = True
    result = nd.impute(stack_of(image, "ZCYX"), missing, plausible=True, **QUICK)
    assert result.data.dtype == image.dtype
    assert np.array_equal(result.data[~missing], image[~missing])
    assert np.isfinite(result.data).all()
    assert result.data.min() >= image.min()
    assert NOTHING_TO_COPY not in " ".join(result.provenance.notes)


def test_pixels_that_no_camera_counts_stay_as_they_are():
    image = in_dtype(grainy((96, 112)), "float32")
    image[0, 50:60, 50:60] = np.nan
    missing = np.zeros(image.shape, bool)
    missing[:, 20:44, 20:44] = True
    result = nd.impute(stack_of(image), missing, plausible=True, **QUICK)
    assert np.isnan(result.data[0, 50:60, 50:60]).all()
    assert np.isfinite(result.data[missing]).all()


def residual(rng: np.random.Generator, held_out: np.ndarray) -> Residual:
    lacking = np.where(held_out, rng.normal(0, 0.1, held_out.shape), 0).astype(np.float32)
    none = np.zeros(held_out.shape, bool)
    return Residual(held_out, none, np.full(held_out.shape, 0.5, np.float32), lacking)


def test_a_larger_set_serves_where_a_set_was_not_rehearsed():
    rng = np.random.default_rng(0)
    held_out = np.zeros((4, 96, 96), bool)
    held_out[:3, 30:60, 30:60] = True
    textures = Textures([residual(rng, held_out)], 0)
    assert textures.holds(0b011)
    assert not textures.holds(0b1000)
    assert channels_of(0b101) == [0, 2]
    hidden = np.zeros((4, 64, 64), bool)
    hidden[[0, 2], 20:40, 20:40] = hidden[3, 50:, 50:] = True
    assert set(np.unique(sets_of(hidden))) == {0, 0b101, 0b1000}
    (part,) = textures.parts(hidden, Box(0, 64, 0, 64), np.full((4, 64, 64), 0.5, np.float32))
    assert part.channels == [0, 2]
    flat = np.full((4, 64, 64), 0.5, np.float32)
    drawn = part.drawn(flat, rng.random((64, 64)).astype(np.float32))
    assert drawn.shape == (2, 64, 64)
    np.testing.assert_allclose(drawn[:, ~hidden[0]], 0.5, atol=1e-6)
    assert 0.05 < drawn[:, hidden[0]].std() < 0.2


def test_smaller_sets_serve_together_before_what_was_lost_otherwise():
    rng = np.random.default_rng(0)
    held_out = np.zeros((4, 96, 96), bool)
    held_out[:2, 20:44, 20:76] = held_out[2:, 52:76, 20:76] = True
    thin = np.zeros((4, 96, 96), bool)
    thin[:, 14:90:6, 14:82] = True
    flat = np.full((4, 64, 64), 0.5, np.float32)
    hole = np.zeros((4, 64, 64), bool)
    hole[:, 16:48, 16:48] = True
    textures = Textures([residual(rng, held_out), residual(rng, thin)], 0)
    (part,) = textures.parts(hole, Box(0, 64, 0, 64), flat)
    assert [copied.channels for _, copied, _ in part.strokes] == [[0, 1], [2, 3]]
    assert {copied.patches.step for _, copied, _ in part.strokes} == {COARSE}
    drawn = part.drawn(flat, rng.random((64, 64)).astype(np.float32))
    spread = drawn[:, 20:44, 20:44].std((1, 2))
    assert ((spread > 0.05) & (spread < 0.2)).all()
    # Without thick holes what was lost in thin ones serves, and nobody else need draw.
    (part,) = Textures([residual(rng, thin)], 0).parts(hole, Box(0, 64, 0, 64), flat)
    assert {copied.patches.step for _, copied, _ in part.strokes} == {FINE}
