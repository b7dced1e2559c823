"""The features of missing pixels, from which a correction is learned.

Fills, what the other channels show there, at several blurs, how deep in the hole the pixel
lies, where kriging leads, and what the generator saw. All of it is local, so that a tile and
the whole agree, and it is gathered at the pixels that are asked for alone.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import torch
import torch.nn.functional as F
from scipy import ndimage
from torch import Tensor

from napari_dualgland.imputation.calibration.kriging import Kriging, rooted
from napari_dualgland.model.blocks import gaussian_blur
from napari_dualgland.model.evidence import Evidence
from napari_dualgland.model.filler import Fill

BLURS = {1.0: 1, 2.0: 1, 4.0: 2, 8.0: 4}
"""Standard deviations in pixels at which other channels are looked at, and by how much the
image is shrunk for it."""

SPREADS = (2.0, 4.0)
"""Standard deviations in pixels of the surroundings whose contrast is looked at."""

OWN_BLURS = (2.0, 8.0)
"""Standard deviations in pixels at which the estimate itself is looked at."""

PATCHES = ((5, 1), (5, 3))
"""Side and step in pixels of the neighbourhoods that are shown pixel by pixel."""

DEEPEST = 32.0
"""Depth in pixels beyond which deeper makes no difference; also what a window can tell."""


def _blurred(x: Tensor, sigma: float) -> Tensor:
    """Return (B, C, H / r, W / r) under a Gaussian of ``sigma`` pixels, shrunk by r = BLURS."""
    by = BLURS[sigma]
    if by == 1:
        return gaussian_blur(x, sigma)
    # Averaging over squares, and reading between their centres, blurs by itself.
    left = sigma**2 - (by**2 - 1) / 12 - by**2 / 6
    return gaussian_blur(F.avg_pool2d(x, by), left**0.5 / by)


def _depth(missing: Tensor) -> Tensor:
    """Return the distance of (B, H, W) missing pixels to observed ones, (B, 1, H, W)."""
    planes = missing.cpu().numpy()
    far = [
        ndimage.distance_transform_edt(p) if not p.all() else np.full(p.shape, DEEPEST)
        for p in planes
    ]
    deep = torch.from_numpy(np.stack(far)).float().clamp_max(DEEPEST)
    return deep[:, None].to(missing.device)


class _Place:
    """Some of the pixels of B windows.

    Parameters
    ----------
    where : torch.Tensor
        (N,), int64: positions in the flattened (B, H, W).
    shape : tuple of int
        (H, W).
    """

    def __init__(self, where: Tensor, shape: tuple[int, int]) -> None:
        self.height, self.width = shape
        self.window = where.div(self.height * self.width, rounding_mode="floor")
        self.pixel = where % (self.height * self.width)
        self.y = self.pixel.div(self.width, rounding_mode="floor")
        self.x = self.pixel % self.width

    def of(self, planes: Tensor) -> Tensor:
        """Return what (B, C, H, W) hold there, (N, C)."""
        return planes.flatten(2).transpose(1, 2)[self.window, self.pixel]

    def between(self, planes: Tensor) -> Tensor:
        """Return what (B, C, h, w) of a shrunk window hold there, bilinear, (N, C)."""
        if planes.shape[2:] == (self.height, self.width):
            return self.of(planes)
        count, _, height, width = planes.shape
        top, bottom, down = self._neighbours(self.y, self.height, height)
        left, right, across = self._neighbours(self.x, self.width, width)
        # Channels last: what is read of one pixel lies together. Selecting rows by one number is
        # tens of times as fast as indexing with three.
        rows = planes.permute(0, 2, 3, 1).reshape(count * height * width, -1)

        def read(y: Tensor, x: Tensor) -> Tensor:
            return rows.index_select(0, (self.window * height + y) * width + x)

        upper = torch.lerp(read(top, left), read(top, right), across)
        lower = torch.lerp(read(bottom, left), read(bottom, right), across)
        return torch.lerp(upper, lower, down)

    @staticmethod
    def _neighbours(at: Tensor, size: int, shrunk: int) -> tuple[Tensor, Tensor, Tensor]:
        place = ((at.float() + 0.5) * (shrunk / size) - 0.5).clamp_min(0)
        before = place.long()
        return before, (before + 1).clamp_max(shrunk - 1), (place - before)[:, None]

    def around(self, plane: Tensor, side: int, step: int) -> Tensor:
        """Return what lies around it in (B, H, W), in squares of side² pixels, (N, side²)."""
        reach = step * (side // 2)
        padded = F.pad(plane[:, None], [reach] * 4, mode="reflect")[:, 0]
        wide = padded.shape[2]
        first = self.window * padded[0].numel() + self.y * wide + self.x
        steps = torch.arange(0, side * step, step, device=first.device)
        offsets = (steps[:, None] * wide + steps).flatten()
        places = first[:, None] + offsets
        return padded.flatten().index_select(0, places.flatten()).view(places.shape)


class Features:
    """The features of some windows.

    Parameters
    ----------
    evidence : Evidence
        (B, 4, H, W) each.
    said : Fill
        What the model makes of it.
    kriging : Kriging
        Of the image.
    """

    def __init__(self, evidence: Evidence, said: Fill, kriging: Kriging) -> None:
        self.evidence, self.said, self.kriging = evidence, said, kriging
        self.shape = (evidence.prior.shape[-2], evidence.prior.shape[-1])
        self._depths: dict[int, Tensor] = {}
        self._kriged: dict[int, Tensor] = {}

    @cached_property
    def surroundings(self) -> list[Tensor]:
        """What all channels show around a pixel, at several blurs, shrunk; (B, 4, h, w) each."""
        prior, detail = self.evidence.prior, self.evidence.detail
        told = bool(detail.any())
        found = []
        for sigma in BLURS:
            near = _blurred(prior, sigma)
            found += [near, _blurred(detail, sigma) if told else torch.zeros_like(near)]
            if sigma in SPREADS:
                spread = _blurred(prior.square(), sigma) - near.square()
                found.append(spread.clamp_min(0).sqrt())
        return found

    @cached_property
    def own_surroundings(self) -> list[Tensor]:
        """The estimate of all channels at several blurs, shrunk; (B, 4, h, w) each."""
        return [_blurred(self.said.mean, sigma) for sigma in OWN_BLURS]

    def depth(self, channel: int) -> Tensor:
        """Return how deep in its holes the pixels of a channel lie, (B, 1, H, W)."""
        missing = self.evidence.missing
        for other, depth in self._depths.items():
            if torch.equal(missing[:, other], missing[:, channel]):
                return depth
        self._depths[channel] = _depth(missing[:, channel])
        return self._depths[channel]

    def kriged(self, channel: int) -> Tensor:
        """Return where kriging leads from the estimate of a channel, (B, N, H, W)."""
        if channel not in self._kriged:
            missing = self.evidence.missing[:, channel]
            seen = torch.where(missing, self.said.mean[:, channel], self.evidence.prior[:, channel])
            root = rooted(seen)
            departures = self.kriging.departures(channel, root, missing)
            # (r + d)² − r²: the departure of intensities, from that of their roots.
            self._kriged[channel] = departures * (2 * root[:, None] + departures)
        return self._kriged[channel]

    def at(self, where: Tensor) -> FeaturesThere:
        """Look at some missing pixels, by their (N,) positions in the flattened (B, H, W)."""
        return FeaturesThere(self, _Place(where, self.shape))


class FeaturesThere:
    """The features of some pixels of some windows, for one channel after another.

    Parameters
    ----------
    windows : Features
        Of the windows.
    place : _Place
        Which pixels.
    """

    def __init__(self, windows: Features, place: _Place) -> None:
        self.windows, self.place = windows, place
        evidence, said = windows.evidence, windows.said
        # What all channels show is gathered once.
        self.prior, self.estimates = place.of(evidence.prior), place.of(said.mean)
        self.every = [self.prior, place.of(evidence.detail), place.of(evidence.missing).float()]
        self.every += [place.between(planes) for planes in windows.surroundings]
        self.blurred = [place.between(planes) for planes in windows.own_surroundings]
        features = said.features
        self.model = [] if features is None else [place.between(features.float())]

    def of(self, channel: int) -> Tensor:
        """Return what can be known of the pixels in a channel, (N, F)."""
        evidence, place = self.windows.evidence, self.place
        others = [c for c in range(4) if c != channel]
        own = slice(channel, channel + 1)
        mean = self.estimates[:, own]
        shown = [self.prior[:, own], self.estimates]
        shown += [place.of(fill[:, own]) for fill in (evidence.guided, evidence.smooth)]
        shown.append(place.of(self.windows.depth(channel)))
        shown.append(place.of(self.windows.kriged(channel)))
        shown += [found[:, others] for found in self.every]
        shown += [found[:, own] for found in self.blurred]
        # With its neighbourhood the correction finds out how this image is best interpolated: how
        # far its structures reach, which way they run, how much of what is observed is noise.
        for side, step in PATCHES:
            # Intensities are told from the estimate on; what was observed, as it is.
            shown.append(place.around(evidence.prior[:, channel], side, step) - mean)
            shown.append(place.around(evidence.missing[:, channel].float(), side, step))
        return torch.cat(shown + self.model, 1)
