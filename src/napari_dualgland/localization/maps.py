"""Dense maps, made when they are looked at: what is kept are small crops, a byte a value.

Nineteen planes of a field in float32 are 300 MB, and a viewer shows one at a time. The
network speaks at 0.48 µm anyway; a plane is put together by bilinear interpolation of its
cells' crops, each within its own outline.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_dualgland.classes import CLASSES, NEGATIVE
from napari_dualgland.localization.labels import Window
from napari_dualgland.model.localizer import STRIDE
from napari_dualgland.stack import from_canonical

if TYPE_CHECKING:
    import dask.array as da

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Crop:
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
    dense: npt.NDArray[np.uint8]
    rows: tuple[float, float]
    columns: tuple[float, float]
    negative: float
    seen: float

    def plane(self, number: int) -> Floats:
        """Return a class over the window, (height, width), 0 to 1."""
        height, width = (s.stop - s.start for s in self.window)
        if number == NEGATIVE:
            return np.full((height, width), self.negative, np.float32)
        coarse = self.dense[number].astype(np.float32) * np.float32(self.seen / 255)
        return _along(_along(coarse, height, *self.rows).T, width, *self.columns).T


def _along(coarse: Floats, count: int, first: float, step: float) -> Floats:
    """Return ``count`` rows of ``coarse``, linearly interpolated at first + i · step."""
    last = len(coarse) - 1
    place = np.clip(first + step * np.arange(count), 0, last)
    low = np.minimum(place.astype(int), max(last - 1, 0))
    share = (place - low).astype(np.float32)[:, None]
    between = coarse[low] * (1 - share) + coarse[np.minimum(low + 1, last)] * share
    return np.asarray(between, np.float32)


def crop_of(
    label: int,
    window: Window,
    view: tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]],
    sides: tuple[int, int],
    negative: float,
    seen: float,
) -> Crop:
    """Keep of a view what its cell needs.

    Parameters
    ----------
    label, window
        As in :class:`Crop`.
    view : tuple of numpy.ndarray
        ``inside`` (h, w) and ``dense`` (18, h / 2, w / 2) of the padded view, the cell's window
        in the middle, as :func:`~napari_dualgland.localization.views.cut_view` puts it.
    sides : tuple of int
        Pixels of the view over the window, before padding.
    negative, seen
        As in :class:`Crop`.
    """
    inside, dense = view
    whole = [n // STRIDE for n in inside.shape]
    own = inside.reshape(whole[0], STRIDE, whole[1], STRIDE).max((1, 3)) > 0
    kept: list[slice] = []
    places: list[tuple[float, float]] = []
    for full, side, span in zip(inside.shape, sides, window, strict=True):
        before = (full - side) // 2
        low, high = before // STRIDE, -(-(before + side) // STRIDE)
        kept.append(slice(low, high))
        # Pixel centres: frame → view → dense, each half a pixel from its border.
        step = side / (span.stop - span.start) / STRIDE
        places.append((before / STRIDE + 0.5 * step - 0.5 - low, step))
    dense, own = dense[:, kept[0], kept[1]], own[kept[0], kept[1]]
    if own.any() and not own.all():
        # Outside of its cell the network says nothing of meaning; let the rim hold there.
        nearest = ndimage.distance_transform_edt(~own, return_distances=False, return_indices=True)
        dense = dense[:, nearest[0], nearest[1]]
    rows, columns = places
    return Crop(label, window, np.ascontiguousarray(dense), rows, columns, negative, seen)


def plane_of(crops: Sequence[Crop], labels: npt.NDArray[np.int32], number: int) -> Floats:
    """Return one class over a frame, (Y, X) float32; 0 outside cells."""
    plane = np.zeros(labels.shape, np.float32)
    for crop in crops:
        np.copyto(plane[crop.window], crop.plane(number), where=labels[crop.window] == crop.label)
    return plane


def lazy_maps(
    crops: dict[tuple[int, int], list[Crop]], labels: npt.NDArray[np.int32], axes: str
) -> da.Array:
    """Return the maps of a stack.

    Parameters
    ----------
    crops : dict
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

    def block(block_info: dict[None, dict[str, list[tuple[int, int]]]]) -> Floats:
        t, z, number = (low for low, _ in block_info[None]["array-location"][:3])
        return plane_of(crops.get((t, z), ()), labels[t, z], number)[None, None, None]

    times, slices, height, width = labels.shape
    chunks = ((1,) * times, (1,) * slices, (1,) * len(CLASSES), (height,), (width,))
    # A name of its own: dask would hash all labels and crops to make one.
    name = f"localization-{uuid4().hex}"
    maps = da.map_blocks(
        block, chunks=chunks, dtype=np.float32, meta=np.empty((0,) * 5, np.float32), name=name
    )
    return from_canonical(maps, axes)  # type: ignore[no-any-return]
