"""Intervals hold the share of errors that they say."""

import numpy as np
import pytest
from imputation.scenes import blobs, stack_of

import napari_dualgland as nd
from napari_dualgland.intervals import Reach
from napari_dualgland.provenance import Provenance


def test_without_evidence_errors_are_laplace_distributed() -> None:
    sizes = np.abs(np.random.default_rng(0).laplace(scale=np.sqrt(0.5), size=200_000))
    for level in (0.3, 0.5, 0.9, 0.99):
        assert np.mean(sizes <= Reach().half_width(level)) == pytest.approx(level, abs=0.01)
    assert Reach.of(sizes[:0], 1000) == Reach()


@pytest.mark.parametrize("tail", [1.5, 3.0, 30.0])
def test_both_shares_are_those_of_the_errors_seen(tail: float) -> None:
    sizes = np.abs(np.random.default_rng(0).standard_t(tail, 100_000))
    reach = Reach.of(sizes, 0)
    assert np.mean(sizes <= reach.half_width(0.5)) == pytest.approx(0.5, abs=0.01)
    assert np.mean(sizes <= reach.half_width(0.9)) == pytest.approx(0.9, abs=0.01)


def test_little_evidence_changes_little() -> None:
    sizes = np.full(10, 5.0)
    few, many = (Reach.of(np.repeat(sizes, n), 1000).half_width(0.5) for n in (1, 10_000))
    assert few == pytest.approx(Reach().half_width(0.5), rel=0.05)
    assert many > 4


def test_all_errors_alike_still_give_widths_that_grow() -> None:
    for size in (0.0, 1.0):
        reach = Reach.of(np.full(100, size), 0)
        assert 0 < reach.half_width(0.5) < reach.half_width(0.9) < 10


@pytest.mark.parametrize("axes", ["CYX", "YXC", "YX"])
def test_widths_are_per_channel(axes: str) -> None:
    image = blobs((8, 9))
    if axes == "YX":
        stack = nd.Stack(image[0], axes, (nd.Channel("protein", "protein"),))
    else:
        stack = stack_of(np.ascontiguousarray(np.moveaxis(image, 0, axes.index("C"))), axes)
    wide = Reach(shape=1, scale=10)
    how = Provenance(version="0", model="m", date="d", reach={"protein": wide})
    result = nd.Imputation.of(
        stack, np.ones(stack.shape, bool), np.ones(stack.shape), provenance=how
    )
    width = result.half_width(0.9)
    assert width.shape == stack.shape
    protein = width if axes == "YX" else width.take(1, axis=axes.index("C"))
    assert np.allclose(protein, wide.half_width(0.9))
    if axes != "YX":
        other = width.take(0, axis=axes.index("C"))
        assert np.allclose(other, Reach().half_width(0.9))


def test_there_is_no_interval_without_uncertainty() -> None:
    stack = stack_of(blobs((8, 9)))
    how = Provenance(version="0", model="m", date="d")
    result = nd.Imputation.of(stack, np.ones(stack.shape, bool), None, provenance=how)
    with pytest.raises(ValueError, match="uncertainty"):
        result.half_width(0.5)
