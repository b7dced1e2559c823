"""Pixels between a stack and its layers: axes, dtypes and the levels of a pyramid.

Plain array work without a viewer, the same for NumPy and for lazy dask arrays.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from napari_dualgland.stack import Stack, from_canonical, to_canonical
from napari_dualgland.widgets.layers.live import LiveArray


def only_in(missing: Any, stack: Stack, roles: Collection[str]) -> Any:
    """Return a mask of ``stack`` without the channels that are not among ``roles``."""
    chosen = np.array([channel.role in roles for channel in stack.channels])
    canonical = to_canonical(missing, stack.axes)
    return from_canonical(canonical & chosen[:, None, None], stack.axes)


def cast(pixels: Any, dtype: Any) -> Any:
    """Return estimates in an image's dtype, rounded and clipped where it is an integer."""
    dtype = np.dtype(dtype)
    if pixels.dtype == dtype:
        return pixels
    if dtype.kind in "ui" and pixels.dtype.kind == "f":
        pixels = pixels.round()
    if dtype.kind in "ui":
        limits = np.iinfo(dtype)
        pixels = pixels.clip(limits.min, limits.max)
    return pixels.astype(dtype)


def with_axes(pixels: Any, stack: Stack, channel: int | None, axes: str) -> Any:
    """Return one channel (or all) of pixels shaped as ``stack``, with a layer's axes."""
    canonical = to_canonical(pixels, stack.axes)
    if channel is not None:
        canonical = canonical[:, :, channel : channel + 1]
    return from_canonical(canonical, axes)


def plane_at(pixels: Any, frame: dict[str, int], axes: str) -> Any:
    return pixels[tuple(slice(frame[a], frame[a] + 1) if a in frame else slice(None) for a in axes)]


def padded(pixels: Any, shape: tuple[int, ...]) -> Any:
    """Return pixels with zeros behind them along every axis, up to ``shape``."""
    by = [(0, n - m) for n, m in zip(shape, pixels.shape, strict=True)]
    if not any(after for _, after in by):
        return pixels
    return np.pad(pixels, by)


def put_scaled(level: LiveArray, full: tuple[int, ...], start: Any, box: np.ndarray) -> None:
    """Lay a box of the finest level over a coarser one, by taking every n-th pixel."""
    steps = [max(1, round(f / n)) for f, n in zip(full, level.shape, strict=True)]
    first = [-(-s // step) for s, step in zip(start, steps, strict=True)]
    cut = tuple(
        slice(f * step - s, None, step) for f, s, step in zip(first, start, steps, strict=True)
    )
    if box[cut].size:
        level.put(tuple(first), box[cut])


def pyramid_like(pixels: Any, layer: Any) -> list[Any]:
    """Return the levels of a multiscale result, as coarse as those of ``layer``."""
    full = layer.data[0].shape
    levels = []
    for level in layer.data:
        step = [max(1, round(f / n)) for f, n in zip(full, level.shape, strict=True)]
        levels.append(pixels[tuple(slice(None, None, s) for s in step)])
    return levels
