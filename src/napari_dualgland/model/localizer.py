"""The localizer: which classes a protein is in, for a cell and for each of its pixels.

One U-Net looks at a cell in four channels, its mask and the compartments that the landmarks
show. Its decoder ends in the dense head, its pooled features (and a handful of measurements
that need no learning: how the protein is shared out over the compartments, how it goes with
each landmark, how grainy it is) in the head that names classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from napari_dualgland.frozen import FrozenModel
from napari_dualgland.model.architecture import Depth, Width
from napari_dualgland.model.blocks import PixelNorm, ResidualBlock
from napari_dualgland.model.compartments import PROTEIN, set_points, soft_compartments

PIXEL_UM = 0.24
"""Micrometres per pixel at which the localizer looks at cells: a centrosome is two pixels wide,
a large cell fits into 256."""

STRIDE = 2
"""Pixels of the view per pixel of the dense head."""

MULTIPLE = 16
"""Sides of a view are multiples of this many pixels."""

OUTPUTS = 19
"""Classes of the cell head, :data:`napari_dualgland.classes.CLASSES`."""

PLACES = OUTPUTS - 1
"""Classes of the dense head: all but Negative, which has no pixels."""

MEASUREMENTS = 39
"""Measurements that :func:`measure_cell` takes."""


class Reading(NamedTuple):
    """What the network says of B cells.

    Attributes
    ----------
    cell : torch.Tensor
        (B, 19) logits.
    dense : torch.Tensor
        (B, 18, H / 2, W / 2) logits; Negative has no pixels.
    embedding : torch.Tensor
        (B, D): what the cell head decides by.
    """

    cell: Tensor
    dense: Tensor
    embedding: Tensor


def _mean(values: Tensor, weight: Tensor) -> Tensor:
    """Return the weighted mean of (B, C, H, W) over (B, K, H, W), as (B, C, K)."""
    sums = torch.einsum("bchw,bkhw->bck", values, weight)
    return sums / weight.sum((2, 3)).clamp_min(1e-3)[:, None]


def _smoothed(x: Tensor, size: int) -> Tensor:
    """Average (B, C, H, W) over squares, of which what lies beyond the edges does not count."""
    for side in ((size, 1), (1, size)):
        middle = (side[0] // 2, side[1] // 2)
        x = F.avg_pool2d(x, side, stride=1, padding=middle, count_include_pad=False)
    return x


def measure_cell(x: Tensor, compartments: Tensor, present: Tensor) -> Tensor:
    """Measure what is known to tell locations apart, without learning.

    Parameters
    ----------
    x : torch.Tensor
        (B, 4, H, W), 0 dark, 0 outside the cell.
    compartments : torch.Tensor
        (B, 5, H, W), background outside the cell.
    present : torch.Tensor
        (B, 4), 1 where there is such a channel.

    Returns
    -------
    torch.Tensor
        (B, :data:`MEASUREMENTS`): set points of all channels in four compartments (16); correlation
        of the protein with each landmark in the cell, nucleus and cytoplasm (9); graininess of
        the protein at three scales in nucleus, rim, cytoplasm and edge, relative to its mean in
        the cell (12); its mean and the spread of its square root in the cell (2).
    """
    points = (set_points(x, compartments) * present[..., None])[..., :4].flatten(1)
    inside = 1 - compartments[:, -1:]
    where = torch.cat([inside, compartments[:, :1], compartments[:, 2:3]], 1)
    rooted = x.clamp_min(0).sqrt()
    mean = _mean(rooted, where)
    square = _mean(rooted.square(), where)
    spread = (square - mean.square()).clamp_min(1e-5).sqrt()
    product = _mean(rooted * rooted[:, PROTEIN : PROTEIN + 1], where)
    protein = slice(PROTEIN, PROTEIN + 1)
    alike = (product - mean * mean[:, protein]) / (spread * spread[:, protein])
    landmarks = [c for c in range(4) if c != PROTEIN]
    alike = (alike * present[..., None])[:, landmarks].flatten(1).clamp(-1, 1)
    light = x[:, protein].clamp_min(0)
    level = _mean(light, inside)[..., 0].clamp_min(1e-3)
    grains = []
    for size in (3, 7, 15):
        smooth = _smoothed(light, size)
        grains.append(_mean((light - smooth).square(), compartments[:, :4])[:, 0].sqrt() / level)
        light = smooth
    grain = torch.log(0.1 + torch.cat(grains, 1))
    return torch.cat([points, alike, grain, level, spread[:, PROTEIN, :1]], 1)


class Localizer(nn.Module):
    """Classes of a protein per cell and per pixel.

    Parameters
    ----------
    widths : tuple of int
        Channels at strides 2, 4, 8 and 16.
    depths : tuple of int
        Residual blocks there.
    """

    usual: Tensor
    spread: Tensor

    def __init__(
        self,
        widths: tuple[int, ...] = (32, 64, 128, 192),
        depths: tuple[int, ...] = (1, 2, 2, 2),
    ) -> None:
        super().__init__()
        self.widths, self.depths = tuple(widths), tuple(depths)
        # Image, cell mask, four compartments; which channels there are is said per pixel too.
        self.stem = nn.Conv2d((4 + 1 + 4 + 4) * STRIDE**2, widths[0], 3, padding=1)
        self.down = nn.ModuleList(
            nn.Sequential(*(ResidualBlock(w) for _ in range(d)))
            for w, d in zip(widths, depths, strict=True)
        )
        pairs = list(pairwise(widths))
        self.shrink = nn.ModuleList(nn.Conv2d(a, b, 2, stride=2) for a, b in pairs)
        self.lift = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in pairs)
        self.up = nn.ModuleList(ResidualBlock(a) for a, _ in pairs)
        self.norms = nn.ModuleList(PixelNorm(w) for w in widths)
        self.dense = nn.Conv2d(widths[0], PLACES, 1)
        pooled = 2 * sum(widths[1:]) + 2 * PLACES + MEASUREMENTS
        # What is usual of a measurement, and how far it varies: the head sees departures.
        self.register_buffer("usual", torch.zeros(pooled))
        self.register_buffer("spread", torch.ones(pooled))
        self.first = nn.Linear(pooled, 192)
        self.drop = nn.Dropout(0.2)
        self.second = nn.Linear(192, OUTPUTS)
        self.direct = nn.Linear(pooled, OUTPUTS)
        nn.init.zeros_(self.direct.weight)
        nn.init.zeros_(self.direct.bias)

    def forward(self, x: Tensor, inside: Tensor, present: Tensor) -> Reading:
        """Read cells.

        Parameters
        ----------
        x : torch.Tensor
            (B, 4, H, W) at :data:`PIXEL_UM`, sides multiples of 16, normalised per cell as
            :mod:`napari_dualgland.localization.crops` does: 0 dark, about 1 bright.
        inside : torch.Tensor
            (B, 1, H, W): 1 in the cell, 0 outside.
        present : torch.Tensor
            (B, 4): 1 where the stack has such a channel.

        Returns
        -------
        Reading
            Not calibrated.
        """
        pooled, dense = self.look(x, inside, present)
        cell, embedding = self.name(pooled)
        return Reading(cell, dense, embedding)

    def name(self, pooled: Tensor) -> tuple[Tensor, Tensor]:
        """Return (B, 19) logits and (B, D) embedding from what :meth:`look` pooled."""
        with torch.autocast(pooled.device.type, enabled=False):
            seen = (pooled.float() - self.usual) / self.spread
            embedding = F.silu(self.first(seen))
            cell: Tensor = self.second(self.drop(embedding)) + self.direct(seen)
        return cell, embedding

    def look(self, x: Tensor, inside: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        """Return what is pooled over each cell, and the dense logits.

        Parameters
        ----------
        x, inside, present : torch.Tensor
            As of :meth:`forward`.

        Returns
        -------
        pooled : torch.Tensor
            (B, P).
        dense : torch.Tensor
            (B, 18, H / 2, W / 2).
        """
        known = present[:, :, None, None]
        x = x * inside * known
        parts = soft_compartments(x, PIXEL_UM) * inside
        parts = torch.cat([parts[:, :-1], 1 - parts[:, :-1].sum(1, keepdim=True)], 1)
        seen = torch.cat(
            [torch.asinh(4 * x), inside, parts[:, :-1], known.expand(x.shape) * inside], 1
        )
        seen = F.pixel_unshuffle(seen, STRIDE).contiguous(memory_format=torch.channels_last)
        y = self.stem(seen)
        levels, mask = [], F.avg_pool2d(inside, STRIDE)
        pooled = []
        for i, (blocks, norm) in enumerate(zip(self.down, self.norms, strict=True)):
            if i:
                y = self.shrink[i - 1](y)
                mask = F.avg_pool2d(mask, 2)
            y = blocks(y)
            levels.append(y)
            if i:
                pooled += self._pool(norm(y).float(), mask)
        for i in reversed(range(len(self.up))):
            y = levels[i] + F.interpolate(self.lift[i](y), scale_factor=2)
            y = self.up[i](y)
        dense = self.dense(self.norms[0](y)).float()
        pooled += self._pool(torch.sigmoid(dense), F.avg_pool2d(inside, STRIDE))
        with torch.autocast(x.device.type, enabled=False):
            pooled.append(measure_cell(x.float(), parts.float(), present.float()))
        return torch.cat([part.float() for part in pooled], 1), dense

    @staticmethod
    def _pool(maps: Tensor, mask: Tensor) -> list[Tensor]:
        """Return the mean of maps over the cell, and the mean of their brightest twentieth."""
        mean = (maps * mask).sum((2, 3)) / mask.sum((2, 3)).clamp_min(1e-3)
        flat = (maps * mask).flatten(2)
        most = flat.topk(max(1, flat.shape[2] // 50), dim=2).values.mean(2)
        return [mean, most]


class LocalizerArchitecture(FrozenModel):
    """What a card may say of a localizer; the fields are those of :class:`Localizer`."""

    kind: Literal["localizer"] = "localizer"
    widths: tuple[Width, Width, Width, Width]
    depths: tuple[Depth, Depth, Depth, Depth]


def build_localizer(architecture: Mapping[str, Any]) -> Localizer:
    """Return the untrained localizer that a model card states.

    Raises
    ------
    pydantic.ValidationError
        If the card lacks widths or depths, or states what no localizer has.
    """
    stated = LocalizerArchitecture.model_validate(dict(architecture))
    return Localizer(stated.widths, stated.depths)
