"""The engine's promises: observed pixels, marks, determinism, tiles."""

import dask.array as da
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from imputation.scenes import CALIBRATED, CHANNELS, blobs, box, in_dtype, run, stack_of

import napari_dualgland as nd
from napari_dualgland.errors import DualglandError
from napari_dualgland.progress import Progress

DTYPES = ["uint8", "uint16", "int16", "float32", "float64"]


def same_bits(a: np.ndarray, b: np.ndarray) -> bool:
    return a.dtype == b.dtype and a.tobytes() == b.tobytes()


@given(
    dtype=st.sampled_from(DTYPES),
    height=st.integers(1, 90),
    width=st.integers(1, 90),
    share=st.floats(0.01, 0.95),
    per_channel=st.booleans(),
    seed=st.integers(0, 999),
)
@settings(max_examples=40)
def test_observed_pixels_are_the_sources_own_bits(
    dtype: str, height: int, width: int, share: float, per_channel: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    image = in_dtype(blobs((height, width), seed), dtype)
    missing = rng.random((4 if per_channel else 1, height, width)) < share
    missing = np.broadcast_to(missing, image.shape).copy()
    missing[0, 0, 0] = False  # something must be observed
    before = image.copy()
    result = run(stack_of(image), missing, tile=64)
    filled = np.asarray(result.stack.data)
    assert same_bits(image, before)
    assert filled.shape == image.shape
    assert same_bits(filled[~missing], image[~missing])
    assert np.array_equal(result.missing, missing)
    if missing.any():
        assert np.array_equal(result.stack.imputed, missing)
    assert np.isfinite(filled.astype(float)).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_nan_outside_the_mask_is_kept_and_never_spreads(dtype: str) -> None:
    image = in_dtype(blobs(), dtype)
    image[2, 5:9, 5:9] = np.nan
    image[1, 60, 60] = np.inf
    missing = box(image.shape)
    filled = np.asarray(run(stack_of(image), missing).stack.data)
    assert same_bits(filled[~missing], image[~missing])
    assert np.isfinite(filled[missing]).all()


def test_nan_is_found_and_filled() -> None:
    image = in_dtype(blobs(), "float32")
    image[1, 40:50, 30:44] = np.nan
    result = run(stack_of(image))
    assert np.array_equal(result.missing, np.isnan(image))
    assert np.isfinite(result.stack.data).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_exposure_does_not_matter(dtype: str) -> None:
    """The fill of a scaled stack is the scaled fill, up to the rounding of the dtype."""
    image = blobs()
    missing = box(image.shape)
    reference = np.asarray(run(stack_of(image * 1000.0), missing).stack.data) / 1000
    given_image = in_dtype(image, dtype)
    filled = np.asarray(run(stack_of(given_image), missing).stack.data).astype(float)
    scale = 1.0 if np.dtype(dtype).kind == "f" else 200.0
    # Half a grey level of input, as much of output, and their way through the fill.
    assert np.abs(filled / scale - reference)[missing].max() < (1e-3 if scale == 1 else 2 / 200)


def test_integers_are_clipped_not_wrapped() -> None:
    image = np.full((4, 64, 64), 250, np.uint8)
    image[:, :, :30] = 5
    image[:, 30:34] = np.arange(64)[None, None] * 3 + 60
    filled = np.asarray(run(stack_of(image), box(image.shape)).stack.data)
    assert filled.min() >= image.min()
    steps = np.abs(np.diff(filled.astype(int), axis=2))[:, 20:28, 20:28]
    assert steps.max() < 250


@pytest.mark.parametrize("model", ["prior", "generator"])
def test_tiled_equals_whole(model: str) -> None:
    image = in_dtype(blobs((300, 330), 3), "uint8")
    rng = np.random.default_rng(0)
    missing = np.zeros(image.shape, bool)
    for _ in range(30):
        y, x, h, w = (int(v) for v in rng.integers((0, 0, 3, 3), (280, 310, 40, 40)))
        missing[:, y : y + h, x : x + w] = True
    missing[1, 100:240, 120:280] = True  # deep, over several tiles
    whole, tiled = (
        np.asarray(run(stack_of(image), missing, model=model, tile=tile).stack.data).astype(int)
        for tile in (512, 64)
    )
    difference = np.abs(whole - tiled)[missing]
    # Stated in the README: less than one grey level of 255 on average, 99 of 100 within 3.
    assert difference.mean() < 0.5
    assert np.percentile(difference, 99) <= 3


def test_tiles_agree_on_what_was_learned_in_the_image() -> None:
    image = in_dtype(blobs((160, 176), 3), "uint8")
    missing = box(image.shape, channels=[1], side=70)
    whole, tiled = (
        np.asarray(run(stack_of(image), missing, tile=tile, **CALIBRATED).stack.data).astype(int)
        for tile in (512, 64)
    )
    difference = np.abs(whole - tiled)[missing]
    assert difference.mean() < 0.5
    assert np.percentile(difference, 99) <= 3


def test_there_is_no_seam() -> None:
    """Steps between pixels are no larger along the borders of tiles than elsewhere."""
    image = in_dtype(blobs((256, 256), 5), "uint16")
    missing = np.zeros(image.shape, bool)
    missing[:, 40:216, 40:216] = True
    filled = np.asarray(run(stack_of(image), missing, tile=64).stack.data).astype(float)
    steps = np.abs(np.diff(filled, axis=2))[:, 60:200, :]
    along = steps[:, :, [63, 127, 191]].mean()
    elsewhere = np.delete(steps, [63, 127, 191], axis=2)[:, :, 50:200].mean()
    assert along < 1.5 * elsewhere


def test_a_deep_hole_is_no_mush() -> None:
    """The middle of a hole wider than any window still knows of both its sides."""
    y, x = np.mgrid[:420, :420] / 419
    image = np.stack([x, y, x, y]) * 200 + np.random.default_rng(0).normal(0, 2, (4, 420, 420))
    image = np.clip(image, 0, 255).astype(np.uint8)
    missing = np.zeros(image.shape, bool)
    missing[:, 60:360, 60:360] = True  # windows are 192 pixels wide
    filled = np.asarray(run(stack_of(image), missing, tile=64).stack.data).astype(float)
    error = np.abs(filled - image.astype(float))[missing]
    assert error.mean() < 12
    assert abs(filled[0, 210, 210] - 100) < 15
    assert filled[0, 210, 90] < filled[0, 210, 210] < filled[0, 210, 330]


@pytest.mark.parametrize("options", [{}, CALIBRATED], ids=["prior", "generator"])
def test_same_input_same_output(options: dict[str, object]) -> None:
    stack = stack_of(in_dtype(blobs(), "uint16"))
    missing = box(stack.shape, channels=[1])
    first, second = (run(stack, missing, **options) for _ in range(2))
    assert same_bits(np.asarray(first.stack.data), np.asarray(second.stack.data))
    if first.uncertainty is not None:
        assert np.array_equal(first.uncertainty, second.uncertainty)


def test_only_tiles_with_holes_are_computed() -> None:
    image = in_dtype(blobs((512, 512)), "uint8")
    missing = np.zeros(image.shape, bool)
    missing[1, 10, 10] = missing[2, 400, 300] = True
    events: list[Progress] = []
    run(stack_of(image), missing, tile=64, progress=events.append)
    patches = [e.patch for e in events if e.patch is not None]
    assert len(patches) == 2
    assert events[-1].done == events[-1].total == 2
    assert {(p.y.start, p.x.start) for p in patches} == {(0, 0), (384, 256)}


def test_patches_show_what_the_result_holds() -> None:
    stack = stack_of(in_dtype(blobs((150, 150)), "uint8"))
    missing = box(stack.shape, side=90)
    events: list[Progress] = []
    result = run(stack, missing, tile=64, progress=events.append)
    shown = np.asarray(stack.data).copy()
    for event in events:
        if event.patch is not None:
            shown[:, event.patch.y, event.patch.x] = event.patch.values
    assert np.array_equal(shown, result.stack.data)


def test_an_absent_channel_is_appended_and_marked() -> None:
    image = in_dtype(blobs(), "uint8")
    stack = nd.Stack(image[[0, 2, 3]], "CYX", tuple(CHANNELS[i] for i in (0, 2, 3)))
    missing = np.zeros(stack.shape, bool)
    missing[1, 40:50, 40:50] = True
    result = run(stack, missing, model="generator")
    assert [c.role for c in result.stack.channels] == ["microtubules", "nucleus", "er", "protein"]
    assert result.missing[3].all()
    assert np.array_equal(result.missing[:3], missing)
    assert same_bits(np.asarray(result.stack.data)[:3][~missing], stack.data[~missing])
    assert any("protein" in note for note in result.provenance.notes)
    assert result.provenance.missing_fraction["protein"] == 1


def test_channels_without_a_role_pass_through() -> None:
    image = in_dtype(blobs(), "uint8")
    extra = np.full((1, *image.shape[1:]), 7, np.uint8)
    stack = nd.Stack(np.concatenate([extra, image]), "CYX", (nd.Channel("brightfield"), *CHANNELS))
    missing = np.zeros(stack.shape, bool)
    missing[:, 40:50, 40:50] = True
    result = run(stack, missing)
    assert np.array_equal(result.stack.data[0], stack.data[0])
    assert not result.missing[0].any()
    assert result.missing[1:, 45, 45].all()
    assert any("without a role" in note for note in result.provenance.notes)


@pytest.mark.parametrize("axes", ["TZCYX", "CZYX", "YXC", "TCYX"])
@pytest.mark.parametrize("lazy", [False, True])
def test_frames_are_looped_in_any_order_of_axes(axes: str, lazy: bool) -> None:
    sizes = {"T": 2, "Z": 3, "C": 4, "Y": 40, "X": 48}
    frames = [blobs((40, 48), seed) for seed in range(6)]
    canonical = in_dtype(np.stack(frames).reshape(2, 3, 4, 40, 48), "uint8")
    canonical = canonical[: 2 if "T" in axes else 1, : 3 if "Z" in axes else 1]
    data = nd.stack.from_canonical(canonical, axes)
    assert data.shape == tuple(sizes[a] for a in axes)
    missing = nd.stack.from_canonical(
        np.broadcast_to(box((4, 40, 48), side=10), canonical.shape), axes
    )
    stack = stack_of(da.from_array(data, chunks=20) if lazy else data, axes)
    result = run(stack, missing)
    assert isinstance(result.stack.data, da.Array if lazy else np.ndarray)
    filled = np.asarray(result.stack.data)
    assert same_bits(filled[~missing], data[~missing])
    assert not np.array_equal(filled[missing], data[missing])
    assert np.array_equal(np.asarray(result.missing), missing)
    eager = run(stack_of(data, axes), missing)
    assert np.array_equal(filled, eager.stack.data)


def test_a_lost_frame_is_left_as_it_is_and_said() -> None:
    image = in_dtype(np.stack([blobs((40, 48), s) for s in range(3)]), "uint8")
    missing = np.zeros(image.shape, bool)
    missing[1] = True
    missing[2, :, 10:20, 10:20] = True
    result = run(stack_of(image, "ZCYX"), missing)
    assert np.array_equal(result.stack.data[1], image[1])
    assert not result.missing[1].any()
    assert any("z=1" in note for note in result.provenance.notes)


def test_nothing_missing_is_nothing_to_do() -> None:
    stack = stack_of(in_dtype(blobs(), "uint8"))
    result = run(stack, np.zeros(stack.shape, bool))
    assert result.data is stack.data
    assert result.unchanged
    assert not result.missing.any()
    assert "nothing to do" in result.provenance.notes[0]


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        (np.ones((96, 112), bool), "everything is missing"),
        (np.ones((5, 5), bool), "does not fit"),
    ],
)
def test_masks_that_cannot_be_filled_are_refused(missing: np.ndarray, message: str) -> None:
    with pytest.raises(DualglandError, match=message):
        run(stack_of(in_dtype(blobs(), "uint8")), missing)


def test_a_stack_without_roles_is_refused() -> None:
    channels = tuple(nd.Channel(f"channel {i}") for i in range(4))
    with pytest.raises(DualglandError, match="--channels microtubules=0"):
        run(nd.Stack(in_dtype(blobs(), "uint8"), "CYX", channels), box((4, 96, 112)))


def test_provenance_says_how() -> None:
    stack = stack_of(in_dtype(blobs(), "uint8"), source="/somewhere/private/plate.tif")
    missing = box(stack.shape, channels=[1])
    how = run(stack, missing, seed=5).provenance
    assert how.model == "prior"
    assert how.seed == 5
    assert how.options["tile"] == 384
    assert how.source == "plate.tif"
    assert how.version == nd.__version__
    assert how.missing_fraction["protein"] == pytest.approx(missing[1].mean())
    assert how.missing_fraction["nucleus"] == 0


def test_the_generator_states_its_uncertainty() -> None:
    stack = stack_of(in_dtype(blobs(), "uint16"))
    missing = box(stack.shape)
    result = run(stack, missing, model="generator")
    assert result.uncertainty is not None
    assert result.uncertainty.dtype == np.float32
    assert (result.uncertainty[missing] > 0).all()
    assert not result.uncertainty[~missing].any()
    assert run(stack, missing).uncertainty is None


def test_the_fill_is_better_than_a_constant() -> None:
    image = in_dtype(blobs((128, 128), 7), "uint8")
    missing = box(image.shape, channels=[1], side=40)
    for model in ("prior", "generator"):
        filled = np.asarray(run(stack_of(image), missing, model=model).stack.data).astype(float)
        error = np.square(filled - image.astype(float))[missing].mean()
        assert error < 0.5 * image[1].astype(float).var(), model
