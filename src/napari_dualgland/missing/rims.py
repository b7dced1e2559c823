"""How abruptly an image ends at the rim of a region of one exact value.

Natural background fades: pixels that touch it hold a tenth to two fifths of what stands
three pixels further out. Damage cuts: they hold as much. Both means are taken over a
window along the rim, so that noise averages out, and the inner one must stand above the
noise that a pixel of that brightness has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from napari_dualgland.missing.heights import Heights
from napari_dualgland.missing.noise import Noise
from napari_dualgland.missing.windows import blocks, box_sum, dilated
from napari_dualgland.typing import AnyArray, BoolArray, Float32Array, IndexArray

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


class _Places(NamedTuple):
    """Pixels of a region that may be at a hard rim, and what is around each.

    Attributes
    ----------
    y, x : numpy.ndarray
        (N,), int64.
    near, far : numpy.ndarray
        (N,), float32: means of the pixels that touch the region, and of those beyond.
    enough, clear, inner : numpy.ndarray
        (N,), boolean: whether the near mean is one of enough pixels for certainty, whether
        it stands clear of the noise, and whether a pixel that touches is next to it.
    """

    y: IndexArray
    x: IndexArray
    near: Float32Array
    far: Float32Array
    enough: BoolArray
    clear: BoolArray
    inner: BoolArray

    @classmethod
    def nowhere(cls) -> _Places:
        dtypes = (np.int64, np.int64, np.float32, np.float32, bool, bool, bool)
        return cls(*(np.zeros(0, dtype=dtype) for dtype in dtypes))

    @classmethod
    def of_all(cls, some: list[_Places]) -> _Places:
        return cls(*map(np.concatenate, zip(*some, strict=True)))

    def those(self, keep: BoolArray) -> _Places:
        return _Places._make(values[keep] for values in self)

    def moved(self, y: int, x: int) -> _Places:
        return self._replace(y=self.y + y, x=self.x + x)


class _Block:
    """A part of a plane in which the means are taken."""

    def __init__(
        self,
        region: BoolArray,
        height: AnyArray,
        observed: BoolArray,
        noise: Noise,
        sigmas: float,
    ) -> None:
        self.region, self.height, self.observed = region, height, observed
        self.noise, self.sigmas = noise, sigmas
        self.touching = dilated(region, 3) & ~region & observed

    def places(self, inner: tuple[slice, slice], bright: float) -> _Places:
        """Return where, within a part of the block, touching pixels stand above the noise.

        ``bright`` stands in for the far mean where nothing is far.
        """
        # A mean can stand above the noise only where some pixel does.
        tall = self.touching & self.noise.exceeded(self.height, LIKELY * self.sigmas)
        if not tall.any():
            return _Places.nowhere()
        wanted = np.zeros_like(tall)
        wanted[inner] = (dilated(tall, NEAR_WINDOW) & self.region)[inner]
        at = np.flatnonzero(wanted)
        near, n_near = self._mean(self.touching, NEAR_WINDOW, at)
        # A speck of noise in the background is no rim, nor are many of them.
        kept = (n_near >= 3) & (near > self._least(LIKELY * self.sigmas, at))
        if not kept.any():
            return _Places.nowhere()
        at, near, n_near = at[kept], near[kept], n_near[kept]
        beyond = dilated(self.region, 9) & ~dilated(self.region, 5) & self.observed
        far, n_far = self._mean(beyond, FAR_WINDOW, at)
        # In a dense net of damage nothing is three pixels away; in a saturated bundle or in
        # dim noise nothing is either, but there the pixels between are near the region's value.
        far[n_far < 3] = bright
        clear = near > self._least(self.sigmas, at)
        y, x = np.divmod(at, tall.shape[1])
        places = _Places(y, x, near, far, n_near >= 4, clear, dilated(self.touching, 3).take(at))
        lit = box_sum(~self.region & self.observed, FAR_WINDOW).take(at)
        return places.those(lit >= LIT * FAR_WINDOW**2)

    def _mean(self, those: BoolArray, side: int, at: IndexArray) -> tuple[Float32Array, AnyArray]:
        """Return the mean height of those pixels around each of some, and how many they are."""
        number = box_sum(those, side).take(at)
        total = box_sum(self.height * those, side).take(at)
        return np.divide(total, np.maximum(number, 1), dtype=np.float32), number

    def _least(self, sigmas: float, at: IndexArray) -> Float32Array:
        """Return what is no noise at some pixels."""
        least = self.noise.least(sigmas)
        return least if least.ndim == 0 else least.take(at)


def hard_rim(
    region: BoolArray,
    height: Heights,
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
    height : Heights
        Distance of each pixel from that value.
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
    likely, certain, touching = (np.zeros(region.shape, dtype=bool) for _ in range(3))
    found = [_Places.nowhere()]
    for outer, inner, _ in blocks(region, BLOCK, FAR_WINDOW // 2 + 4):
        block = _Block(region[outer], height[outer], observed[outer], noise.at(outer), sigmas)
        touching[outer] |= block.touching
        places = block.places(inner, BRIGHT * full_scale)
        # Between sparse filaments the near mean stands on a filament, the far one beyond it.
        places = places.those((places.near > step * places.far) & (places.near < THIN * places.far))
        found.append(places.moved(outer[0].start, outer[1].start))
    at = _Places.of_all(found)
    clear = at.those(at.inner & at.clear)
    steep = np.count_nonzero(clear.near > SHARP * step * clear.far)
    sharp = bool(clear.y.size > 1.4 * steep)
    if sharp:
        # Coarse pixels: nature itself fades within two of them. Ask for more.
        step *= SHARP
        at = at.those(at.near > step * at.far)
    likely[at.y, at.x] = True
    certain[at.y, at.x] = at.clear & at.enough & (at.near > CERTAIN * step * at.far)
    return Rim(likely, certain, touching, sharp)
