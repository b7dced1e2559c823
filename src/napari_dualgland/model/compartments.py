"""Soft compartments of the cell, estimated from the landmarks.

Nucleus from DAPI, cell from microtubules and ER; nuclear rim and cell edge are the places
where they end. The protein is never looked at: where it is, is what one wants to know.
Thresholds come from the image itself, so exposure does not matter, and all widths are in
micrometres.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from napari_dualgland.classes import COMPARTMENTS as COMPARTMENTS
from napari_dualgland.model.blocks import gaussian_blur

MICROTUBULES, PROTEIN, NUCLEUS, ER = range(4)

PIXEL_UM = 0.16
"""Micrometres per pixel where nothing else is said."""

SMOOTHING_UM = 0.5
"""Standard deviation of the blur under which a landmark tells inside from outside: wider
than a gap between microtubules, narrower than a nucleus."""

RIM_UM = 0.55
"""Half width of nuclear rim and cell edge."""

STANDING = 0.25
"""Share of its spread that a landmark must keep under the blur to show anything at all."""

SOFTNESS = 0.35
"""Width of the step from outside to inside, relative to the threshold."""


def _holds_more_than_noise(raw: Tensor, blurred: Tensor) -> Tensor:
    """Return per image whether (B, 1, H, W) holds anything that a blur leaves standing.

    White noise keeps 1 / (2σ√π) of its spread, less than a tenth of it; cells keep half
    and more.
    """
    before, after = (x.flatten(1).std(1, correction=0) for x in (raw, blurred))
    return ((after > STANDING * before) & (before > 1e-6))[:, None, None, None]


def _threshold(x: Tensor) -> Tensor:
    """Return Otsu's threshold per image of (B, N) values between 0 and 1, (B, 1).

    The threshold that parts the histogram into the two classes with most variance between
    them (Otsu 1979), over 128 bins.
    """
    bins = 128
    index = (x * (bins - 1)).round().long().clamp(0, bins - 1)
    counts = x.new_zeros(x.shape[0], bins).scatter_add_(1, index, torch.ones_like(x))
    counts = counts / counts.sum(1, keepdim=True)
    levels = torch.linspace(0, 1, bins, device=x.device, dtype=x.dtype)
    below = counts.cumsum(1)
    moment = (counts * levels).cumsum(1)
    mean = moment[:, -1:]
    between = (mean * below - moment).square() / (below * (1 - below)).clamp_min(1e-9)
    # Between two far classes the variance is level; the middle of that plateau is fairest.
    best = between >= between.amax(1, keepdim=True) * 0.9999
    return (best * levels).sum(1, keepdim=True) / best.sum(1, keepdim=True)


def _stretched(x: Tensor) -> Tensor:
    """Return (B, 1, H, W) scaled per image to 0 … 1 between its dark and its bright parts."""
    flat = x.flatten(1)
    # Every 16th pixel tells the percentiles of a field as well as all of them.
    some = flat[:, :: max(1, flat.shape[1] // 65536)]
    low, high = (torch.quantile(some, q, dim=1)[:, None, None, None] for q in (0.01, 0.99))
    # One cell in the corner of an empty field is less than one in a hundred of its pixels.
    high = torch.maximum(high, low + (x.amax((2, 3), keepdim=True) - low) / 3)
    return ((x - low) / (high - low).clamp_min(1e-6)).clamp(0, 1)


def _inside(x: Tensor, fraction: float) -> Tensor:
    """Return how surely (B, 1, H, W) stretched values are above a share of Otsu's threshold."""
    flat = x.flatten(1)
    some = flat[:, :: max(1, flat.shape[1] // 65536)]
    level = (fraction * _threshold(some)).clamp_min(0.02)[:, :, None, None]
    return torch.sigmoid((x - level) / (SOFTNESS * level) * 2)


def _rim(inside: Tensor, width: float) -> Tensor:
    """Return how near (B, 1, H, W) pixels are to where ``inside`` ends: 0 … 1."""
    soft = gaussian_blur(inside, width)
    return (4 * soft * (1 - soft)).clamp(0, 1)


@torch.no_grad()
def soft_compartments(x: Tensor, pixel_um: float | None = None) -> Tensor:
    """Estimate the soft compartments of a stack.

    Parameters
    ----------
    x : torch.Tensor
        (B, 4, H, W): microtubules, protein, nucleus, er, in any units. A landmark that is
        all NaN or all one value counts as absent; the others stand in for it.
    pixel_um : float, optional
        Micrometres per pixel; 0.16 where left out.

    Returns
    -------
    torch.Tensor
        (B, 5, H, W), float32, in the order of :data:`COMPARTMENTS`; sums to 1.

    Notes
    -----
    With N the chance of being in a nucleus and C that of being in a cell (at least N):
    rim r = 4·N̄(1−N̄) under a blur of :data:`RIM_UM`, edge e likewise of C outside the rim;
    nucleus N(1−r), nuclear rim r·C, cytoplasm (C−N)₊(1−r)(1−e), cell edge e(1−r)(1−N),
    background the rest; scaled to sum to 1.
    """
    scale = 1 / (PIXEL_UM if pixel_um is None else pixel_um)
    x = torch.nan_to_num(x.float())
    smooth, here = {}, {}
    for c in (MICROTUBULES, NUCLEUS, ER):
        raw = x[:, c : c + 1]
        blurred = gaussian_blur(raw, SMOOTHING_UM * scale)
        smooth[c], here[c] = _stretched(blurred), _holds_more_than_noise(raw, blurred)
    body = torch.maximum(smooth[MICROTUBULES] * here[MICROTUBULES], smooth[ER] * here[ER])
    has_nucleus, has_body = here[NUCLEUS], here[MICROTUBULES] | here[ER]
    nucleus = _inside(smooth[NUCLEUS], 1.0) * has_nucleus
    # Cells are dim towards their edge: half of what parts dim from bright still is cell.
    cell = torch.where(has_body, _inside(body, 0.5), nucleus)
    cell = torch.maximum(cell, nucleus) * (has_body | has_nucleus)
    rim = _rim(nucleus, RIM_UM * scale) * cell
    edge = _rim(cell, RIM_UM * scale) * (1 - nucleus)
    parts = torch.cat(
        [
            nucleus * (1 - rim),
            rim,
            (cell - nucleus).clamp_min(0) * (1 - rim) * (1 - edge),
            edge * (1 - rim),
            (1 - cell) * (1 - rim) * (1 - edge),
        ],
        dim=1,
    )
    return parts / parts.sum(1, keepdim=True).clamp_min(1e-6)


def boundary_map(compartments: Tensor) -> Tensor:
    """Return the chance that a pixel and its neighbours lie in different compartments.

    Parameters
    ----------
    compartments : torch.Tensor
        (B, K, H, W), from :func:`soft_compartments`.

    Returns
    -------
    torch.Tensor
        (B, 1, H, W), 0 … 1: 1 − Σ_k A_k(p) A_k(q), averaged over the four pixels q that
        share a side with p; at the image's border the pixel itself stands in.
    """
    padded = F.pad(compartments, (1, 1, 1, 1), mode="replicate")
    height, width = compartments.shape[2:]
    total = torch.zeros_like(compartments[:, :1])
    for y, x in ((0, 1), (2, 1), (1, 0), (1, 2)):
        other = padded[:, :, y : y + height, x : x + width]
        total = total + 1 - (compartments * other).sum(1, keepdim=True)
    return total / 4


def set_points(
    x: Tensor, compartments: Tensor, counted: Tensor | None = None, epsilon: float = 0.1
) -> Tensor:
    """Return how bright every channel is in every compartment, relative to the cell.

    Parameters
    ----------
    x : torch.Tensor
        (B, C, H, W), offset removed: 0 is dark.
    compartments : torch.Tensor
        (B, K, H, W), from :func:`soft_compartments`.
    counted : torch.Tensor, optional
        (B, C, H, W): pixels that count; all where left out.
    epsilon : float
        Added to means, relative to the channel's mean over the cell, so that an empty
        channel has a set point and exposure changes none.

    Returns
    -------
    torch.Tensor
        (B, C, K): h = log[(mean over A_k + ε m) / (mean over the cell (1 + ε))], with m the
        mean over the cell.
    """
    x = x.float().clamp_min(0)
    part = torch.ones_like(x) if counted is None else counted.float()
    areas = torch.einsum("bkhw,bchw->bck", compartments, part)
    sums = torch.einsum("bkhw,bchw->bck", compartments, part * x)
    inside = (1 - compartments[:, -1:]) * part
    mean = ((inside * x).sum((2, 3)) / inside.sum((2, 3)).clamp_min(1e-3))[..., None]
    floor = epsilon * mean + 1e-6
    return torch.log((sums / areas.clamp_min(1e-3) + floor) / (mean + floor))
