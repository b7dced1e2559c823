"""How what was found is laid over the layers that were looked at."""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_dualgland.typing import LazyArray
from napari_dualgland.widgets.cells.run import R, Run
from napari_dualgland.widgets.field.planes import put_plane


def lacking_axis(run: Run[R]) -> int | None:
    """Return the axis of the source that layers without channels do not have.

    napari lines axes up from the last one on: one that is lacking must be the first.
    """
    return 0 if run.axes.startswith("C") else None


def like_source(run: Run[R], pixels: LazyArray) -> LazyArray:
    """Give pixels the axes of the source: the other planes empty, channels repeated.

    Parameters
    ----------
    run : Run
        Tells the source.
    pixels : numpy.ndarray or dask.array.Array
        Axes of ``run.result.cells``, and colours behind them if it is a picture.

    Returns
    -------
    numpy.ndarray or dask.array.Array
    """
    axes, colors = run.axes.replace("C", ""), pixels.ndim - len(run.result.cell_axes)
    if run.frame is not None:
        # Here and not above: it takes half a second to import, and a dock should open at once.
        import dask.array as da

        whole = pixels if axes.index("Y") < axes.index("X") else pixels.swapaxes(0, 1)
        one = whole[tuple(slice(None) if a in "YX" else None for a in axes)]
        shape = [run.sizes[a] for a in axes]
        blank = da.zeros((*shape, *pixels.shape[2:]), dtype=pixels.dtype)
        pixels = put_plane(blank, one, run.frame, axes + "S" * colors)
    if "C" in run.axes[1:]:
        axis = run.axes.index("C")
        count = len(run.result.stack.channels)
        pixels = np.repeat(np.expand_dims(pixels, axis), count, axis=axis)
    return pixels


def same_cells(one: Run[Any], other: Run[Any]) -> bool:
    """Tell whether two runs have looked at the same cells.

    Parameters
    ----------
    one, other : Run
        Cells that are not in memory are compared by what they are alone.

    Returns
    -------
    bool
    """
    a, b = one.result.cells, other.result.cells
    if a is b:
        return True
    both = isinstance(a, np.ndarray) and isinstance(b, np.ndarray)
    return both and np.array_equal(a, b)
