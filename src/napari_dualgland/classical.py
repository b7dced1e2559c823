"""The fills that people use today, in one place: what any model here has to beat.

The demo and the benchmarks compare against the same functions, so a figure in one can be
held against a figure in the other. Each takes a frame and a mask per channel and knows
nothing of the other channels, as these methods do not. They are given their best footing:
OpenCV's fills get the observed range of the channel in as many bits as they take (see
:func:`telea` and :func:`fsr`), and biharmonic is solved where the holes are rather than on the
whole frame (see :func:`biharmonic`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from scipy import ndimage
from skimage.restoration import inpaint_biharmonic

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.typing import AnyArray, BoolArray, Float32Array

RADIUS = 3
"""Pixels that OpenCV looks around a missing one: of 2, 3, 5 and 10 the best for Telea over
boxes, scratches and scattered pixels of real fields together."""

FSR_BLOCK = 16
"""Pixels on a side of the largest block that FSR extrapolates."""

BLOCK = 256
MARGIN = 32
SHALLOW = 8


def mean(image: AnyArray, missing: AnyArray) -> Float32Array:
    """Fill with the mean of the observed pixels of the channel.

    Parameters
    ----------
    image : numpy.ndarray
        (C, Y, X), any intensities; what stands under the mask is not looked at.
    missing : numpy.ndarray
        (C, Y, X) or (Y, X), non-zero = missing.

    Returns
    -------
    numpy.ndarray
        (C, Y, X) float32; observed pixels as they were. A channel with no observed pixel
        comes back as 0: these fills have nothing to go by.

    Raises
    ------
    DualglandError
        If the shapes do not agree.
    """
    return _prepare(image, missing)[0]


def telea(image: AnyArray, missing: AnyArray) -> Float32Array:
    """Fill by fast marching (Telea 2004), OpenCV's implementation; as :func:`mean`.

    ``cv2.inpaint`` takes one channel of uint8, uint16 or float32. Telea's float32 path is
    not equivariant to scale (it breaks down for intensities from 0 to 1) and uint8 rounds at
    every step of the march, which costs about 1 dB in boxes. So each channel is stretched
    from its observed range to uint16 and back; the rounding is 1/65535 of that range.

    Parameters
    ----------
    image, missing : numpy.ndarray
        As for :func:`mean`.

    Returns
    -------
    numpy.ndarray
        (C, Y, X) float32.
    """
    return _inpainted(image, missing, "Telea", "INPAINT_TELEA")


def navier_stokes(image: AnyArray, missing: AnyArray) -> Float32Array:
    """Fill along isophotes (Bertalmio 2001), OpenCV's implementation; as :func:`telea`.

    Parameters
    ----------
    image, missing : numpy.ndarray
        As for :func:`mean`.

    Returns
    -------
    numpy.ndarray
        (C, Y, X) float32.
    """
    return _inpainted(image, missing, "Navier–Stokes", "INPAINT_NS")


def _inpainted(image: AnyArray, missing: AnyArray, name: str, method: str) -> Float32Array:
    """Fill by one of the methods of ``cv2.inpaint``."""
    cv2 = _opencv(name, "inpaint")

    def draw(stretched: AnyArray, hole: BoolArray) -> AnyArray:
        drawn: AnyArray = cv2.inpaint(
            stretched, hole.astype(np.uint8), RADIUS, getattr(cv2, method)
        )
        return drawn

    return _stretched(image, missing, np.uint16, draw)


def fsr(image: AnyArray, missing: AnyArray) -> Float32Array:
    """Fill by frequency-selective reconstruction (Genser 2018), OpenCV's; as :func:`mean`.

    Its fast variant; the other one takes some twenty times as long. ``cv2.xphoto.inpaint``
    turns whatever it gets into 8 bits and its thresholds are set for 0 to 255, so each channel
    is stretched from its observed range to that: a narrower range measured up to 2 dB worse on
    scratches, 16 bits no better. Frames are filled whole; in blocks around the holes it took
    longer, at the same error.

    Parameters
    ----------
    image, missing : numpy.ndarray
        As for :func:`mean`.

    Returns
    -------
    numpy.ndarray
        (C, Y, X) float32.
    """
    cv2 = _opencv("FSR", "xphoto")

    def draw(stretched: AnyArray, hole: BoolArray) -> AnyArray:
        # It counts whole blocks and reads past the last one. Mirrored, the frame ends with one.
        short = [(0, -side % FSR_BLOCK) for side in hole.shape]
        observed = np.pad((~hole).astype(np.uint8), short, mode="symmetric")
        padded = np.pad(stretched, short, mode="symmetric")
        drawn = np.empty_like(padded)
        cv2.xphoto.inpaint(padded, observed, drawn, cv2.xphoto.INPAINT_FSR_FAST)
        return drawn[: hole.shape[0], : hole.shape[1]]

    return _stretched(image, missing, np.uint8, draw)


def biharmonic(image: AnyArray, missing: AnyArray) -> Float32Array:
    """Fill with the biharmonic surface, scikit-image's implementation; as :func:`mean`.

    The sparse system grows faster than the hole, so it is solved piece by piece. A deep hole
    is solved whole, on a crop around it, which is exact: holes more than two pixels apart do
    not see each other. Shallow ones (no pixel deeper than 8, e.g. scratches or scattered
    pixels, however far they run) are solved in blocks of 256 with 32 more on every side, of
    which the block is kept. Overshoot is clipped to the observed range of the crop.

    Parameters
    ----------
    image, missing : numpy.ndarray
        As for :func:`mean`.

    Returns
    -------
    numpy.ndarray
        (C, Y, X) float32.
    """
    filled, mask = _prepare(image, missing)
    todo = [c for c in range(len(mask)) if mask[c].any() and not mask[c].all()]
    while todo:
        # Channels with the same hole share one factorisation.
        same = [c for c in todo if np.array_equal(mask[c], mask[todo[0]])]
        todo = [c for c in todo if c not in same]
        for crop, kept, hole in _pieces(mask[same[0]]):
            solved = inpaint_biharmonic(
                filled[(same, *crop)].astype(np.float64), hole, channel_axis=0
            )
            for c, values in zip(same, solved, strict=True):
                filled[c][crop][kept] = values[kept]
    return filled


FILLS: Mapping[str, Callable[[AnyArray, AnyArray], Float32Array]] = {
    "mean": mean,
    "Telea": telea,
    "Navier–Stokes": navier_stokes,
    "FSR": fsr,
    "biharmonic": biharmonic,
}
"""Every classical fill by the name that tables show."""


def _prepare(image: AnyArray, missing: AnyArray) -> tuple[Float32Array, BoolArray]:
    """Return a float32 copy with means under the mask, and the mask as (C, Y, X) booleans."""
    if image.ndim != 3 or missing.shape not in (image.shape, image.shape[1:]):
        raise DualglandError(
            Kind.MISMATCH,
            "the frame",
            f"it is {image.shape} and its mask {missing.shape}",
            expected="(C, Y, X), and a mask of the same shape or (Y, X)",
        )
    mask = np.broadcast_to(missing != 0, image.shape)
    filled = image.astype(np.float32)
    for values, hole in zip(filled, mask, strict=True):
        observed = values[~hole]
        values[hole] = observed.mean(dtype=np.float64) if observed.size else 0
    return filled, mask


def _opencv(name: str, part: str) -> Any:
    """Return ``cv2`` if it has a part: plain wheels lack the modules of its contributors."""
    try:
        import cv2

        getattr(cv2, part)
    except (ImportError, AttributeError):
        raise DualglandError(
            Kind.NOT_INSTALLED,
            "OpenCV",
            f"{name} needs its {part}",
            way_out="uninstall any other OpenCV, then: pip install 'napari-dualgland[demo]'",
        ) from None
    return cv2


def _stretched(
    image: AnyArray,
    missing: AnyArray,
    dtype: type[np.unsignedinteger[Any]],
    draw: Callable[[AnyArray, BoolArray], AnyArray],
) -> Float32Array:
    """Fill channel by channel, the observed range of each stretched to that of a dtype."""
    filled, mask = _prepare(image, missing)
    highest = np.iinfo(dtype).max
    for values, hole in zip(filled, mask, strict=True):
        if not hole.any() or hole.all():
            continue
        low, high = float(values[~hole].min()), float(values[~hole].max())
        step = (high - low) / highest or 1.0
        stretched = np.clip(np.rint((values - low) / step), 0, highest).astype(dtype)
        values[hole] = draw(stretched, hole)[hole] * step + low
    return filled


def _pieces(mask: BoolArray) -> Iterator[tuple[tuple[slice, slice], BoolArray, BoolArray]]:
    """Yield (crop, pixels to keep, pixels to solve for), masks in the frame of the crop."""
    # The stencil reaches two pixels: two holes whose dilations touch are one system.
    grown = ndimage.binary_dilation(mask)
    labels, _ = ndimage.label(grown, structure=np.ones((3, 3)))
    labels[~mask] = 0
    depth = ndimage.distance_transform_edt(mask)
    deepest = ndimage.maximum(depth, labels, np.arange(1, labels.max() + 1))
    deep = np.flatnonzero(np.asarray(deepest) > SHALLOW) + 1
    boxes = ndimage.find_objects(labels)
    for number in deep:
        crop = _around(boxes[number - 1], mask.shape)
        hole = labels[crop] == number
        yield crop, hole, hole
    shallow = mask & ~np.isin(labels, deep)
    for y in range(0, mask.shape[0], BLOCK):
        for x in range(0, mask.shape[1], BLOCK):
            block = (slice(y, y + BLOCK), slice(x, x + BLOCK))
            if not shallow[block].any():
                continue
            crop = _around(block, mask.shape)
            kept = np.zeros_like(mask)
            kept[block] = shallow[block]
            yield crop, kept[crop], shallow[crop]


def _around(box: tuple[slice, slice], shape: tuple[int, ...]) -> tuple[slice, slice]:
    """Return the box with a margin, within the frame."""
    y, x = (
        slice(max(side.start - MARGIN, 0), min(side.stop + MARGIN, length))
        for side, length in zip(box, shape, strict=True)
    )
    return y, x
