"""Fill one frame: windows around holes, coarse to fine where holes are deep, no seams.

A frame is read through a function, window by window, so that a lazy image is never
loaded whole. A hole so deep that a window cannot see its rim is first filled at a
quarter of the magnification, by this same class, and that fill is where the window's
own pyramid starts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
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
from napari_dualgland.imputation.tiling.pieces import Piece, Place, around, bundles, pieces_of
from napari_dualgland.imputation.tiling.window import Window, ask, padding, shown
from napari_dualgland.model.evidence import Evidence, gather_evidences
from napari_dualgland.model.filler import Fill, Filler
from napari_dualgland.model.tensors import USE_ANOTHER, refuse_not_finite
from napari_dualgland.typing import Float32Array

TOGETHER = 16
"""Tiles of which windows of one size are looked for, to be filled at once."""

AT_ONCE = 16
"""How many times as many windows a device that is no CPU fills at once."""

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

    def fill(self) -> Iterator[FilledTile | None]:
        """Yield every tile with missing pixels, finished, and None while one is waited for."""
        tiles = {
            (box.y0 // self.tile, box.x0 // self.tile): box
            for box in tiles_with_holes(self.wanted, self.tile)
        }
        blended: dict[Place, BlendedTile] = {}
        unheard = {place: sum(1 for _ in around(place, tiles)) for place in tiles}
        if self.deep and tiles:
            yield from self._filling_coarse()
        order = list(tiles)
        for start in range(0, len(order), TOGETHER):
            places = order[start : start + TOGETHER]
            pieces = pieces_of(places, tiles, self.wanted, self.shape)
            for bundle in bundles(pieces, self._pixels_at_once()):
                for piece, said in self._said(bundle):
                    if piece is None:
                        yield None
                        continue
                    weight = blending_weight(tiles[piece.tile], piece.hole)
                    for place in around(piece.tile, tiles):
                        if place not in blended:
                            blended[place] = self._blended(tiles[place])
                        blended[place].add(said, piece.hole, weight)
            for place in places:
                for other in around(place, tiles):
                    unheard[other] -= 1
                    if not unheard[other]:
                        yield self._finished(blended.pop(other))

    def _pixels_at_once(self) -> int:
        """Return how many pixels of windows are filled at once: as a tile full of holes has."""
        one = (self.tile + 2 * (OVERLAP + MARGIN)) ** 2
        return one if self.filler.device.type == "cpu" else one * AT_ONCE

    def _blended(self, tile: Box) -> BlendedTile:
        hole = hole_box(self.wanted, tile)
        assert hole is not None
        return BlendedTile(tile, hole)

    def _finished(self, tile: BlendedTile) -> FilledTile:
        mean, sigma, *deviations = tile.mean()
        return FilledTile(tile.box, mean, sigma if self.states_sigma else None, tuple(deviations))

    def _said(self, bundle: list[list[Piece]]) -> Iterator[tuple[Piece | None, Float32Array]]:
        """Yield what is estimated over the hole of each piece, by an earlier run if one was cut
        off; and None while one is waited for."""
        known = [self._recalled(batch) for batch in bundle]
        due = [batch for batch, told in zip(bundle, known, strict=True) if told is None]
        windows = [[self.window(piece.window) for piece in batch] for batch in due]
        device = self.filler.device
        every = gather_evidences([shown(some, self.beta, device) for some in windows])
        looked, waiting = zip(windows, every, strict=True), (None, np.empty(0, np.float32))
        for batch, told in zip(bundle, known, strict=True):
            yield waiting
            if told is None:
                seen, evidence = next(looked)
                said = ask(seen, evidence, self.filler)
                yield waiting
                told = self._estimates(batch, evidence, said)
                for piece, one in zip(batch, told, strict=True):
                    self._keep(piece, one)
            yield from zip(batch, told, strict=True)

    def _recalled(self, batch: list[Piece]) -> list[Float32Array] | None:
        """Return what an earlier run estimated of a batch; all of it, or numbers would differ."""
        if self.kept.shelf is None:
            return None
        told = []
        for piece in batch:
            wanted = self.wanted[(slice(None), *piece.hole.slices)]
            values = self.kept.get(self._name(piece))
            if values is None or values.shape[1] != np.count_nonzero(wanted):
                return None
            said = np.zeros((max(2, len(values)), *wanted.shape), np.float32)
            said[: len(values), wanted] = values
            self.states_sigma = len(values) > 1
            told.append(said)
        return told

    def _keep(self, piece: Piece, said: Float32Array) -> None:
        if self.kept.shelf is None:
            return
        wanted = self.wanted[(slice(None), *piece.hole.slices)]
        # A model that states no deviation tells nothing but the mean.
        self.kept.put(self._name(piece), (said if self.states_sigma else said[:1])[:, wanted])

    def _name(self, piece: Piece) -> str:
        return f"{self.filler.device} {self.tile} {piece.tile} {tuple(piece.hole)}"

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
    def _estimates(
        self, pieces: Sequence[Piece], evidence: Evidence, said: Fill
    ) -> list[Float32Array]:
        """Return mean, sigma and deviations over the hole of each piece, (2 + D, 4, h, w)."""
        calibrated, spread = self.calibrated(evidence, said)
        height, width = evidence.prior.shape[2:]
        noise = [
            self.noise(Box(p.window.y0, p.window.y0 + height, p.window.x0, p.window.x0 + width))
            for p in pieces
        ]
        drawn = [
            self.filler.draw(said, torch.from_numpy(np.stack(picture)).to(self.filler.device))
            for picture in zip(*noise, strict=True)
        ]
        # What is written is made of these alone.
        told = {"estimate": calibrated, **{f"picture {i}": x for i, x in enumerate(drawn, 1)}}
        told |= {} if spread is None else {"uncertainty": spread}
        refuse_not_finite(told, f"model {self.filler.card.name}", USE_ANOTHER)
        self.states_sigma = spread is not None
        planes = [calibrated, torch.zeros_like(calibrated) if spread is None else spread]
        # Drawings are in units of sigma: without one there are none.
        planes += drawn if spread is not None else []
        every = torch.stack([plane.float() for plane in planes], 1).cpu().numpy()
        return [
            one[(..., *piece.hole.inside(piece.window))]
            for piece, one in zip(pieces, every, strict=True)
        ]

    def _coarse_window(
        self, window: Box, size: tuple[int, ...]
    ) -> tuple[Float32Array, Float32Array | None]:
        """Return the coarse fill of a window and its sigma, completed to ``size`` / COARSE."""
        for _ in self._filling_coarse():
            pass
        assert self._coarse is not None
        box = Box(*(v // COARSE if i % 2 == 0 else -(-v // COARSE) for i, v in enumerate(window)))
        wanted = [s // COARSE for s in size]

        def completed(part: Float32Array) -> Float32Array:
            short = [(0, w - s) for w, s in zip(wanted, part.shape[1:], strict=True)]
            return np.pad(part, [(0, 0), *short], mode="edge")

        mean, sigma = self._coarse.filled(box)
        return completed(mean), None if sigma is None else completed(sigma)

    def _filling_coarse(self) -> Iterator[None]:
        """Fill the whole frame at a quarter of its magnification, once; yield on the way."""
        if self._coarse is not None:
            return
        coarse = CoarseFill(self.read, self.missing)
        # As the model says it: what is made of it is calibrated.
        kept = self.kept.part("coarse")
        frame = Frame(coarse.read, coarse.missing, self.filler, self.beta, self.tile, kept=kept)
        for tile in frame.fill():
            if tile is not None:
                coarse.keep(tile.box, tile.mean, tile.sigma)
            yield None
        self._coarse = coarse
