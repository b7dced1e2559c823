"""Fill one frame: windows around holes, coarse to fine where holes are deep, no seams.

A frame is read through a function, window by window, so that a lazy image is never
loaded whole. A hole so deep that a window cannot see its rim is first filled at a
quarter of the magnification, by this same class, and that fill is where the window's
own pyramid starts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from napari_dualgland.imputation.kept import Kept
from napari_dualgland.imputation.tiling.blending import BlendedTile, blending_weight
from napari_dualgland.imputation.tiling.boxes import (
    MARGIN,
    OVERLAP,
    Box,
    Mask,
    hole_box,
    tiles_with_holes,
)
from napari_dualgland.imputation.tiling.coarse import COARSE, CoarseFill, Reader, has_deep_hole
from napari_dualgland.imputation.tiling.window import Window, look, padding
from napari_dualgland.model.evidence import Evidence
from napari_dualgland.model.filler import Fill, Filler
from napari_dualgland.model.tensors import USE_ANOTHER, refuse_not_finite
from napari_dualgland.typing import Float32Array

Noise = Callable[[Box], list[Float32Array]]
Calibrated = Callable[[Evidence, Fill], tuple[Tensor, Tensor | None]]


class FilledTile(NamedTuple):
    """A finished tile, normalised: (4, h, w) each; only missing pixels are meant.

    ``deviations`` are those of plausible pictures from the mean, in units of ``sigma``.
    """

    box: Box
    mean: Float32Array
    sigma: Float32Array | None
    deviations: tuple[Float32Array, ...] = ()


class Frame:
    """One frame to be filled.

    Parameters
    ----------
    read : callable
        From a box to its normalised (4, h, w) float32 pixels; missing ones hold anything.
    missing : numpy.ndarray or other Mask
        (4, Y, X), boolean.
    filler : Filler
        The model.
    beta : torch.Tensor
        (4, 4) couplings between channels.
    tile : int
        Side of a tile.
    wanted : numpy.ndarray or other Mask, optional
        (4, Y, X), boolean: the missing pixels that are to be filled; all if left out.
    calibrated : callable, optional
        From what a window shows and what the model says of it to mean and standard
        deviation; as the model says them if left out.
    noise : callable, optional
        From a box to (4, h, w) noise for each plausible picture that is wanted.
    deep : bool, optional
        Whether to start from a coarse fill of the whole frame; where its holes are deep if
        left out.
    kept : Kept, optional
        What an earlier run that was cut off has estimated, and where this one keeps it.
    """

    def __init__(
        self,
        read: Reader,
        missing: Mask,
        filler: Filler,
        beta: Tensor,
        tile: int,
        wanted: Mask | None = None,
        calibrated: Calibrated | None = None,
        noise: Noise | None = None,
        deep: bool | None = None,
        kept: Kept | None = None,
    ) -> None:
        self.read, self.missing, self.filler = read, missing, filler
        self.beta, self.tile = beta, tile
        self.calibrated: Calibrated = calibrated or (lambda _, said: (said.mean, said.sigma))
        self.noise: Noise = noise or (lambda _: [])
        self.shape = (missing.shape[1], missing.shape[2])
        self.wanted = missing if wanted is None else wanted
        # Decided for the frame, not for the window, or the tile size would show.
        self.deep = has_deep_hole(missing) if deep is None else deep
        self.states_sigma, self.kept = False, kept or Kept()
        self._coarse: CoarseFill | None = None

    def fill(self) -> Iterator[FilledTile]:
        """Yield every tile with missing pixels, finished, in the order of rows."""
        tiles = list(tiles_with_holes(self.wanted, self.tile))
        numbers = {self._place(tile): number for number, tile in enumerate(tiles)}

        def around(tile: Box) -> list[int]:
            y, x = self._place(tile)
            places = ((y + down, x + across) for down in (-1, 0, 1) for across in (-1, 0, 1))
            return [numbers[place] for place in places if place in numbers]

        blended: dict[int, BlendedTile] = {}
        done = 0
        for number, tile in enumerate(tiles):
            neighbours = around(tile)
            for other in neighbours:
                blended.setdefault(other, BlendedTile(tiles[other]))
            self._add(tile, [blended[other] for other in neighbours])
            while done < len(tiles) and max(around(tiles[done])) <= number:
                mean, sigma, *deviations = blended.pop(done).mean()
                sigma = sigma if self.states_sigma else None
                yield FilledTile(tiles[done], mean, sigma, tuple(deviations))
                done += 1

    def _place(self, tile: Box) -> tuple[int, int]:
        return tile.y0 // self.tile, tile.x0 // self.tile

    def _add(self, tile: Box, blended: list[BlendedTile]) -> None:
        """Estimate a tile with its overlap and add it, weighted, to all tiles it touches."""
        hole = hole_box(self.wanted, tile.grown(OVERLAP, self.shape))
        assert hole is not None
        said = self._said(hole)
        weight = blending_weight(tile, hole)
        for other in blended:
            other.add(said, hole, weight)

    def _said(self, hole: Box) -> Float32Array:
        """Return what was estimated over a box, by an earlier run if one was cut off."""
        wanted = self.wanted[(slice(None), *hole.slices)]
        name = f"{self.filler.device} {self.tile} {tuple(hole)}"
        values = self.kept.get(name)
        if values is None or values.shape[1] != np.count_nonzero(wanted):
            said = self._estimate(hole)
            # A model that states no deviation tells nothing but the mean.
            self.kept.put(name, said[:, wanted] if self.states_sigma else said[:1, wanted])
            return said
        self.states_sigma = len(values) > 1
        said = np.zeros((max(2, len(values)), *wanted.shape), np.float32)
        said[: len(values), wanted] = values
        return said

    def window(self, box: Box) -> Window:
        """Return what is shown of a box, which starts on the grid that windows are aligned to."""
        missing = self.missing[(slice(None), *box.slices)]
        pad = padding(missing.shape)
        image = np.pad(np.where(missing, 0, self.read(box)), pad, mode="symmetric")
        hidden = np.pad(missing, pad, mode="symmetric")
        if not self.deep:
            return Window(image, hidden)
        return Window(image, hidden, *self._coarse_window(box, image.shape[1:]))

    @torch.no_grad()
    def _estimate(self, hole: Box) -> Float32Array:
        """Return mean, sigma and deviations over a box, (2 + D, 4, h, w), from a window."""
        box = hole.grown(MARGIN, self.shape).aligned(self.shape)
        evidence, said = look([self.window(box)], self.beta, self.filler)
        calibrated, spread = self.calibrated(evidence, said)
        height, width = evidence.prior.shape[2:]
        padded = Box(box.y0, box.y0 + height, box.x0, box.x0 + width)
        drawn = [
            self.filler.draw(said, torch.from_numpy(noise)[None].to(self.filler.device))
            for noise in self.noise(padded)
        ]
        # What is written is made of these alone.
        told = {"estimate": calibrated, **{f"picture {i}": x for i, x in enumerate(drawn, 1)}}
        told |= {} if spread is None else {"uncertainty": spread}
        refuse_not_finite(told, f"model {self.filler.card.name}", USE_ANOTHER)
        mean, *deviations = (x[0].float().cpu().numpy() for x in (calibrated, *drawn))
        part = (slice(None), slice(None), *hole.inside(box))
        if spread is None:
            return np.stack([mean, np.zeros_like(mean)])[part]
        self.states_sigma = True
        sigma = spread[0].float().cpu().numpy()
        return np.stack([mean, sigma, *deviations])[part]

    def _coarse_window(
        self, window: Box, size: tuple[int, ...]
    ) -> tuple[Float32Array, Float32Array | None]:
        """Return the coarse fill of a window and its sigma, completed to ``size`` / COARSE."""
        if self._coarse is None:
            self._coarse = self._fill_coarse()
        box = Box(*(v // COARSE if i % 2 == 0 else -(-v // COARSE) for i, v in enumerate(window)))
        wanted = [s // COARSE for s in size]

        def completed(part: Float32Array) -> Float32Array:
            short = [(0, w - s) for w, s in zip(wanted, part.shape[1:], strict=True)]
            return np.pad(part, [(0, 0), *short], mode="edge")

        mean, sigma = self._coarse.filled(box)
        return completed(mean), None if sigma is None else completed(sigma)

    def _fill_coarse(self) -> CoarseFill:
        """Fill the whole frame at a quarter of its magnification."""
        coarse = CoarseFill(self.read, self.missing)
        # As the model says it: what is made of it is calibrated.
        kept = self.kept.part("coarse")
        frame = Frame(coarse.read, coarse.missing, self.filler, self.beta, self.tile, kept=kept)
        for tile in frame.fill():
            coarse.keep(tile.box, tile.mean, tile.sigma)
        return coarse
