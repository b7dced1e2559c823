"""The textures of one image: what may be copied, for every set of channels that is lost together.

All channels that are missing at a place are copied together from one other place, so that what
couples them survives. Where no such set was rehearsed, a larger one serves; where none was, as of
a channel without a measured pixel, there is nothing to copy, and somebody else must draw.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
from scipy import ndimage

from napari_dualgland.imputation.calibration.rehearsed import Residual
from napari_dualgland.imputation.texture import analogy
from napari_dualgland.imputation.texture.grains import Grains
from napari_dualgland.imputation.texture.patches import PATCH, Patches, Source, places_of
from napari_dualgland.imputation.tiling.boxes import Box
from napari_dualgland.typing import BoolArray, ByteArray, Float32Array, IndexArray

FEWEST = 400
"""Places, or pixels, without which one would see the same again and again."""

THICK = 3
"""Pixels from the rim from which damage is thick: patches are copied around such a place, single
pixels elsewhere."""

REACH = analogy.REACH + PATCH
"""Pixels from which it depends what is drawn at a place."""

BITS = np.array([1, 2, 4, 8], np.uint8)
"""Of the four channels; their sum names a set."""

SETS = range(1, 16)

Stock = TypeVar("Stock", Patches, Grains)


class Part(NamedTuple):
    """Where one set of channels is to be drawn in a part of a field.

    Attributes
    ----------
    channels : list of int
        That are drawn together.
    hole : numpy.ndarray
        (h, w), boolean.
    patches, grains : tuple or None
        What is copied there, and which rows of it are these channels.
    thick : numpy.ndarray
        (h, w), boolean: where patches are copied, and pixels elsewhere.
    targets : Targets or None
        Where patches lie.
    alike : numpy.ndarray or None
        Which pixels may be copied.
    """

    channels: list[int]
    hole: BoolArray
    thick: BoolArray
    patches: tuple[list[int], Patches] | None
    grains: tuple[list[int], Grains] | None
    targets: analogy.Targets | None
    alike: IndexArray | None

    def drawn(self, chance: Float32Array) -> Float32Array:
        """Draw what to add to the estimate.

        Parameters
        ----------
        chance : numpy.ndarray
            (2, h, w), 0 to 1: other numbers, another texture.

        Returns
        -------
        numpy.ndarray
            (N, h, w) float32, normalised: 0 outside the hole.
        """
        out = np.zeros((len(self.channels), *self.hole.shape), np.float32)
        if self.patches is not None and self.targets is not None:
            rows, patches = self.patches
            out += analogy.drawn(self.thick, self.targets, patches, chance[0])[rows]
        if self.grains is not None and self.alike is not None:
            rows, grains = self.grains
            thin = self.hole & ~self.thick
            out[:, thin] = grains.drawn(self.alike, chance[1][thin])[rows]
        return out


class Textures:
    """What the rehearsal of an image gives to copy.

    Parameters
    ----------
    residuals : sequence of Residual
        By window.
    seed : int
        Decides which patches are kept where there are too many.
    """

    def __init__(self, residuals: Sequence[Residual], seed: int) -> None:
        self._patches: dict[int, Patches] = {}
        self._grains: dict[int, Grains] = {}
        sets = [sets_of(residual.held_out) for residual in residuals]
        for those in SETS:
            channels = channels_of(those)
            holes = [(r, s == those) for r, s in zip(residuals, sets, strict=True)]
            thick = [
                Source(there, r.estimate, r.lacking[channels])
                for r, hole in holes
                if (there := thick_of(hole)).any()
            ]
            if sum(len(places_of(source.hole)) for source in thick) >= FEWEST:
                self._patches[those] = Patches(thick, np.random.default_rng([seed, those]))
            stated = [(r, r.sigma, hole) for r, hole in holes if r.sigma is not None]
            if sum(int(hole.sum()) for *_, hole in stated) >= FEWEST:
                self._grains[those] = Grains(
                    np.concatenate([r.lacking[channels][:, hole] for r, _, hole in stated], 1),
                    np.concatenate([sigma[channels][:, hole] for _, sigma, hole in stated], 1),
                )

    def holds(self, those: int) -> bool:
        """Tell whether there is something to copy for a set of channels."""
        return any(_serving(those, stocks) for stocks in (self._patches, self._grains))

    def parts(
        self, hidden: BoolArray, box: Box, picture: Float32Array, sigma: Float32Array
    ) -> list[Part]:
        """Return what can be drawn in a part of a field.

        Parameters
        ----------
        hidden : numpy.ndarray
            (4, h, w), boolean, without channels that are lost throughout.
        box : Box
            The part; starts on the grid of windows.
        picture : numpy.ndarray
            (4, h, w), normalised, filled.
        sigma : numpy.ndarray
            (4, h, w), normalised: the stated standard deviation.

        Returns
        -------
        list of Part
        """
        found = []
        sets = sets_of(hidden)
        for those in SETS:
            hole = sets == those
            if not hole.any():
                continue
            patches, grains = _serving(those, self._patches), _serving(those, self._grains)
            if patches is None and grains is None:
                continue
            channels, thick = channels_of(those), thick_of(hole)
            if patches is None:
                thick = np.zeros_like(hole)
            elif grains is None:
                thick = hole
            targets = alike = None
            if patches is not None and thick.any():
                targets = analogy.targets_in(thick, box, picture, patches[1])
            if grains is not None:
                alike = grains[1].alike(sigma[channels][:, hole & ~thick])
            found.append(Part(channels, hole, thick, patches, grains, targets, alike))
        return found


def _serving(those: int, stocks: Mapping[int, Stock]) -> tuple[list[int], Stock] | None:
    """Return the stock of a set, or of the smallest that holds it, and which rows are its own."""
    enough = sorted((s.bit_count(), s) for s in stocks if s & those == those)
    if not enough:
        return None
    serving = enough[0][1]
    rows = [row for row, channel in enumerate(channels_of(serving)) if channel in channels_of(those)]
    return rows, stocks[serving]


def sets_of(hidden: BoolArray) -> ByteArray:
    """Return (h, w): the set of channels that is hidden at each place, of (4, h, w)."""
    found: ByteArray = np.tensordot(BITS, hidden.astype(np.uint8), 1).astype(np.uint8)
    return found


def channels_of(those: int) -> list[int]:
    """Return the numbers of the channels of a set."""
    return [channel for channel, bit in enumerate(BITS) if those & int(bit)]


def thick_of(hole: BoolArray) -> BoolArray:
    """Return where a hole is thick enough for patches: around places that lie deep in it."""
    deep = ndimage.distance_transform_edt(hole) >= THICK
    return np.asarray(hole & ndimage.maximum_filter(deep, PATCH // 2 + 1))
