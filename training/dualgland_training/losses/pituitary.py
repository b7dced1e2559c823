"""The pituitary-gland loss: homeostasis of the compartments, without smoothing.

Our formulation, after the abstract of Salem Marie et al. (2025), which gives the idea and no
equations. Pairs of pixels must differ as they do in the truth, most of all where a compartment
ends; blur is punished because it changes differences. And every compartment keeps its set
point: how bright a channel is in it, relative to the cell. The gland that is furthest from
its set point is driven hardest. Everything is a mean per image, then over images.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple, overload

import torch
from torch import Tensor

from dualgland_training.losses.means import magnitude
from dualgland_training.losses.shapes import check_alike, check_over
from napari_dualgland.model.compartments import set_points as measured_set_points

OFFSETS = ((0, 1), (1, 0), (1, 1), (1, -1), (0, 4), (4, 0), (0, 8), (8, 0))
"""Neighbours q − p in pixels that make the pairs; each pair is met once."""

TOLERANCE = 0.25
"""Spread τ of a set point that is taken from the truth itself, natural logarithm."""

PRESENT = 25.0
"""Pixels that a compartment must have in an image for its set point to mean anything."""

LIT = 0.03
"""Normalised mean over the cell below which a channel is too dark for a set point: the slope
of a logarithm of next to nothing was up to a hundred times that of all other terms."""


class SetPoints(NamedTuple):
    """What a compartment should hold.

    Attributes
    ----------
    theta, tau : torch.Tensor
        (C, K) or (B, C, K): mean and spread of the logarithm that
        :func:`napari_dualgland.model.compartments.set_points` measures.
    """

    theta: Tensor
    tau: Tensor


def _pair(x: Tensor, offset: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Return the two views of (B, C, H, W) whose pixels are ``offset`` apart."""
    dy, dx = offset
    height, width = x.shape[2:]
    first = x[:, :, : height - dy, max(0, -dx) : width - max(0, dx)]
    second = x[:, :, dy:, max(0, dx) : width - max(0, -dx)]
    return first, second


def pair_loss(
    error: Tensor, missing: Tensor, compartments: Tensor, eta: float = 3.0, sigma: float = 4.0
) -> Tensor:
    """Return L_pair of a composite that is off by ``error``.

    Parameters
    ----------
    error : torch.Tensor
        (B, C, H, W), normalised intensity, 0 outside the hole.
    missing : torch.Tensor
        (B, C, H, W), boolean.
    compartments : torch.Tensor
        (B, K, H, W), adding up to 1 over K.
    eta : float
        How much more a pair counts across a boundary.
    sigma : float
        Reach in pixels of the pairs' weights.

    Returns
    -------
    torch.Tensor
        Scalar, the mean over images; the formula stands at :func:`pituitary_loss`.

    Raises
    ------
    ValueError
        If the shapes are others.
    """
    check_alike("B C H W", error=error, missing=missing)
    check_over(error, "compartments", compartments)
    hole = missing.float()
    above = below = error.new_zeros(error.shape[0])
    for offset in OFFSETS:
        if offset[0] >= error.shape[2] or abs(offset[1]) >= error.shape[3]:
            continue
        near = math.exp(-(offset[0] ** 2 + offset[1] ** 2) / (2 * sigma**2))
        ours, theirs = _pair(error, offset)
        either = torch.maximum(*_pair(hole, offset))
        alike = torch.stack(_pair(compartments, offset)).prod(0).sum(1, keepdim=True)
        weight = near * (1 + eta * (1 - alike)) * either
        above = above + (weight * magnitude(ours - theirs)).flatten(1).sum(1)
        below = below + weight.flatten(1).sum(1)
    return (above / below.clamp_min(1e-6)).mean()


def violations(
    prediction: Tensor,
    target: Tensor,
    missing: Tensor,
    compartments: Tensor,
    wanted: SetPoints | None = None,
) -> Tensor:
    """Return how far each set point is out of its bounds: max(0, |h(x̂) − θ| / τ − 1).

    Parameters
    ----------
    prediction, target : torch.Tensor
        (B, C, H, W), normalised: the composite and the intact image.
    missing : torch.Tensor
        (B, C, H, W), boolean.
    compartments : torch.Tensor
        (B, K, H, W), the background last.
    wanted : SetPoints, optional
        θ and τ; the target's own, within :data:`TOLERANCE`, where left out.

    Returns
    -------
    torch.Tensor
        (B, C, K), in spreads; 0 in a channel that lost nothing or is too dark, and in a
        compartment that the image does not have.

    Raises
    ------
    ValueError
        If the shapes are others.
    """
    check_alike("B C H W", prediction=prediction, target=target, missing=missing)
    check_over(target, "compartments", compartments)
    held = measured_set_points(prediction, compartments)
    if wanted is None:
        truth = measured_set_points(target, compartments)
        wanted = SetPoints(truth, torch.full_like(truth, TOLERANCE))
    for name, given in zip(SetPoints._fields, wanted, strict=True):
        if tuple(given.shape) not in (tuple(held.shape), tuple(held.shape[1:])):
            raise ValueError(
                f"{name} {tuple(given.shape)} must be (C, K) or (B, C, K) of {tuple(held.shape)}"
            )
    off = (held - wanted.theta.to(held)).abs() / wanted.tau.to(held).clamp_min(1e-3)
    there = compartments.sum((2, 3))[:, None] >= PRESENT
    hurt = missing.flatten(2).any(2)[..., None]
    cell = 1 - compartments[:, -1:]
    shown = (cell * target.float().clamp_min(0)).sum((2, 3)) / cell.sum((2, 3)).clamp_min(1)
    lit = shown[..., None] >= LIT
    return torch.where(there & hurt & lit, (off - 1).clamp_min(0), 0.0)


def _driven(violation: Tensor) -> Tensor:
    """Return v² up to 1 and 2v − 1 beyond.

    Squares throughout were tried: an image of which one channel is lost altogether then had
    a hundred times the loss of all others.
    """
    return torch.where(violation <= 1, violation.square(), 2 * violation - 1)


def feedback_gain(average: Tensor) -> Tensor:
    """Return g_k = clip(v_k / mean v, ½, 2) from the (K,) average violations; 1 where all are 0."""
    mean = average.mean()
    return torch.where(mean > 0, (average / mean.clamp_min(1e-12)).clamp(0.5, 2.0), 1.0)


@overload
def pituitary_loss(
    prediction: Tensor,
    target: Tensor,
    missing: Tensor,
    compartments: Tensor,
    *,
    set_points: SetPoints | None = ...,
    eta: float = ...,
    sigma: float = ...,
    home: float = ...,
    gain: Tensor | None = ...,
    terms: Literal[False] = ...,
) -> Tensor: ...


@overload
def pituitary_loss(
    prediction: Tensor,
    target: Tensor,
    missing: Tensor,
    compartments: Tensor,
    *,
    set_points: SetPoints | None = ...,
    eta: float = ...,
    sigma: float = ...,
    home: float = ...,
    gain: Tensor | None = ...,
    terms: Literal[True],
) -> tuple[Tensor, dict[str, Tensor]]: ...


def pituitary_loss(
    prediction: Tensor,
    target: Tensor,
    missing: Tensor,
    compartments: Tensor,
    *,
    set_points: SetPoints | None = None,
    eta: float = 3.0,
    sigma: float = 4.0,
    home: float = 0.1,
    gain: Tensor | None = None,
    terms: bool = False,
) -> Tensor | tuple[Tensor, dict[str, Tensor]]:
    r"""Return the pituitary-gland loss L_PG = L_pair + home · L_home.

    With b_pq = 1 − Σ_k A_k(p) A_k(q), the chance that p and q lie in different compartments,
    and w_pq = exp(−|p−q|² / 2σ²) · (1 + η b_pq) · max(M_p, M_q):

    - L_pair = Σ w_pq φ[(x̂_p − x̂_q) − (x_p − x_q)] / Σ w_pq
    - L_home = Σ_kc g_k · ψ(max(0, |h_kc(x̂) − θ_kc| / τ_kc − 1)), per channel that lost
      pixels; ψ(v) = v² up to 1 and 2v − 1 beyond

    Parameters
    ----------
    prediction, target : torch.Tensor
        (B, 4, H, W), normalised, 0 is dark.
    missing : torch.Tensor
        (B, 4, H, W), boolean. Outside of it ``prediction`` is not looked at.
    compartments : torch.Tensor
        (B, K, H, W), of the intact image:
        :func:`napari_dualgland.model.compartments.soft_compartments`.
    set_points : SetPoints, optional
        θ and τ of what the annotation says; where left out, what the target itself holds,
        within a quarter of its natural logarithm. With the target's own the truth is
        optimal, with a table's it need not be.
    eta : float
        How much more a pair counts across a boundary; 0 is blind to compartments.
    sigma : float
        Reach in pixels of the pairs' weights.
    home : float
        Weight of L_home; 0 leaves it out.
    gain : torch.Tensor, optional
        (K,) feedback, from :func:`feedback_gain`; 1 where left out. Its average is kept by
        the caller, for a loss has no memory.
    terms : bool
        Return the named terms too.

    Returns
    -------
    torch.Tensor
        Scalar, the mean over images.
    dict of str to torch.Tensor
        With ``terms``: ``pair``, ``home``, and ``violation``, (K,), for the feedback.

    Raises
    ------
    ValueError
        If the shapes are others.
    """
    check_alike("B 4 H W", prediction=prediction, target=target, missing=missing)
    check_over(target, "compartments", compartments)
    if gain is not None and tuple(gain.shape) != (compartments.shape[1],):
        raise ValueError(
            f"gain {tuple(gain.shape)} must be (K,), one for each of the "
            f"{compartments.shape[1]} compartments"
        )
    error = torch.where(missing, prediction.float() - target.float(), 0.0)
    named = {"pair": pair_loss(error, missing, compartments.float(), eta, sigma)}
    total = named["pair"]
    if home:
        composite = torch.where(missing, prediction.float(), target.float())
        off = violations(composite, target, missing, compartments.float(), set_points)
        strength = off.new_ones(off.shape[2]) if gain is None else gain.to(off)
        channels = missing.flatten(2).any(2).sum(1).clamp_min(1)
        named["home"] = ((strength * _driven(off)).sum((1, 2)) / channels).mean()
        named["violation"] = off.detach().sum(1).div(channels[:, None]).mean(0)
        total = total + home * named["home"]
    return (total, named) if terms else total
