"""Dense maps, made when they are looked at: what is kept is small, a byte a value.

Nineteen planes of a field in float32 are 300 MB, and a viewer shows one at a time. The
network speaks at 0.48 µm anyway; a plane is put together by bilinear interpolation of its
cells' values, each within its own outline.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

import numpy as np
from scipy import ndimage

from napari_dualgland.classes import CLASSES, NEGATIVE
from napari_dualgland.localization.ranked import Window
from napari_dualgland.model.localizer import STRIDE
from napari_dualgland.stack import from_canonical
from napari_dualgland.typing import BoolArray, ByteArray, Float32Array, LabelArray

if TYPE_CHECKING:
    import dask.array as da

CUT = 3
"""Pixels of the dense head along the frame of the image in which a cell that it cuts is not
believed: to the network a cell ends where its pixels end, and it sees a membrane there."""


@dataclass(frozen=True)
class CellMap:
    """What the dense head says of one cell.

    Attributes
    ----------
    label : int
        Of the cell.
    window : tuple of slice
        (y, x) of its bounding box in the frame.
    dense : numpy.ndarray
        (18, h, w) uint8: probability times 255.
    rows, columns : tuple of float
        (first, step): where in ``dense`` the pixels of the window are, along each axis.
    negative : float
        How probable it is that the cell is Negative.
    seen : float
        Share of the cell that was measured. A map shows what was seen: it fades with the rest.
    """

    label: int
    window: Window
    dense: ByteArray
    rows: tuple[float, float]
    columns: tuple[float, float]
    negative: float
    seen: float

    def plane(self, number: int) -> Float32Array:
        """Return a class over the window, (height, width), 0 to 1."""
        height, width = (s.stop - s.start for s in self.window)
        if number == NEGATIVE:
            return np.full((height, width), self.negative, np.float32)
        coarse = self.dense[number].astype(np.float32) * np.float32(self.seen / 255)
        return _along(_along(coarse, height, *self.rows).T, width, *self.columns).T


def _along(coarse: Float32Array, count: int, first: float, step: float) -> Float32Array:
    """Return ``count`` rows of ``coarse``, linearly interpolated at first + i · step."""
    last = len(coarse) - 1
    place = np.clip(first + step * np.arange(count), 0, last)
    low = np.minimum(place.astype(int), max(last - 1, 0))
    share = (place - low).astype(np.float32)[:, None]
    between: Float32Array = coarse[low]
    above = coarse[np.minimum(low + 1, last)]
    between *= 1 - share  # in place: fresh memory costs more than the sums
    above *= share
    between += above
    return between


def cell_map(
    label: int,
    window: Window,
    crop: tuple[Float32Array, ByteArray],
    sides: tuple[int, int],
    negative: float,
    seen: float,
    frame: tuple[int, int],
) -> CellMap:
    """Keep of a prediction what the map of its cell needs.

    Parameters
    ----------
    label, window
        As in :class:`CellMap`.
    crop : tuple of numpy.ndarray
        ``inside`` (h, w) and ``dense`` (18, h / 2, w / 2) of the padded crop, the cell's window
        in the middle, as :func:`~napari_dualgland.localization.crops.crop_cell` puts it.
    sides : tuple of int
        Pixels of the crop over the window, before padding.
    negative, seen
        As in :class:`CellMap`.
    frame : tuple of int
        (Y, X) of the frame.

    Returns
    -------
    CellMap
        Of the pixels over the window alone.
    """
    inside, dense = crop
    whole = [n // STRIDE for n in inside.shape]
    own = inside.reshape(whole[0], STRIDE, whole[1], STRIDE).max((1, 3)) > 0
    kept: list[slice] = []
    places: list[tuple[float, float]] = []
    for full, side, span in zip(inside.shape, sides, window, strict=True):
        before = (full - side) // 2
        low, high = before // STRIDE, -(-(before + side) // STRIDE)
        kept.append(slice(low, high))
        # Pixel centres: frame → crop → dense, each half a pixel from its border.
        step = side / (span.stop - span.start) / STRIDE
        places.append((before / STRIDE + 0.5 * step - 0.5 - low, step))
    dense, own = dense[:, kept[0], kept[1]], own[kept[0], kept[1]]
    own = _not_cut(own, window, frame)
    if own.any() and not own.all():
        # Outside of its cell the network says nothing of meaning; let the rim hold there, and
        # what is inside where the frame cuts the cell.
        nearest = ndimage.distance_transform_edt(~own, return_distances=False, return_indices=True)
        dense = dense[:, nearest[0], nearest[1]]
    rows, columns = places
    return CellMap(label, window, np.ascontiguousarray(dense), rows, columns, negative, seen)


def _not_cut(own: BoolArray, window: Window, frame: tuple[int, int]) -> BoolArray:
    """Return the pixels of a cell less those along the frame, where the frame cuts it."""
    left = own.copy()
    for axis, (span, length) in enumerate(zip(window, frame, strict=True)):
        for cut, side in (
            (span.start == 0, slice(None)),
            (span.stop == length, slice(None, None, -1)),
        ):
            if cut:
                seen, rest = (np.moveaxis(a, axis, 0)[side] for a in (own, left))
                rest[:CUT] &= ~seen[0]
    return left if left.any() else own


def plane_of(cells: Sequence[CellMap], labels: LabelArray, number: int) -> Float32Array:
    """Put one class together over a frame.

    Parameters
    ----------
    cells : sequence of CellMap
        Those of the frame.
    labels : numpy.ndarray
        (Y, X) int32.
    number : int
        Place among :data:`~napari_dualgland.classes.CLASSES`.

    Returns
    -------
    numpy.ndarray
        (Y, X) float32; 0 outside cells.
    """
    plane = np.zeros(labels.shape, np.float32)
    for cell in cells:
        if number != NEGATIVE and not cell.dense[number].any():
            continue  # most classes are impossible in most cells
        np.copyto(plane[cell.window], cell.plane(number), where=labels[cell.window] == cell.label)
    return plane


def lazy_maps(
    cells: dict[tuple[int, int], list[CellMap]], labels: LabelArray, axes: str
) -> da.Array:
    """Return the maps of a stack.

    Parameters
    ----------
    cells : dict
        By frame, (t, z).
    labels : numpy.ndarray
        (T, Z, Y, X) int32.
    axes : str
        Of the result, with ``C`` for the classes.

    Returns
    -------
    dask.array.Array
        float32, one block per frame and class.
    """
    import dask.array as da

    def block(block_info: dict[None, dict[str, list[tuple[int, int]]]]) -> Float32Array:
        t, z, number = (low for low, _ in block_info[None]["array-location"][:3])
        return plane_of(cells.get((t, z), ()), labels[t, z], number)[None, None, None]

    times, slices, height, width = labels.shape
    chunks = ((1,) * times, (1,) * slices, (1,) * len(CLASSES), (height,), (width,))
    # A name of its own: dask would hash all labels and cells to make one.
    name = f"localization-{uuid4().hex}"
    maps = da.map_blocks(
        block, chunks=chunks, dtype=np.float32, meta=np.empty((0,) * 5, np.float32), name=name
    )
    return from_canonical(maps, axes)  # type: ignore[no-any-return]
