"""How abruptly an image ends at the rim of a region of one exact value.

Natural background fades: pixels that touch it hold a tenth to two fifths of what stands
three pixels further out. Damage cuts: they hold as much. Both means are taken over a
window along the rim, so that noise averages out, and the inner one must stand above the
noise that a pixel of that brightness has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_dualgland.missing.windows import Mask, Plane, blocks, box_sum, dilated

NEAR_WINDOW = 7
"""Side of the window, in pixels, over which the pixels that touch a region are averaged."""
FAR_WINDOW = 13
"""The same for those three to four pixels away."""
BLOCK = 256
"""Side of the blocks, in pixels, in which the means are taken."""
LIKELY = 0.65
"""Share of ``noise`` above which a rim is likely to be hard."""
MANY_PIXELS = 1 << 20
"""The noise of larger planes is read off so many of their pixels, whole rows at a time."""
CERTAIN = 1.3
"""So many times the step of a likely rim makes a certain one."""
THIN = 3.0
"""A near mean of more than so many times the far one belongs to a structure, not a rim."""
SHARP = 1.5
"""So many times the step is asked for in channels whose natural rims are steep."""
BRIGHT = 0.2
"""Share of a channel's full scale that stands in for the far mean where nothing is far."""


def noise_gain(plane: npt.NDArray[Any], observed: Mask, low: float, high: float) -> float | None:
    """Return the variance of the noise per unit of intensity above ``low``.

    Photon noise: the variance grows with the intensity. It is read off the differences
    of neighbours, robustly, at intermediate intensities, where neither the floor nor
    the ceiling clips it and texture (smoothed by the optics) adds little.

    Parameters
    ----------
    plane : numpy.ndarray
        (Y, X).
    observed : numpy.ndarray
        (Y, X), boolean: pixels that may be looked at.
    low, high : float
        The channel's floor and ceiling; pixels at either are left out.

    Returns
    -------
    float or None
        In intensity units, positive; None where fewer than 64 pairs can be compared.
    """
    if plane.size > MANY_PIXELS:
        every = -(-plane.size // MANY_PIXELS)
        plane, observed = plane[::every], observed[::every]
    usable = observed & (plane != low) & (plane != high)
    pairs = usable[:, 1:] & usable[:, :-1]
    right = plane[:, 1:][pairs].astype(np.float64)
    left = plane[:, :-1][pairs].astype(np.float64)
    if right.size < 64:
        return None
    step, level = np.abs(right - left), (right + left) / 2 - low
    top = np.percentile(level, 99.5)
    middle = (level > 0.15 * top) & (level < 0.6 * top)
    if np.count_nonzero(middle) >= 64:
        step, level = step[middle], level[middle]
    # 1.05 = 1.4826 / √2 turns the median absolute difference into a standard deviation;
    # 1.3 makes up for zeros that clipping has taken out of the dim half.
    gain = float(np.median((1.05 * step) ** 2 / level)) * 1.3
    return max(gain, 1e-9 * (high - low))


@dataclass(frozen=True)
class Rim:
    """Where the rim of a region is hard.

    Attributes
    ----------
    likely, certain : numpy.ndarray
        (Y, X), boolean, inside the region and within three pixels of its rim.
    touching : numpy.ndarray
        (Y, X), boolean: observed pixels outside that touch the region.
    """

    likely: Mask
    certain: Mask
    touching: Mask


def hard_rim(
    region: Mask,
    height: Plane,
    observed: Mask,
    gain: float,
    full_scale: float,
    step: float,
    noise: float,
) -> Rim:
    """Return where the image ends abruptly at a region.

    Parameters
    ----------
    region : numpy.ndarray
        (Y, X), boolean; all its pixels hold one value.
    height : numpy.ndarray
        (Y, X), float32: distance of each pixel from that value, in intensity units.
    observed : numpy.ndarray
        (Y, X), boolean: pixels that may be looked at.
    gain : float
        See :func:`noise_gain`.
    full_scale : float
        Distance from the channel's floor to its ceiling, in intensity units.
    step : float
        Least share of the far mean that the near mean must have, for ``likely``.
    noise : float
        Least ratio of the near mean to its noise, for ``certain``; :data:`LIKELY`
        of it for ``likely``.

    Returns
    -------
    Rim
    """
    touching = dilated(region, 3) & ~region & observed
    far = dilated(region, 9) & ~dilated(region, 5) & observed
    # A mean can stand above the noise only where some pixel does.
    floor = np.float32((LIKELY * noise) ** 2 * gain)
    candidates = dilated(touching & (height > floor), NEAR_WINDOW) & region
    n_near, n_far, near_mean, far_mean = np.zeros((4, *region.shape), dtype=np.float32)
    for outer, inner, block in blocks(candidates, BLOCK, FAR_WINDOW // 2):
        n, h = touching[outer], height[outer]
        n_near[block] = box_sum(n, NEAR_WINDOW)[inner]
        near_mean[block] = box_sum(h * n, NEAR_WINDOW)[inner]
        n = far[outer]
        n_far[block] = box_sum(n, FAR_WINDOW)[inner]
        far_mean[block] = box_sum(h * n, FAR_WINDOW)[inner]
    near_mean /= np.maximum(n_near, 1)
    far_mean /= np.maximum(n_far, 1)
    # In a dense net of damage nothing is three pixels away; in a saturated bundle or in
    # dim noise nothing is either, but there the pixels between are near the region's value.
    far_mean[n_far < 3] = BRIGHT * full_scale
    # mean / noise with noise² = gain · mean, squared to save the root
    clear = near_mean / np.float32(gain)
    # A speck of noise in the background is no rim.
    likely = candidates & (n_near >= 3) & (near_mean > floor)
    # Between sparse filaments the near mean stands on a filament, the far one beyond it.
    likely &= (near_mean > step * far_mean) & (near_mean < THIN * far_mean)
    inner = likely & dilated(touching, 3) & (clear > noise**2)
    steep = np.count_nonzero(near_mean[inner] > SHARP * step * far_mean[inner])
    if np.count_nonzero(inner) > 1.4 * steep:
        # Coarse pixels: nature itself fades within two of them. Ask for more.
        step *= SHARP
        likely &= near_mean > step * far_mean
    certain = likely & (clear > noise**2) & (n_near >= 4)
    certain &= near_mean > CERTAIN * step * far_mean
    return Rim(likely=likely, certain=certain, touching=touching)
