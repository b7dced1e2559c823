"""The features of a missing pixel, from which a correction is learned.

Fills, what the other channels show there, at several blurs, how deep in the hole the pixel
lies, and what the generator saw. All of it is local, so that a tile and the whole agree.
"""

from __future__ import annotations

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


def _neighbourhood(evidence: Evidence, said: Fill, channel: int) -> list[Tensor]:
    """Return what lies around every pixel, and which of it was observed, (B, N, H, W) each.

    With it the correction finds out how this image is best interpolated: how far its structures
    reach, which way they run, how much of what is observed is noise.
    """
    own, missing = evidence.prior[:, [channel]], evidence.missing[:, [channel]].float()
    size = (own.shape[-2], own.shape[-1])
    found = []
    for side, step in PATCHES:
        reach = step * (side // 2)
        for plane in (own, missing):
            around = F.unfold(F.pad(plane, [reach] * 4, mode="reflect"), side, dilation=step)
            around = around.unflatten(2, size)
            if plane is own:
                around = around - said.mean[:, [channel]]
            found.append(around)
    return found


def features(evidence: Evidence, said: Fill, channel: int) -> Tensor:
    """Return what can be known of a channel's missing pixels.

    Parameters
    ----------
    evidence : Evidence
        (B, 4, H, W) each.
    said : Fill
        What the model makes of it.
    channel : int
        Whose missing pixels are to be explained.

    Returns
    -------
    torch.Tensor
        (B, F, H, W).
    """
    others = [c for c in range(4) if c != channel]
    own = [channel]
    prior, detail = evidence.prior[:, others], evidence.detail[:, others]
    shown = [
        evidence.prior[:, own],
        evidence.guided[:, own],
        evidence.smooth[:, own],
        said.mean,
        prior,
        detail,
        _depth(evidence.missing[:, channel]),
        evidence.missing[:, others].float(),
    ]
    for sigma in BLURS:
        near = _blurred(prior, sigma)
        shown += [near, _blurred(detail, sigma)]
        if sigma in (2.0, 4.0):
            spread = _blurred(prior.square(), sigma) - near.square()
            shown.append(spread.clamp_min(0).sqrt())
    shown += [_blurred(said.mean[:, own], sigma) for sigma in (2.0, 8.0)]
    shown += _neighbourhood(evidence, said, channel)
    if said.features is not None:
        size = [evidence.prior.shape[-2], evidence.prior.shape[-1]]
        shown.append(F.interpolate(said.features.float(), size, mode="bilinear"))
    return torch.cat(shown, 1)
