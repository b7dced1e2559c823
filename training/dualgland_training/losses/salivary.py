"""The salivary-gland loss: graded, multi-scale imputation without a step at the rim.

Our formulation, after the abstract of Salem Marie et al. (2025), which gives the idea and no
equations: acini at the rim of a hole secrete what belongs there, the near ones much, the far
ones little, each with a range that grows with its scale. Everything is a mean per image,
then over images, so that no image hangs on the others of its batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, overload

import numpy as np
import torch
import torch.nn.functional as F
from scipy import ndimage
from torch import Tensor

from dualgland_training.losses.means import magnitude
from dualgland_training.losses.shapes import check_alike
from napari_dualgland.typing import Float32Array

SCALES = (1, 2, 4, 8)
PROTEIN = 1


def distance_to_observed(missing: Tensor) -> Tensor:
    """Return the distance of missing pixels to the nearest observed one of their channel.

    Parameters
    ----------
    missing : torch.Tensor
        (B, C, H, W), boolean.

    Returns
    -------
    torch.Tensor
        (B, C, H, W), float32, in pixels; 0 where observed, and H + W throughout a channel
        of which nothing is observed.

    Raises
    ------
    ValueError
        If ``missing`` is not (B, C, H, W).
    """
    check_alike("B C H W", missing=missing)
    planes = missing.detach().cpu().numpy()
    out = np.zeros(planes.shape, np.float32)
    known: dict[bytes, Float32Array] = {}
    for place in np.argwhere(planes.any((2, 3))):
        plane = planes[tuple(place)]
        # Channels that were lost together share their hole.
        key = np.packbits(plane).tobytes()
        if key not in known:
            far = sum(plane.shape)
            known[key] = (
                np.full(plane.shape, far, np.float32)
                if plane.all()
                else ndimage.distance_transform_edt(plane).astype(np.float32)
            )
        out[tuple(place)] = known[key]
    return torch.from_numpy(out).to(missing.device)


def _slopes(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return the differences of neighbours down and to the right."""
    return x[:, :, 1:] - x[:, :, :-1], x[..., 1:] - x[..., :-1]


@overload
def salivary_loss(
    prediction: Tensor,
    target: Tensor,
    missing: Tensor,
    *,
    scales: Sequence[int] = ...,
    rho: float = ...,
    reach: float = ...,
    jump: float = ...,
    protein_weight: float = ...,
    distance: Tensor | None = ...,
    terms: Literal[False] = ...,
) -> Tensor: ...


@overload
def salivary_loss(
    prediction: Tensor,
    target: Tensor,
    missing: Tensor,
    *,
    scales: Sequence[int] = ...,
    rho: float = ...,
    reach: float = ...,
    jump: float = ...,
    protein_weight: float = ...,
    distance: Tensor | None = ...,
    terms: Literal[True],
) -> tuple[Tensor, dict[str, Tensor]]: ...


def salivary_loss(
    prediction: Tensor,
    target: Tensor,
    missing: Tensor,
    *,
    scales: Sequence[int] = SCALES,
    rho: float = 0.2,
    reach: float = 12.0,
    jump: float = 0.5,
    protein_weight: float = 2.0,
    distance: Tensor | None = None,
    terms: bool = False,
) -> Tensor | tuple[Tensor, dict[str, Tensor]]:
    r"""Return the salivary-gland loss L_SG.

    With the composite x̂ = M·ŷ + (1−M)·x, s × s average pooling P_s, M_s = P_s M, the mean
    depth d_s = P_s(d·M) / M_s of the missing pixels and φ(u) = √(u² + 10⁻⁶):

    - ω_s = M_s · [ρ + (1−ρ)·exp(−d_s / (λ₀ s))]
    - R_s = Σ κ_c ω_s φ(P_s x̂ − P_s x) / Σ ω_s
    - J_s = Σ_e |ΔM_s|_e φ(∇_e P_s x̂ − ∇_e P_s x) / Σ_e |ΔM_s|_e
    - L_SG = mean over s of (R_s + jump · J_s)

    Parameters
    ----------
    prediction, target : torch.Tensor
        (B, 4, H, W), normalised; channels in the order of ROLES.
    missing : torch.Tensor
        (B, 4, H, W), boolean. Outside of it ``prediction`` is not looked at.
    scales : sequence of int
        Sides of the pooled squares, pixels.
    rho : float
        The least that a pixel counts, however deep; without it a hole's middle is not
        taught at all.
    reach : float
        λ₀: depth in pixels, times the scale, over which a pixel's weight falls.
    jump : float
        Weight of J_s; 0 leaves it out.
    protein_weight : float
        κ of the protein; the landmarks have 1.
    distance : torch.Tensor, optional
        (B, 4, H, W) from :func:`distance_to_observed`, where it is at hand.
    terms : bool
        Return the named terms too.

    Returns
    -------
    torch.Tensor
        Scalar, the mean over images; an image that lost nothing counts 0.
    dict of str to torch.Tensor
        With ``terms``: ``R1``, ``J1``, ``R2`` and so on.

    Raises
    ------
    ValueError
        If the shapes are others.

    Notes
    -----
    Sums run over the channels that lost pixels, and not over all as in a division by C:
    a hole in one channel teaches as much as one in four.
    """
    check_alike("B 4 H W", prediction=prediction, target=target, missing=missing)
    if distance is not None:
        check_alike("B 4 H W", missing=missing, distance=distance)
    hole = missing.float()
    error = torch.where(missing, prediction.float() - target.float(), 0.0)
    depth = distance_to_observed(missing) if distance is None else distance.float()
    kappa = error.new_ones(error.shape[1])
    kappa[PROTEIN] = protein_weight
    kappa = kappa[:, None, None]
    named: dict[str, Tensor] = {}
    total = error.new_zeros(())
    for scale in scales:
        pooled, share, deep = (F.avg_pool2d(t, scale) for t in (error, hole, depth * hole))
        graded = torch.exp(-deep / share.clamp_min(1e-6) / (reach * scale))
        weight = share * (rho + (1 - rho) * graded)
        named[f"R{scale}"] = _ratio([kappa * weight * magnitude(pooled)], [weight])
        total = total + named[f"R{scale}"]
        if jump:
            rims = [slope.abs() for slope in _slopes(share)]
            steps = [
                rim * magnitude(slope) for rim, slope in zip(rims, _slopes(pooled), strict=True)
            ]
            named[f"J{scale}"] = _ratio(steps, rims)
            total = total + jump * named[f"J{scale}"]
    total = total / len(scales)
    return (total, named) if terms else total


def _ratio(values: list[Tensor], weights: list[Tensor]) -> Tensor:
    """Return Σ values / Σ weights per image, averaged over images; 0 where no weight is."""
    above, below = (sum(t.flatten(1).sum(1) for t in part) for part in (values, weights))
    assert isinstance(above, Tensor)
    assert isinstance(below, Tensor)
    return (above / below.clamp_min(1e-6)).mean()
