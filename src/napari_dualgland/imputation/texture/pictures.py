"""Plausible pictures of a stack: its estimate, with texture copied from elsewhere in it.

A frame is drawn part by part after it is filled, each with as much around it as its texture
depends on, so that the parts are those of one picture, whatever their size. Neither the estimate
nor its uncertainty is touched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from napari_dualgland.imputation.channel_sets import channels_of, sets_of
from napari_dualgland.imputation.estimates import Estimates
from napari_dualgland.imputation.masks import HiddenMasks, WantedMask
from napari_dualgland.imputation.statistics import StackStatistics
from napari_dualgland.imputation.texture.textures import REACH, Part, Textures
from napari_dualgland.imputation.tiling.boxes import Box, bands, lost_throughout
from napari_dualgland.imputation.tiling.noise import noise_at
from napari_dualgland.progress import Cancelled, Patch
from napari_dualgland.stack import ROLES
from napari_dualgland.typing import Float32Array

NOTHING_TO_COPY = "nothing in this image to copy it from; its texture is the model's own"
"""What stands in the notes of channels, of which a picture could not be drawn by analogy."""


class _Seen(NamedTuple):
    """A part of a frame, and what can be drawn there; (4, h, w), normalised, filled."""

    box: Box
    picture: Float32Array
    parts: list[Part]


class Pictures:
    """Draws the plausible pictures of a stack.

    Parameters
    ----------
    hidden : HiddenMasks
        What must not be looked at, and the frames that it belongs to.
    estimates : Estimates
        What was filled, and where pictures are kept.
    statistics : StackStatistics
        Exposure.
    textures : Textures
        What may be copied.
    seed : int
        Another one draws other pictures.
    """

    def __init__(
        self,
        hidden: HiddenMasks,
        estimates: Estimates,
        statistics: StackStatistics,
        textures: Textures,
        seed: int,
    ) -> None:
        self.hidden, self.frames = hidden, hidden.frames
        self.estimates, self.statistics = estimates, statistics
        self.textures, self.seed = textures, seed
        self._lost = [lost_throughout(hidden[frame]) for frame in range(len(hidden))]

    def not_copied(self) -> list[str]:
        """Return the roles of which somewhere there is nothing to copy: the model must draw."""
        found: set[int] = set()
        for frame, lost in enumerate(self._lost):
            wanted = WantedMask(self.hidden[frame])
            for band in bands(wanted.shape):
                hidden = wanted[(slice(None), *band.slices)]
                for those in np.flatnonzero(np.bincount(sets_of(hidden).ravel())):
                    here = channels_of(int(those))
                    rest = sum(1 << channel for channel in here if not lost[channel])
                    found |= {channel for channel in here if lost[channel]}
                    if rest and not self.textures.holds(rest):
                        found |= set(channels_of(rest))
        return [ROLES[channel] for channel in sorted(found)]

    def of_frame(self, frame: int, should_stop: Callable[[], bool]) -> Iterator[Patch | None]:
        """Draw the pictures of a frame that is filled.

        Parameters
        ----------
        frame : int
            Its number.
        should_stop : callable
            Asked between parts.

        Yields
        ------
        Patch or None
            Each part as soon as it is drawn, with the picture that is to stand in the stack; None
            where it is the estimate that stands there.

        Raises
        ------
        Cancelled
            If ``should_stop`` returned true.
        """
        for box in self.estimates.patches(frame):
            seen = self._seen(frame, box)
            shown = None
            for number in self.estimates.pictures:
                patch = self._drawn(frame, box, number, seen)
                self.estimates.add_picture(number, patch)
                if number == 0 and self.estimates.plausible:
                    shown = patch
            yield shown
            if should_stop():
                raise Cancelled.run()

    def _seen(self, frame: int, box: Box) -> _Seen:
        """Look at a part of a frame and all that its texture depends on."""
        whole = self.frames.whole
        around = box.grown(REACH, (whole.y1, whole.x1)).aligned((whole.y1, whole.x1))
        at, index = (slice(None), *around.slices), self.frames.index
        values = self.estimates.filled_in(frame, around, self.frames.channels(frame, around))
        # What no camera counts, and nobody has marked as missing, is no light either.
        dark = self.hidden[frame][at] & ~self.hidden.masks[frame][at][index]
        picture = self.statistics.normalisation.shown(values[index], dark)
        drawn = WantedMask(self.hidden[frame])[at] & ~self._lost[frame][:, None, None]
        return _Seen(around, picture, self.textures.parts(drawn, around, picture))

    def _drawn(self, frame: int, box: Box, number: int, seen: _Seen) -> Patch:
        """Draw a picture in a part of a frame."""
        chance = ndtr(noise_at(seen.box, self.seed, number, self.frames.place(frame))[0])
        inside = box.inside(seen.box)
        picture = np.full((len(ROLES), *seen.picture[0][inside].shape), np.nan, np.float32)
        for part in seen.parts:
            hole = part.hole[inside]
            made = part.drawn(seen.picture, chance)[:, *inside]
            for channel, plane in zip(part.channels, made, strict=True):
                picture[channel][hole] = plane[hole]
        source = self.frames.channels(frame, box)
        values = self.estimates.filled_in(frame, box, source)
        values = self.estimates.picture_in(number, frame, box, values)
        (t, z), (y, x) = self.frames.place(frame), box.slices
        missing = self.hidden.masks[frame][:, y, x]
        patch = Patch(t, z, y, x, values, missing)
        return self.estimates.laid(patch, picture, self.statistics, self.frames.index)
