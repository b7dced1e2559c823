"""The coloured picture of a localization, painted off the main thread as far as memory allows."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dualgland.progress import Cancelled, Progress
from napari_dualgland.results import Localization
from napari_dualgland.stack import to_canonical
from napari_dualgland.typing import ByteArray, LazyArray
from napari_dualgland.widgets.cells.outlines import warm_up

if TYPE_CHECKING:
    import dask.array as da

_MOST_PAINTED = 512 * 2**20
"""Bytes of pictures that are painted ahead; more are painted when they are looked at."""


@dataclass(frozen=True, eq=False)
class Painted:
    """A localization, and the picture of it that can be shown at once.

    Attributes
    ----------
    result : Localization
        What was found.
    picture : numpy.ndarray or dask.array.Array
        uint8, axes of ``result.cells`` and three colours behind them.
    """

    result: Localization
    picture: LazyArray


def paint_steps(
    result: Localization, should_stop: Callable[[], bool]
) -> Generator[Progress, None, Painted]:
    """Paint every frame, or promise to where that would fill the memory.

    Parameters
    ----------
    result : Localization
        What was found.
    should_stop : callable
        Asked before each frame.

    Yields
    ------
    Progress

    Returns
    -------
    Painted

    Raises
    ------
    Cancelled
        If ``should_stop`` returned true.
    """
    yield Progress(0, 0, "Painting")
    warm_up()
    cells = to_canonical(result.cells, result.cell_axes)
    shape = (*cells.shape[:2], *cells.shape[3:], 3)
    if np.prod(shape) > _MOST_PAINTED:
        return Painted(result, _in_layer_order(_promised(result, shape), result.cell_axes))
    picture = np.zeros(shape, np.uint8)
    for t, z in result.stack.frames():
        if should_stop():
            raise Cancelled.run()
        picture[t, z] = _painted(result, t, z)
        yield Progress(0, 0, "Painting")
    return Painted(result, _in_layer_order(picture, result.cell_axes))


def _painted(result: Localization, t: int, z: int) -> ByteArray:
    from napari_dualgland.localization.overlay import color_protein
    from napari_dualgland.localization.overlay_cells import frame_cells

    # Without outlines: those of the layer of cells stay sharp however close one looks.
    return color_protein(result, frame_cells(result, t, z), t, z)


def _promised(result: Localization, shape: tuple[int, ...]) -> da.Array:
    import dask.array as da

    def paint(block_info: Any = None) -> Any:
        (t, _), (z, _) = block_info[None]["array-location"][:2]
        return _painted(result, t, z)[None, None]

    chunks = ((1,) * shape[0], (1,) * shape[1], *((n,) for n in shape[2:]))
    return da.map_blocks(paint, chunks=chunks, dtype=np.uint8)  # type: ignore[no-untyped-call]


def _in_layer_order(picture: Any, axes: str) -> Any:
    """Return (T, Z, Y, X, 3) pictures with these axes and the colours behind them."""
    kept = picture[tuple(slice(None) if a in axes else 0 for a in "TZYX")]
    order = [a for a in "TZYX" if a in axes]
    return kept.transpose([*(order.index(a) for a in axes), len(axes)])
