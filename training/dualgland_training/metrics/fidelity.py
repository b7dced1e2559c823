"""How close a fill is to the truth inside the hole: pure functions on arrays.

Every figure looks at missing pixels alone, for observed ones come back bit for bit and
would only flatter it. Means are over channels that lost enough pixels to make a figure.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import fft, ndimage
from skimage.metrics import structural_similarity

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.typing import BoolArray, Float64Array, FloatArray

FLOOR = 1 / 12
"""Mean squared error of rounding to whole grey levels; nothing can be closer."""

FEWEST = 64
"""Missing pixels of a channel below which no figure is made."""


def _check(
    filled: npt.NDArray[np.generic], truth: npt.NDArray[np.generic], missing: BoolArray
) -> None:
    if filled.shape != truth.shape or filled.shape != missing.shape or filled.ndim != 3:
        raise DualglandError(
            Kind.MISMATCH,
            "fill, truth and mask",
            f"shapes {filled.shape}, {truth.shape} and {missing.shape}",
            expected="the same (C, Y, X)",
            way_out="cut them alike",
        )


def mean_squared_error(filled: FloatArray, truth: FloatArray, missing: BoolArray) -> float:
    """Return the mean squared error inside the hole, at least :data:`FLOOR`, grey levels².

    Parameters
    ----------
    filled, truth : numpy.ndarray
        (C, Y, X), grey levels.
    missing : numpy.ndarray
        (C, Y, X) boolean.

    Returns
    -------
    float
        Grey levels².
    """
    _check(filled, truth, missing)
    error = filled[missing].astype(float) - truth[missing]
    return max(float(np.square(error).mean()), FLOOR)


def psnr(mse: npt.ArrayLike, value_range: float = 255) -> Float64Array:
    """Return 10 log₁₀(range² / mse) in dB.

    Parameters
    ----------
    mse : array_like
        Mean squared errors, of any shape.
    value_range : float
        Of the values, in the unit whose square the errors have.

    Returns
    -------
    numpy.ndarray
        dB, float64, of the shape of ``mse``.
    """
    return np.asarray(10 * np.log10(value_range**2 / np.asarray(mse, float)))


def mean_absolute_error(filled: FloatArray, truth: FloatArray, missing: BoolArray) -> float:
    """Return the mean absolute error inside the hole, grey levels.

    Parameters
    ----------
    filled, truth : numpy.ndarray
        (C, Y, X), grey levels.
    missing : numpy.ndarray
        (C, Y, X) boolean.

    Returns
    -------
    float
        Grey levels.
    """
    _check(filled, truth, missing)
    return float(np.abs(filled[missing].astype(float) - truth[missing]).mean())


def pearson(filled: FloatArray, truth: FloatArray, missing: BoolArray) -> float:
    """Return Pearson's correlation inside the hole, mean over hurt channels; NaN if flat.

    Parameters
    ----------
    filled, truth : numpy.ndarray
        (C, Y, X), grey levels.
    missing : numpy.ndarray
        (C, Y, X) boolean.

    Returns
    -------
    float
        −1 to 1.
    """
    _check(filled, truth, missing)
    found = []
    for one, other, hole in zip(filled, truth, missing, strict=True):
        if hole.sum() >= FEWEST and one[hole].std() > 0 and other[hole].std() > 0:
            found.append(np.corrcoef(one[hole].astype(float), other[hole].astype(float))[0, 1])
    return float(np.mean(found)) if found else float("nan")


def ssim(
    filled: FloatArray, truth: FloatArray, missing: BoolArray, value_range: float = 255
) -> float:
    """Return SSIM (7 × 7 windows) averaged over missing pixels, mean over hurt channels.

    Parameters
    ----------
    filled, truth : numpy.ndarray
        (C, Y, X), grey levels.
    missing : numpy.ndarray
        (C, Y, X) boolean.
    value_range : float
        Of the grey levels.

    Returns
    -------
    float
        At most 1; NaN where no channel lost enough.
    """
    _check(filled, truth, missing)
    found = []
    for one, other, hole in zip(filled, truth, missing, strict=True):
        if hole.sum() >= FEWEST and min(hole.shape) >= 7:
            _, local = structural_similarity(  # type: ignore[no-untyped-call]
                one.astype(float), other.astype(float), data_range=value_range, full=True
            )
            found.append(local[hole].mean())
    return float(np.mean(found)) if found else float("nan")


def rim_jump(filled: FloatArray, truth: FloatArray, missing: BoolArray) -> float:
    """Return the false step across the rim of the hole, grey levels; NaN without a rim.

    The mean over neighbours e, one of them missing and one observed, of |∇ₑ fill − ∇ₑ truth|:
    J of the salivary loss at full resolution, all channels pooled.

    Parameters
    ----------
    filled, truth : numpy.ndarray
        (C, Y, X), grey levels.
    missing : numpy.ndarray
        (C, Y, X) boolean.

    Returns
    -------
    float
        Grey levels.
    """
    _check(filled, truth, missing)
    error = filled.astype(float) - truth
    steps = []
    for axis in (1, 2):
        across = np.diff(missing.astype(np.int8), axis=axis) != 0
        steps.append(np.abs(np.diff(error, axis=axis))[across])
    pooled = np.concatenate(steps)
    return float(pooled.mean()) if pooled.size else float("nan")


def noise_variance(truth: FloatArray, missing: BoolArray, beyond: float = 0.45) -> float:
    """Return the variance of noise in the hole: what no fill can foresee, grey levels².

    The power beyond a radial frequency, of the cosine transform of each channel (its mirrored
    ends are no steps, which would count as noise), as if noise were white. What structure the image
    has there counts with it.

    Parameters
    ----------
    truth : numpy.ndarray
        (C, Y, X), grey levels.
    missing : numpy.ndarray
        (C, Y, X) boolean.
    beyond : float
        Cycles per pixel, below the 0.707 of the corners.

    Returns
    -------
    float
        Grey levels².
    """
    _check(truth, truth, missing)
    down, across = (np.arange(side) / (2 * side) for side in truth.shape[1:])
    fine = np.hypot(down[:, None], across) > beyond
    waves = fft.dctn(truth.astype(float), axes=(1, 2), norm="ortho")
    left = fft.idctn(np.where(fine, waves, 0), axes=(1, 2), norm="ortho")
    return float(np.square(left[missing]).mean() / fine.mean())


def texture_ratio(
    filled: FloatArray, truth: FloatArray, missing: BoolArray, sigma: float = 1.5
) -> float:
    """Return the fill's share of the truth's fine texture: 1 is as rough, 0 is flat.

    Power of what a Gaussian of ``sigma`` pixels takes away, inside the hole, fill over
    truth, pooled over channels. NaN where the truth is flat.

    Parameters
    ----------
    filled, truth : numpy.ndarray
        (C, Y, X), grey levels.
    missing : numpy.ndarray
        (C, Y, X) boolean.
    sigma : float
        Pixels.

    Returns
    -------
    float
        0 and more.
    """
    _check(filled, truth, missing)
    powers = []
    for image in (filled, truth):
        values = image.astype(float)
        fine = values - ndimage.gaussian_filter(values, (0, sigma, sigma))
        powers.append(float(np.square(fine[missing]).sum()))
    return powers[0] / powers[1] if powers[1] > 0 else float("nan")


def set_points(image: FloatArray, compartments: FloatArray, epsilon: float = 1e-3) -> FloatArray:
    """Return h = log[(mean over compartment + ε) / (mean over cell + ε)], (K − 1, C).

    Parameters
    ----------
    image : numpy.ndarray
        (C, Y, X), normalised; negative values count as 0.
    compartments : numpy.ndarray
        (K, Y, X), adding up to 1 over K; the last is the background, which is no cell.
    epsilon : float
        Added to both means, normalised intensity.

    Returns
    -------
    numpy.ndarray
        (K − 1, C) float64, natural logarithms.
    """
    values = np.clip(image.astype(float), 0, None)
    inside = compartments[:-1].astype(float)
    cell = inside.sum(0)

    def mean(weight: FloatArray) -> FloatArray:
        return np.asarray((values * weight).sum((1, 2)) / (weight.sum() + 1e-9))

    whole = mean(cell)
    return np.stack([np.log((mean(part) + epsilon) / (whole + epsilon)) for part in inside])


def set_point_error(
    filled: FloatArray, truth: FloatArray, missing: BoolArray, compartments: FloatArray
) -> float:
    """Return the mean |h(fill) − h(truth)| over compartments and hurt channels.

    Parameters
    ----------
    filled, truth : numpy.ndarray
        (C, Y, X), normalised.
    missing : numpy.ndarray
        (C, Y, X) boolean.
    compartments : numpy.ndarray
        (K, Y, X) of the truth, for both: a fill is not to move its own yardstick.

    Returns
    -------
    float
        Natural logarithm.
    """
    _check(filled, truth, missing)
    hurt = missing.any((1, 2))
    difference = np.abs(set_points(filled, compartments) - set_points(truth, compartments))
    return float(difference[:, hurt].mean())
