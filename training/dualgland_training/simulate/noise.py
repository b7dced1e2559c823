"""Smooth random textures: the one ingredient that chromatin, ER and cell outlines share.

White noise is drawn on a grid no finer than the texture needs and then interpolated, so
that a slow texture over a large field costs no more than a fast one over a small field.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from napari_dualgland.typing import Float32Array

FINE = 2.0
"""Texture scale, in grid steps, at which the coarse grid still carries the texture."""


def smooth_noise(shape: tuple[int, int], scale: float, rng: np.random.Generator) -> Float32Array:
    """Draw Gaussian noise that varies over about ``scale`` pixels.

    Parameters
    ----------
    shape : tuple of int
        (Y, X).
    scale : float
        Standard deviation of the smoothing kernel, in pixels.
    rng : numpy.random.Generator
        Source of the noise.

    Returns
    -------
    numpy.ndarray
        float32, shape (Y, X), mean near 0 and standard deviation near 1.
    """
    step = max(1.0, scale / FINE)
    sigma = scale / step
    # The kernel reaches past the field on every side; what is drawn there is cut away, so
    # that the texture is the same at the border as in the middle.
    pad = int(np.ceil(4 * sigma))
    grid = tuple(int(np.ceil(n / step)) + 2 * pad + 2 for n in shape)
    white = rng.standard_normal(grid, dtype=np.float32)
    coarse = ndimage.gaussian_filter(white, sigma, mode="wrap")
    coarse *= 2 * np.sqrt(np.pi) * sigma  # the standard deviation of smoothed white noise
    if step == 1.0:
        return np.asarray(coarse[pad : pad + shape[0], pad : pad + shape[1]])
    return _interpolate(coarse, shape, step, pad)


def _interpolate(
    coarse: Float32Array, shape: tuple[int, int], step: float, pad: int
) -> Float32Array:
    """Return the bilinear interpolation of ``coarse`` at every pixel of ``shape``."""
    rows = np.arange(shape[0], dtype=np.float32) / np.float32(step) + pad
    cols = np.arange(shape[1], dtype=np.float32) / np.float32(step) + pad
    y, x = rows.astype(np.intp), cols.astype(np.intp)
    fy, fx = (rows - y)[:, None], (cols - x)[None, :]
    along_x = coarse[:, x] * (1 - fx) + coarse[:, x + 1] * fx
    return np.asarray(along_x[y] * (1 - fy) + along_x[y + 1] * fy, dtype=np.float32)
