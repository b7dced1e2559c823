"""Windows around groups of holes: nothing is left out, and batches change nothing."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from imputation.scenes import blobs, calibrated, in_dtype, stack_of, statistics_of

from napari_dualgland.imputation.calibration.correction import corrections
from napari_dualgland.imputation.calibration.features import Features
from napari_dualgland.imputation.calibration.kriging import Kriging
from napari_dualgland.imputation.engine import impute
from napari_dualgland.imputation.params import ImputeParams
from napari_dualgland.imputation.tiling import frame
from napari_dualgland.imputation.tiling.boxes import (
    ALIGNMENT,
    MARGIN,
    OVERLAP,
    Box,
    tiles_with_holes,
)
from napari_dualgland.imputation.tiling.clusters import WINDOW_COSTS, clusters, window_box
from napari_dualgland.imputation.tiling.pieces import around, batches, bundles, pieces_of
from napari_dualgland.model.evidence import Evidence, Shown, gather_evidences
from napari_dualgland.model.filler import load_filler

SHAPE = (300, 420)


def holes(seed: int, count: int, side: int) -> np.ndarray:
    """Squares and specks, (4, Y, X)."""
    rng = np.random.default_rng(seed)
    mask = np.zeros((4, *SHAPE), bool)
    for _ in range(count):
        y, x = rng.integers(0, SHAPE[0]), rng.integers(0, SHAPE[1])
        mask[rng.integers(0, 4), y : y + rng.integers(1, side), x : x + rng.integers(1, side)] = (
            True
        )
    return mask


def cut_out(planes: np.ndarray, cut: tuple[slice, slice]) -> torch.Tensor:
    return torch.from_numpy(planes[(slice(None), *cut)].copy())[None]


@given(
    seed=st.integers(0, 2**16),
    count=st.integers(1, 30),
    side=st.integers(2, 80),
    corner=st.tuples(st.integers(0, 200), st.integers(0, 300)),
)
@settings(max_examples=60, deadline=None)
def test_clusters_hold_every_hole_and_no_two_would_be_cheaper_as_one(
    seed: int, count: int, side: int, corner: tuple[int, int]
) -> None:
    wanted = holes(seed, count, side)
    region = Box(corner[0], corner[0] + 100, corner[1], corner[1] + 120)
    found = clusters(wanted, region, SHAPE)
    left = wanted.any(0)[region.slices].copy()
    for box in found:
        assert box.meets(region) == box
        left[box.inside(region)] = False
        window = window_box(box, SHAPE)
        assert (window.y0 % ALIGNMENT, window.x0 % ALIGNMENT) == (0, 0)
        assert window.meets(box.grown(MARGIN, SHAPE)) == box.grown(MARGIN, SHAPE)
    assert not left.any()
    for number, box in enumerate(found):
        for other in found[:number]:
            apart = window_box(box, SHAPE).area + window_box(other, SHAPE).area + WINDOW_COSTS
            assert apart <= window_box(box.around(other), SHAPE).area


def test_two_far_holes_get_a_window_each_and_two_near_ones_share_one() -> None:
    shape = (512, 512)
    wanted = np.zeros((4, *shape), bool)
    wanted[0, 40:60, 40:60] = wanted[1, 440:460, 440:460] = True
    region = Box(0, 512, 0, 512)
    assert clusters(wanted, region, shape) == [Box(40, 60, 40, 60), Box(440, 460, 440, 460)]
    wanted[1] = False
    wanted[1, 70:80, 90:100] = True
    assert clusters(wanted, region, shape) == [Box(40, 80, 40, 100)]


@pytest.mark.parametrize("pixels", [1, 50_000, 10**9])
def test_batches_hold_each_piece_once_and_windows_of_one_size(pixels: int) -> None:
    wanted = holes(3, 40, 30)
    tiles = {(b.y0 // 64, b.x0 // 64): b for b in tiles_with_holes(wanted, 64)}
    pieces = pieces_of(list(tiles), tiles, wanted, SHAPE)
    several = list(batches(pieces, pixels))
    assert sorted(piece for batch in several for piece in batch) == sorted(pieces)
    for batch in several:
        assert len({piece.size for piece in batch}) == 1
        assert len(batch) == 1 or sum(piece.window.area for piece in batch) <= pixels
    bundled = list(bundles(pieces, pixels))
    assert [batch for bundle in bundled for batch in bundle] == several
    for bundle in bundled:
        size = sum(piece.window.area for batch in bundle for piece in batch)
        assert len(bundle) == 1 or size <= pixels
    reach = tiles[pieces[0].tile].grown(OVERLAP, SHAPE)
    assert all(set(around(place, tiles)) <= set(tiles) for place in tiles)
    assert pieces[0].hole.meets(reach) == pieces[0].hole


@pytest.mark.parametrize("options", [{"model": "prior"}, {"samples": 1}], ids=["prior", "samples"])
def test_how_many_windows_are_filled_at_once_does_not_matter(
    options: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = stack_of(in_dtype(blobs(SHAPE), "float32"))
    wanted = holes(5, 12, 30)
    params = ImputeParams(tile=64, adapt=False, rehearse=False, **options)
    together = impute(stack, wanted, params)
    monkeypatch.setattr(frame.Frame, "_pixels_at_once", lambda self: 1)
    monkeypatch.setattr(frame, "TOGETHER", 1)
    alone = impute(stack, wanted, params)
    # In bfloat16, another size of batch may round otherwise.
    np.testing.assert_allclose(together.stack.data, alone.stack.data, atol=5e-3)
    assert np.array_equal(together.stack.data[~wanted], alone.stack.data[~wanted])


def test_windows_of_several_sizes_give_the_evidence_that_each_gives_alone() -> None:
    image, wanted = blobs(SHAPE).astype(np.float32), holes(7, 20, 40)
    cuts = [(slice(0, 96), slice(0, 128)), (slice(64, 192), slice(160, 256))]
    beta = torch.rand(1, 4, 4, generator=torch.Generator().manual_seed(0))
    shown = [
        Shown(
            *(torch.from_numpy(x[(slice(None), *cut)].copy())[None] for x in (image, wanted)), beta
        )
        for cut in cuts
    ]
    for one, both in zip(shown, gather_evidences(shown), strict=True):
        for alone, together in zip(gather_evidences([one])[0], both, strict=True):
            assert torch.equal(alone, together)


def test_features_of_a_batch_are_those_of_its_windows_one_by_one() -> None:
    image, wanted = blobs(SHAPE).astype(np.float32), holes(9, 30, 30)
    statistics = statistics_of(image, wanted)
    filler = load_filler("generator", torch.device("cpu"), "fp32")
    cuts = [(slice(0, 96), slice(0, 128)), (slice(96, 192), slice(160, 288))]
    pixels, missing = (
        torch.from_numpy(np.stack([x[(slice(None), *cut)] for cut in cuts]))
        for x in (image, wanted)
    )
    with torch.no_grad():
        evidence = gather_evidences([Shown(pixels, missing, statistics.beta.expand(2, -1, -1))])[0]
        said = filler.fill(evidence)
        alone = [
            (
                Evidence(*(x[n : n + 1] for x in evidence)),
                said._replace(
                    mean=said.mean[n : n + 1],
                    sigma=None,
                    features=None if said.features is None else said.features[n : n + 1],
                ),
            )
            for n in range(2)
        ]
        kriging = Kriging.of(zip(pixels, missing, strict=True))
        for channel in range(4):
            where = missing[:, channel].flatten().nonzero()[:, 0]
            together = Features(evidence, said, kriging).at(where).of(channel)
            size = missing[0, 0].numel()
            parts = [
                Features(*one, kriging).at(where[where // size == n] % size).of(channel)
                for n, one in enumerate(alone)
            ]
            torch.testing.assert_close(together, torch.cat(parts), atol=1e-5, rtol=1e-5)
        done = calibrated(image, wanted, filler, adapt=True)
        assert done.correctors
        assert done.kriging is not None
        whole = corrections(done.correctors, done.kriging, evidence, said)
        for n, one in enumerate(alone):
            part = corrections(done.correctors, done.kriging, *one)
            torch.testing.assert_close(whole.addend[n : n + 1], part.addend, atol=1e-4, rtol=1e-3)
        assert not whole.addend[~missing].any()


def test_the_coarse_fill_of_a_deep_hole_can_be_cancelled_between_its_windows() -> None:
    image = blobs((1024, 1024)).astype(np.float32)
    wanted = np.zeros(image.shape, bool)
    wanted[:, 100:900, 100:900] = True
    filler = load_filler("prior", torch.device("cpu"))
    beta = statistics_of(image, wanted).beta
    one = frame.Frame(lambda box: image[(slice(None), *box.slices)], wanted, filler, beta, 128)
    assert one.deep
    steps = one.fill()
    for _ in range(4):
        assert next(steps) is None
    assert one._coarse is None  # it is still at it
    assert any(tile is not None for tile in steps)
    assert one._coarse is not None
