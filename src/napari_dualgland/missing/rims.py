"""How abruptly an image ends at the rim of a region of one exact value.

Natural background fades: pixels that touch it hold a tenth to two fifths of what stands
three pixels further out. Damage cuts: they hold as much. Both means are taken over a
window along the rim, so that noise averages out, and the inner one must stand above the
noise that a pixel of that brightness has.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_dualgland.missing.noise import Noise
from napari_dualgland.missing.windows import blocks, box_sum, dilated
from napari_dualgland.typing import BoolArray, Float32Array

NEAR_WINDOW = 7
"""Side of the window, in pixels, over which the pixels that touch a region are averaged."""
FAR_WINDOW = 13
"""The same for those three to four pixels away."""
BLOCK = 256
"""Side of the blocks, in pixels, in which the means are taken."""
LIT = 0.15
"""Least share of the wider surroundings of a rim that lies outside the region."""
LIKELY = 0.65
"""Share of ``sigmas`` above which a rim is likely to be hard."""
CERTAIN = 1.3
"""So many times the step of a likely rim makes a certain one."""
THIN = 3.0
"""A near mean of more than so many times the far one belongs to a structure, not a rim."""
SHARP = 1.5
"""So many times the step is asked for in channels whose natural rims are steep."""
BRIGHT = 0.2
"""Share of a channel's full scale that stands in for the far mean where nothing is far."""


@dataclass(frozen=True)
class Rim:
    """Where the rim of a region is hard.

    Attributes
    ----------
    likely, certain : numpy.ndarray
        (Y, X), boolean, inside the region and within three pixels of its rim.
    touching : numpy.ndarray
        (Y, X), boolean: observed pixels outside that touch the region.
    sharp : bool
        Whether natural rims are steep in this channel too, as where pixels are coarse.
    """

    likely: BoolArray
    certain: BoolArray
    touching: BoolArray
    sharp: bool


def hard_rim(
    region: BoolArray,
    height: Float32Array,
    observed: BoolArray,
    noise: Noise,
    full_scale: float,
    step: float,
    sigmas: float,
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
    noise : Noise
        Of the channel.
    full_scale : float
        Distance from the channel's floor to its ceiling, in intensity units.
    step : float
        Least share of the far mean that the near mean must have, for ``likely``.
    sigmas : float
        Standard deviations of the noise that the near mean must reach, for ``certain``;
        :data:`LIKELY` of them for ``likely``.

    Returns
    -------
    Rim
    """
    touching = dilated(region, 3) & ~region & observed
    far = dilated(region, 9) & ~dilated(region, 5) & observed
    # A mean can stand above the noise only where some pixel does.
    floor = noise.least(LIKELY * sigmas)
    candidates = dilated(touching & (height > floor), NEAR_WINDOW) & region
    n_near, n_far, n_lit, near_mean, far_mean = np.zeros((5, *region.shape), dtype=np.float32)
    for outer, inner, block in blocks(candidates, BLOCK, FAR_WINDOW // 2):
        n, h = touching[outer], height[outer]
        n_near[block] = box_sum(n, NEAR_WINDOW)[inner]
        near_mean[block] = box_sum(h * n, NEAR_WINDOW)[inner]
        n = far[outer]
        n_far[block] = box_sum(n, FAR_WINDOW)[inner]
        far_mean[block] = box_sum(h * n, FAR_WINDOW)[inner]
        n_lit[block] = box_sum(~region[outer] & observed[outer], FAR_WINDOW)[inner]
    near_mean /= np.maximum(n_near, 1)
    far_mean /= np.maximum(n_far, 1)
    # In a dense net of damage nothing is three pixels away; in a saturated bundle or in
    # dim noise nothing is either, but there the pixels between are near the region's value.
    far_mean[n_far < 3] = BRIGHT * full_scale
    clear = near_mean > noise.least(sigmas)
    # A speck of noise in the background is no rim, nor are many of them.
    likely = candidates & (n_near >= 3) & (n_lit >= LIT * FAR_WINDOW**2) & (near_mean > floor)
    # Between sparse filaments the near mean stands on a filament, the far one beyond it.
    likely &= (near_mean > step * far_mean) & (near_mean < THIN * far_mean)
    inner = likely & dilated(touching, 3) & clear
    steep = np.count_nonzero(near_mean[inner] > SHARP * step * far_mean[inner])
    sharp = bool(np.count_nonzero(inner) > 1.4 * steep)
    if sharp:
        # Coarse pixels: nature itself fades within two of them. Ask for more.
        step *= SHARP
        likely &= near_mean > step * far_mean
    certain = likely & clear & (n_near >= 4)
    certain &= near_mean > CERTAIN * step * far_mean
    return Rim(likely, certain, touching, sharp)
