"""The textures of one image: what may be copied, for every set of channels that is lost together.

All channels that are missing at a place are copied together from one other place, so that what
couples them survives. Where no such set was rehearsed, a larger one serves, or some smaller ones;
where none was, as of a channel without a measured pixel, there is nothing to copy, and somebody
else must draw.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from napari_dualgland.imputation.calibration.rehearsed import Residual
from napari_dualgland.imputation.channel_sets import SETS, channels_of, sets_of
from napari_dualgland.imputation.texture import analogy
from napari_dualgland.imputation.texture.patches import Patches, Source, places_of
from napari_dualgland.imputation.tiling.boxes import Box
from napari_dualgland.progress import Cancelled
from napari_dualgland.typing import BoolArray, Float32Array

FEWEST = 400
"""Places without which one would see the same again and again."""

THICK = 3
"""Pixels from the rim from which damage is thick."""

COARSE, FINE = 16, 4
"""Steps of patches in pixels: around places where damage is thick, and elsewhere."""

REACH = analogy.reach(COARSE) + COARSE
"""Pixels from which it depends what is drawn at a place."""

DARK = 0.02
"""Of the range, added before roots are taken: darker than this, spread no longer falls."""


class Copied(NamedTuple):
    """Patches, and what is copied of them.

    Attributes
    ----------
    channels : list of int
        That are drawn.
    rows : list of int
        Which channels of the patches those are.
    patches : Patches
    """

    channels: list[int]
    rows: list[int]
    patches: Patches


class Stroke(NamedTuple):
    """Where patches of one kind are copied.

    Attributes
    ----------
    where : numpy.ndarray
        (h, w), boolean.
    copied : Copied
        What is copied there.
    targets : Targets
        Where patches lie.
    """

    where: BoolArray
    copied: Copied
    targets: analogy.Targets


class Part(NamedTuple):
    """Where one set of channels is to be drawn in a part of a field.

    Attributes
    ----------
    channels : list of int
        That are drawn together.
    hole : numpy.ndarray
        (h, w), boolean.
    strokes : list of Stroke
        How; together they cover the hole.
    """

    channels: list[int]
    hole: BoolArray
    strokes: list[Stroke]

    def drawn(self, picture: Float32Array, chance: Float32Array) -> Float32Array:
        """Draw a picture.

        Parameters
        ----------
        picture : numpy.ndarray
            (4, h, w), normalised, filled.
        chance : numpy.ndarray
            (h, w), 0 to 1: other numbers, another texture.

        Returns
        -------
        numpy.ndarray
            (N, h, w) float32, normalised: of these channels, the picture with a texture in the
            hole.
        """
        rooted = _rooted(picture[self.channels])
        for where, (channels, rows, patches), targets in self.strokes:
            own = [self.channels.index(channel) for channel in channels]
            rooted[own] += analogy.drawn(where, targets, patches, chance)[rows]
        return np.asarray(np.maximum(rooted, 0) ** 2 - DARK, np.float32)


class Textures:
    """What the rehearsal of an image gives to copy.

    Parameters
    ----------
    residuals : sequence of Residual
        By window.
    seed : int
        Decides which patches are kept where there are too many.
    should_stop : callable
        Asked between sets of channels.

    Raises
    ------
    Cancelled
        If ``should_stop`` returned true.
    """

    def __init__(
        self,
        residuals: Sequence[Residual],
        seed: int,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> None:
        self._stocks: dict[int, dict[int, Patches]] = {COARSE: {}, FINE: {}}
        sets = [sets_of(residual.held_out) for residual in residuals]
        for those in SETS:
            if should_stop():
                raise Cancelled.run()
            coarse: list[Source] = []
            fine: list[Source] = []
            for residual, here in zip(residuals, sets, strict=True):
                hole = here == those
                if not hole.any():
                    continue
                thick, lacking = thick_of(hole), _lacking(residual, channels_of(those))
                for found, where in ((coarse, thick), (fine, hole & ~thick)):
                    found.append(Source(where, residual.estimate, lacking * where))
            for step, sources in ((COARSE, coarse), (FINE, fine)):
                if sum(len(places_of(source.hole, step)) for source in sources) >= FEWEST:
                    rng = np.random.default_rng([seed, those, step])
                    self._stocks[step][those] = Patches(sources, step, rng)

    def holds(self, those: int) -> bool:
        """Tell whether there is something to copy for every channel of a set."""
        return self._covering(those, COARSE, FINE) is not None

    def _covering(self, those: int, *steps: int) -> list[Copied] | None:
        """Return patches that hold a set together, of the first of these steps if there are."""
        found = []
        for step in steps:
            stock = self._stocks[step]
            while shared := {s: s & those for s in stock if s & those}:
                # Channels that are copied from one place go together, so the fewer places the
                # better; and what was lost in few channels goes best with what is lost in few.
                best = min(shared, key=lambda s: (-shared[s].bit_count(), s.bit_count(), s))
                own, every = channels_of(shared[best]), channels_of(best)
                found.append(Copied(own, [every.index(c) for c in own], stock[best]))
                those &= ~best
        return None if those else found

    def parts(self, hidden: BoolArray, box: Box, picture: Float32Array) -> list[Part]:
        """Return what can be drawn in a part of a field.

        Parameters
        ----------
        hidden : numpy.ndarray
            (4, h, w), boolean, without channels that are lost throughout.
        box : Box
            The part; starts on the grid of windows.
        picture : numpy.ndarray
            (4, h, w), normalised, filled.

        Returns
        -------
        list of Part
        """
        sets = sets_of(hidden)
        found = []
        for those in SETS:
            hole = sets == those
            if not hole.any() or not self.holds(those):
                continue
            thick = thick_of(hole)
            strokes = []
            for where, steps in ((thick, (COARSE, FINE)), (hole & ~thick, (FINE, COARSE))):
                for copied in (self._covering(those, *steps) or ()) if where.any() else ():
                    targets = analogy.targets_in(where, box, picture, copied.patches)
                    strokes.append(Stroke(where, copied, targets))
            found.append(Part(channels_of(those), hole, strokes))
        return found


def _rooted(light: Float32Array) -> Float32Array:
    """Return the square root of light, in which texture is copied.

    It spreads alike in dim and bright places there, and leaves no black holes where it is taken
    from a place that is a little brighter.
    """
    return np.asarray(np.sqrt(np.maximum(light + DARK, 0)), np.float32)


def _lacking(residual: Residual, channels: list[int]) -> Float32Array:
    """Return what an estimate lacks of some channels, as the difference of roots."""
    estimate = residual.estimate[channels]
    return _rooted(estimate + residual.lacking[channels]) - _rooted(estimate)


def thick_of(hole: BoolArray) -> BoolArray:
    """Return where a hole is thick enough for patches: around places that lie deep in it."""
    deep = ndimage.distance_transform_edt(hole) >= THICK
    return np.asarray(hole & ndimage.maximum_filter(deep, 2 * THICK + 1))
