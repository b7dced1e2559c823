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
import numpy.typing as npt
import torch
from torch import Tensor

from napari_dualgland.imputation.belief import Rehearsal, no_rehearsal
from napari_dualgland.imputation.tiles import (
    MARGIN,
    OVERLAP,
    Box,
    Mask,
    blending_weight,
    hole_box,
    tiles_with_holes,
)
from napari_dualgland.model.evidence import Evidence, gather_evidence
from napari_dualgland.model.filler import Fill, Filler

Image = npt.NDArray[np.float32]
Reader = Callable[[Box], Image]
Draw = Callable[[Box], list[Image]]

COARSE = 4
"""Magnification of one level over the next."""

DEEP = 64
"""A hole is deep where it holds a square of this side: a window may not see its rim."""

MULTIPLE = 16
"""Windows are completed to multiples of this, mirrored, for the network's strides."""


class FilledTile(NamedTuple):
    """A finished tile, normalised: (4, h, w) each; only missing pixels are meant.

    ``deviations`` are those of plausible pictures from the mean, in units of ``sigma``.
    """

    box: Box
    mean: Image
    sigma: Image | None
    deviations: tuple[Image, ...] = ()


def shrunk(image: Image, missing: Mask, factor: int = COARSE) -> tuple[Image, Mask]:
    """Average (C, H, W) over factor², observed pixels alone; odd rims are completed."""
    short = [-s % factor for s in image.shape[1:]]
    pad = [(0, 0), (0, short[0]), (0, short[1])]
    weight = np.pad((~missing).astype(np.float32), pad)
    padded = np.pad(np.where(missing, 0, image), pad)
    c, h, w = padded.shape
    cells = (c, h // factor, factor, w // factor, factor)
    count = weight.reshape(cells).sum((2, 4))
    total = padded.reshape(cells).sum((2, 4))
    return (total / np.maximum(count, 1)).astype(np.float32), count == 0


def has_deep_hole(missing: Mask) -> bool:
    """Tell whether a (C, H, W) mask holds a whole missing square of side DEEP.

    Channels that are lost altogether do not count: no scale shows their rim.
    """
    half = DEEP // 2
    for plane in missing:
        h, w = (s // half for s in plane.shape)
        if h < 2 or w < 2 or plane.all():
            continue
        cells = plane[: h * half, : w * half].reshape(h, half, w, half).all((1, 3))
        squares = cells[1:, 1:] & cells[:-1, 1:] & cells[1:, :-1] & cells[:-1, :-1]
        if squares.any():
            return True
    return False


class _Sum:
    """Weighted sum of what neighbouring tiles say of one tile; where none does it is 0."""

    def __init__(self, box: Box) -> None:
        self.box = box
        self.total: Image | None = None
        self.weight = np.full((box.y1 - box.y0, box.x1 - box.x0), 1e-12, np.float32)

    def add(self, shared: Box, said: Image, over: Box, weight: Image) -> None:
        """Add what was said ``over`` a box, (N, 4, h, w), on the part that is ``shared``."""
        there, here = shared.inside(self.box), shared.inside(over)
        if self.total is None:
            self.total = np.zeros((*said.shape[:2], *self.weight.shape), np.float32)
        self.total[(..., *there)] += said[(..., *here)] * weight[here]
        self.weight[there] += weight[here]

    def mean(self) -> Image:
        """Return (N, 4, h, w)."""
        assert self.total is not None
        return self.total / self.weight


class Frame:
    """One frame to be filled.

    Parameters
    ----------
    read : callable
        From a box to its normalised (4, h, w) float32 pixels; missing ones hold anything.
    missing : numpy.ndarray
        (4, Y, X), boolean.
    filler : Filler
        The model.
    beta : torch.Tensor
        (4, 4) couplings between channels.
    tile : int
        Side of a tile.
    wanted : numpy.ndarray, optional
        (4, Y, X), boolean: the missing pixels that are to be filled; all if left out.
    rehearsed : Rehearsal, optional
        How far to trust the model on this image; fully if left out.
    noise : callable, optional
        From a box to (4, h, w) noise for each plausible picture that is wanted.
    deep : bool, optional
        Whether to start from a coarse fill of the whole frame; where its holes are deep if
        left out.
    """

    def __init__(
        self,
        read: Reader,
        missing: Mask,
        filler: Filler,
        beta: Tensor,
        tile: int,
        wanted: Mask | None = None,
        rehearsed: Rehearsal | None = None,
        noise: Draw | None = None,
        deep: bool | None = None,
    ) -> None:
        self.read, self.missing, self.filler = read, missing, filler
        self.beta, self.tile = beta, tile
        self.noise: Draw = noise or (lambda _: [])
        self.rehearsed = rehearsed or no_rehearsal()
        self.shape = (missing.shape[1], missing.shape[2])
        self.wanted = missing if wanted is None else wanted
        self.tiles = list(tiles_with_holes(self.wanted, tile))
        # Decided for the frame, not for the window, or the tile size would show.
        self.deep = has_deep_hole(missing) if deep is None else deep
        self.states_sigma = False
        self._coarse: tuple[Image, Image | None] | None = None

    def fill(self) -> Iterator[FilledTile]:
        """Yield every tile with missing pixels, finished, in the order of rows."""
        sums: dict[Box, _Sum] = {box: _Sum(box) for box in self.tiles}
        waiting = list(self.tiles)
        for number, tile in enumerate(self.tiles):
            self._add(tile, sums)
            following = self.tiles[number + 1 :]
            while waiting and not any(
                waiting[0].meets(other.grown(OVERLAP, self.shape)) for other in following
            ):
                box = waiting.pop(0)
                mean, sigma, *deviations = sums.pop(box).mean()
                yield FilledTile(box, mean, sigma if self.states_sigma else None, tuple(deviations))

    def _add(self, tile: Box, sums: dict[Box, _Sum]) -> None:
        """Estimate a tile with its overlap and add it, weighted, to all tiles it touches."""
        region = tile.grown(OVERLAP, self.shape)
        hole = hole_box(self.wanted, region)
        assert hole is not None
        said = self._estimate(hole)
        weight = blending_weight(tile, hole)
        for box, total in sums.items():
            shared = box.meets(hole)
            if shared is not None:
                total.add(shared, said, hole, weight)

    def look(self, window: Box) -> tuple[Evidence, Fill]:
        """Return what a window shows and what the model says of it.

        The window starts on the grid that windows are aligned to.
        """
        missing = self.missing[(slice(None), *window.slices)]
        short = [-s % MULTIPLE for s in missing.shape[1:]]
        pad = [(0, 0), (0, short[0]), (0, short[1])]
        image = np.pad(np.where(missing, 0, self.read(window)), pad, mode="symmetric")
        hidden = np.pad(missing, pad, mode="symmetric")
        levels, coarsest, floor = 5, None, None
        if self.deep:
            levels = 2
            coarsest, floor = self._coarse_window(window, image.shape[1:])
        device = self.filler.device
        evidence = gather_evidence(
            torch.from_numpy(image)[None].to(device),
            torch.from_numpy(hidden)[None].to(device),
            self.beta[None].to(device),
            levels=levels,
            coarsest=None if coarsest is None else torch.from_numpy(coarsest)[None].to(device),
        )
        said = self.filler.fill(evidence)
        if said.sigma is not None and floor is not None:
            # Deep inside a hole the window knows less than it thinks: what the coarse
            # pass could not tell, the fine one cannot either.
            wide = torch.from_numpy(floor.repeat(COARSE, 1).repeat(COARSE, 2))[None].to(device)
            height, width = said.sigma.shape[2:]
            said = said._replace(sigma=said.sigma.maximum(wide[:, :, :height, :width]))
        return evidence, said

    @torch.no_grad()
    def _estimate(self, hole: Box) -> Image:
        """Return mean, sigma and deviations over a box, (2 + D, 4, h, w), from a window."""
        window = hole.grown(MARGIN, self.shape).aligned(self.shape)
        evidence, said = self.look(window)
        believed, honest = self.rehearsed.told(evidence, said)
        height, width = evidence.prior.shape[2:]
        padded = Box(window.y0, window.y0 + height, window.x0, window.x0 + width)
        drawn = [
            self.filler.draw(said, torch.from_numpy(noise)[None].to(self.filler.device))
            for noise in self.noise(padded)
        ]
        mean, *deviations = (x[0].float().cpu().numpy() for x in (believed, *drawn))
        part = (slice(None), slice(None), *hole.inside(window))
        if honest is None:
            return np.stack([mean, np.zeros_like(mean)])[part]
        self.states_sigma = True
        sigma = honest[0].float().cpu().numpy()
        return np.stack([mean, sigma, *deviations])[part]

    def _coarse_window(self, window: Box, size: tuple[int, ...]) -> tuple[Image, Image | None]:
        """Return the coarse fill of a window and its sigma, completed to ``size`` / 4."""
        if self._coarse is None:
            self._coarse = self._fill_coarse()
        box = Box(*(v // COARSE if i % 2 == 0 else -(-v // COARSE) for i, v in enumerate(window)))
        wanted = [s // COARSE for s in size]

        def cut(image: Image) -> Image:
            part = image[(slice(None), *box.slices)]
            short = [(0, w - s) for w, s in zip(wanted, part.shape[1:], strict=True)]
            return np.pad(part, [(0, 0), *short], mode="edge")

        mean, sigma = self._coarse
        return cut(mean), None if sigma is None else cut(sigma)

    def _fill_coarse(self) -> tuple[Image, Image | None]:
        """Fill the whole frame at a quarter of its magnification, read strip by strip."""
        strips = []
        rows = COARSE * 256
        for y in range(0, self.shape[0], rows):
            box = Box(y, min(self.shape[0], y + rows), 0, self.shape[1])
            strips.append(shrunk(self.read(box), self.missing[(slice(None), *box.slices)]))
        image = np.concatenate([s[0] for s in strips], axis=1)
        missing = np.concatenate([s[1] for s in strips], axis=1)
        sigma: Image | None = None

        def read(box: Box) -> Image:
            return image[(slice(None), *box.slices)]

        # Believed as it was trained: rehearsing judged what is made of it.
        coarse = Frame(read, missing, self.filler, self.beta, self.tile)
        filled = image.copy()
        for tile in coarse.fill():
            part = (slice(None), *tile.box.slices)
            filled[part] = np.where(missing[part], tile.mean, image[part])
            if tile.sigma is not None:
                sigma = np.zeros_like(image) if sigma is None else sigma
                sigma[part] = np.where(missing[part], tile.sigma, 0)
        return filled, sigma
