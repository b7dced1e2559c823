"""The features of a missing pixel, from which a correction is learned.

Fills, what the other channels show there, at several blurs, how deep in the hole the pixel
lies, and what the generator saw. All of it is local, so that a tile and the whole agree.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np
import torch
import torch.nn.functional as F
from scipy import ndimage
from torch import Tensor

from napari_dualgland.model.evidence import Evidence
from napari_dualgland.model.filler import Fill

BLURS = (1.0, 2.0, 4.0, 8.0)
"""Standard deviations in pixels at which other channels are looked at."""

DEEPEST = 32.0
"""Depth in pixels beyond which deeper makes no difference; also what a window can tell."""


def _blurred(x: Tensor, sigma: float) -> Tensor:
    """Return (B, C, H, W) under a Gaussian of ``sigma`` pixels, mirrored at the edges."""
    reach = min(int(3 * sigma), min(x.shape[2:]) - 1)
    offsets = torch.arange(-reach, reach + 1, device=x.device, dtype=x.dtype)
    kernel = torch.exp(-0.5 * (offsets / sigma).square())
    kernel = (kernel / kernel.sum()).expand(x.shape[1], 1, -1)
    rows = F.pad(x, (reach, reach, 0, 0), mode="reflect")
    x = F.conv2d(rows, kernel.unsqueeze(2), groups=x.shape[1])
    columns = F.pad(x, (0, 0, reach, reach), mode="reflect")
    return F.conv2d(columns, kernel.unsqueeze(3), groups=x.shape[1])


def _depth(missing: Tensor) -> Tensor:
    """Return the distance of (B, H, W) missing pixels to observed ones, (B, 1, H, W)."""
    planes = missing.cpu().numpy()
    far = [
        ndimage.distance_transform_edt(p) if not p.all() else np.full(p.shape, DEEPEST)
        for p in planes
    ]
    deep = torch.from_numpy(np.stack(far)).float().clamp_max(DEEPEST)
    return deep[:, None].to(missing.device)


PATCHES = ((5, 1), (5, 3))
"""Side and step in pixels of the neighbourhoods that are shown pixel by pixel."""


class Features:
    """The features of one window.

    Parameters
    ----------
    evidence : Evidence
        (1, 4, H, W) each.
    said : Fill
        What the model makes of it.
    """

    def __init__(self, evidence: Evidence, said: Fill) -> None:
        self.evidence, self.said = evidence, said

    @cached_property
    def _surroundings(self) -> list[Tensor]:
        """What all channels show around a pixel, at several blurs; (1, 4, H, W) each."""
        prior, detail = self.evidence.prior, self.evidence.detail
        found = []
        for sigma in BLURS:
            near = _blurred(prior, sigma)
            found += [near, _blurred(detail, sigma)]
            if sigma in (2.0, 4.0):
                spread = _blurred(prior.square(), sigma) - near.square()
                found.append(spread.clamp_min(0).sqrt())
        return found

    @cached_property
    def _of_the_model(self) -> list[Tensor]:
        """What the model saw, (1, F, H, W); nothing where it has no features."""
        if self.said.features is None:
            return []
        size = [self.evidence.prior.shape[-2], self.evidence.prior.shape[-1]]
        return [F.interpolate(self.said.features.float(), size, mode="bilinear")]

    def _neighbourhood(self, channel: int) -> Iterator[Tensor]:
        """Yield what lies around every pixel, and which of it was observed, (1, N, H, W) each.

        With it the correction finds out how this image is best interpolated: how far its
        structures reach, which way they run, how much of what is observed is noise.
        """
        evidence, own = self.evidence, [channel]
        size = (evidence.prior.shape[-2], evidence.prior.shape[-1])
        for side, step in PATCHES:
            reach = [step * (side // 2)] * 4
            for plane in (evidence.prior[:, own], evidence.missing[:, own].float()):
                around = F.unfold(F.pad(plane, reach, mode="reflect"), side, dilation=step)
                yield around.unflatten(2, size)

    def of(self, channel: int, where: Tensor) -> Tensor:
        """Return what can be known of some missing pixels of a channel.

        Parameters
        ----------
        channel : int
            Whose pixels are to be explained.
        where : torch.Tensor
            (N,), int64: positions in the flattened window.

        Returns
        -------
        torch.Tensor
            (N, F).
        """
        evidence, said = self.evidence, self.said
        others = [c for c in range(4) if c != channel]
        own = [channel]

        def picked(planes: Tensor) -> Tensor:
            return planes[0].flatten(1)[:, where]

        mean = picked(said.mean[:, own])
        shown = [
            picked(evidence.prior[:, own]),
            picked(evidence.guided[:, own]),
            picked(evidence.smooth[:, own]),
            picked(said.mean),
            picked(evidence.prior[:, others]),
            picked(evidence.detail[:, others]),
            picked(_depth(evidence.missing[:, channel])),
            picked(evidence.missing[:, others].float()),
        ]
        shown += [picked(planes[:, others]) for planes in self._surroundings]
        shown += [picked(_blurred(said.mean[:, own], sigma)) for sigma in (2.0, 8.0)]
        for number, planes in enumerate(self._neighbourhood(channel)):
            # Intensities are told from the estimate on; what was observed, as it is.
            shown.append(picked(planes) - mean if number % 2 == 0 else picked(planes))
        shown += [picked(planes) for planes in self._of_the_model]
        return torch.cat(shown).T.contiguous()
