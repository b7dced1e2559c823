"""Tiles on the canvas as they are finished, without a copy of the stack.

A :class:`LiveArray` looks to napari like the source with the finished tiles laid over
it. It holds the tiles alone, so memory grows with what is missing and not with the size
of the image, and a lazy source is read plane by plane as the person looks at it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_dualgland.typing import AnyArray


class LiveArray:
    """An array-like of a source and of the boxes laid over it.

    Parameters
    ----------
    source : array or None
        Pixels under the boxes; None for zeros (a channel that was never recorded).
    shape : tuple of int
        Shape of the whole.
    dtype : numpy.dtype
        Of the pixels.
    """

    def __init__(self, source: Any, shape: tuple[int, ...], dtype: Any) -> None:
        self._source = source
        self.shape = tuple(shape)
        self.dtype = np.dtype(dtype)
        self._boxes: list[tuple[tuple[int, ...], AnyArray]] = []

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of pixels."""
        return int(np.prod(self.shape))

    def put(self, start: tuple[int, ...], pixels: AnyArray) -> None:
        """Lay a box over the source.

        Parameters
        ----------
        start : tuple of int
            Of its first pixel, all axes present.
        pixels : numpy.ndarray
            The box, with all axes.
        """
        self._boxes.append((start, pixels))

    def put_scaled(self, full: tuple[int, ...], start: tuple[int, ...], box: AnyArray) -> None:
        """Lay a box of the finest level over this coarser one, by taking every n-th pixel.

        Parameters
        ----------
        full : tuple of int
            Shape of the finest level.
        start, box
            As for :meth:`put`, in pixels of the finest level.
        """
        steps = [max(1, round(f / n)) for f, n in zip(full, self.shape, strict=True)]
        first = [-(-s // step) for s, step in zip(start, steps, strict=True)]
        cut = tuple(
            slice(f * step - s, None, step) for f, s, step in zip(first, start, steps, strict=True)
        )
        if box[cut].size:
            self.put(tuple(first), box[cut])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> AnyArray:
        pixels = self[(slice(None),) * self.ndim]
        return pixels if dtype is None else pixels.astype(dtype)

    def __getitem__(self, key: Any) -> AnyArray:
        key = self._full_key(key)
        if not all(isinstance(k, (int, np.integer, slice)) for k in key):
            return np.asarray(self)[key]
        ranges = [
            range(n)[k] if isinstance(k, slice) else range(int(k) % n, int(k) % n + 1)
            for k, n in zip(key, self.shape, strict=True)
        ]
        flipped = tuple(slice(None, None, -1 if r.step < 0 else 1) for r in ranges)
        ranges = [r[::-1] if r.step < 0 else r for r in ranges]
        pixels = self._source_pixels(ranges)
        for start, box in self._boxes:
            _overlay(pixels, ranges, start, box)
        squeeze = tuple(slice(None) if isinstance(k, slice) else 0 for k in key)
        return pixels[flipped][squeeze]

    def _full_key(self, key: Any) -> tuple[Any, ...]:
        key = key if isinstance(key, tuple) else (key,)
        at = next((i for i, k in enumerate(key) if k is Ellipsis), None)
        if at is not None:
            key = key[:at] + (slice(None),) * (self.ndim - len(key) + 1) + key[at + 1 :]
        return key + (slice(None),) * (self.ndim - len(key))

    def _source_pixels(self, ranges: list[range]) -> AnyArray:
        if self._source is None:
            return np.zeros([len(r) for r in ranges], self.dtype)
        cut = tuple(slice(r.start, r.stop, r.step) for r in ranges)
        return np.array(self._source[cut], dtype=self.dtype)


def _overlay(pixels: AnyArray, ranges: list[range], start: Any, box: AnyArray) -> None:
    """Write the part of ``box`` that lies on the grid of ``ranges`` into ``pixels``."""
    target, taken = [], []
    for r, first, length in zip(ranges, start, box.shape, strict=True):
        # Grid positions i with first <= r[i] < first + length.
        low = max(0, -(-(first - r.start) // r.step))
        high = min(len(r), -(-(first + length - r.start) // r.step))
        if low >= high:
            return
        target.append(slice(low, high))
        offset = r.start + low * r.step - first
        taken.append(slice(offset, offset + (high - low - 1) * r.step + 1, r.step))
    pixels[tuple(target)] = box[tuple(taken)]
