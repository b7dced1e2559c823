"""Rehearse on the image at hand: lay its own holes where the truth is known.

What a network has learned elsewhere need not hold for this antibody, cell line or
microscope. So some of the stack's own holes are laid over observed places of the same
stack and filled; how far the model's departures from the secretory prior were right there
tells, per channel, how far to follow each, and how the stated standard deviation compares
with the errors that were made. Missing pixels take no part.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy.optimize import lsq_linear

from napari_dualgland.imputation.survey import Survey
from napari_dualgland.imputation.tiles import ALIGNMENT
from napari_dualgland.model.evidence import gather_evidence
from napari_dualgland.model.filler import Filler

SIDE = 192
"""Side of a rehearsed window in pixels."""

COUNT = 12
"""Windows that are rehearsed at most."""

TRIES = 3
"""Places among which the one with most signal is rehearsed."""

BELIEF = 0.25
"""Weight of the belief that the model is right, relative to what is rehearsed: a few
windows say little of a field, and without this their noise would be followed."""

FURTHEST = 1.5
"""No departure is followed further than this, or backwards, whatever a rehearsal says."""

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Rehearsal:
    """What was learned by rehearsing.

    Attributes
    ----------
    trust : torch.Tensor
        (K, 4): how far to follow each of the model's departures from the prior.
    honesty : torch.Tensor
        (4,): factor that brings the stated standard deviation to the errors seen.
    pixels : int
        Observed pixels that were filled and compared.
    """

    trust: torch.Tensor
    honesty: torch.Tensor
    pixels: int

    def estimate(self, prior: torch.Tensor, departures: torch.Tensor) -> torch.Tensor:
        """Return the estimate (B, 4, H, W) from a prior and its (K, B, 4, H, W) departures."""
        trust = self.trust.to(prior.device)[:, None, :, None, None]
        return prior + (trust * departures).sum(0)


def no_rehearsal(filler: Filler) -> Rehearsal:
    """Return the model's own belief, for an image on which nothing can be rehearsed."""
    return Rehearsal(torch.tensor(filler.belief)[:, None].repeat(1, 4), torch.ones(4), 0)


def _corners(mask: Mask, side: int, rng: np.random.Generator) -> Iterator[tuple[int, int]]:
    """Yield corners of windows of a (4, Y, X) mask: first around a hole, then anywhere."""
    # A channel that is lost throughout has no hole to be laid elsewhere.
    gone = np.logical_and.reduce(mask, axis=(1, 2))
    rows, columns = np.nonzero(np.logical_or.reduce(mask[~gone], axis=0))
    room = np.array(mask.shape[1:]) - side
    if not rows.size:
        return
    pick = int(rng.integers(rows.size))
    hole = np.clip(np.array([rows[pick], columns[pick]]) - side // 2, 0, room)
    yield int(hole[0]), int(hole[1])
    for _ in range(TRIES):
        place = rng.integers(0, room + 1)
        yield int(place[0]), int(place[1])


def _scenes(
    frames: Sequence[Any], masks: Sequence[Mask], count: int, rng: np.random.Generator
) -> Iterator[tuple[npt.NDArray[Any], Mask, Mask]]:
    """Yield (pixels, what is missing of them, the hole that is laid over them), seeded."""
    hurt = [f for f, mask in enumerate(masks) if mask.any() and not mask.all()]
    for _ in range(count if hurt else 0):
        frame = hurt[int(rng.integers(len(hurt)))]
        mask = masks[frame]
        side = min(SIDE, *(s // ALIGNMENT * ALIGNMENT for s in mask.shape[1:]))
        if side < ALIGNMENT:
            continue
        windows = [
            (slice(None), slice(y, y + side), slice(x, x + side))
            for y, x in _corners(mask, side, rng)
        ]
        if not windows:
            continue
        hole, *places = windows
        # Of a few places the one with most to see: on empty background all models agree.
        pixels = [np.asarray(frames[frame][place]) for place in places]
        seen = [
            float(np.nanstd(np.where(mask[place], np.nan, p.astype(np.float64))))
            for p, place in zip(pixels, places, strict=True)
            if not mask[place].all()
        ]
        if len(seen) < len(places):
            continue
        best = int(np.argmax(seen))
        lost = mask[places[best]]
        gone = np.logical_and.reduce(mask, axis=(1, 2))[:, None, None]
        copied = mask[hole] & ~lost & ~gone
        if copied.any():
            yield pixels[best], lost, copied


def rehearse(
    frames: Sequence[Any],
    masks: Sequence[Mask],
    surveyed: Survey,
    filler: Filler,
    seed: int,
    count: int = COUNT,
) -> Rehearsal:
    """Fill copies of the holes where the truth is known, and compare.

    Parameters
    ----------
    frames : sequence of array
        Each (4, Y, X), in the order of ROLES.
    masks : sequence of numpy.ndarray
        Each (4, Y, X), boolean: what must not be looked at.
    surveyed : Survey
        Exposure and couplings.
    filler : Filler
        The model.
    seed : int
        Decides which holes are laid where.
    count : int
        Windows to rehearse, at most COUNT.
    """
    rng = np.random.default_rng(seed)
    kinds = len(filler.belief)
    right = torch.zeros(4, kinds, dtype=torch.float64)
    moved = torch.zeros(4, kinds, kinds, dtype=torch.float64)
    judged_pixels = torch.zeros(4, dtype=torch.float64)
    surprises: list[tuple[torch.Tensor, ...]] = []
    for pixels, lost, copied in _scenes(frames, masks, min(COUNT, count), rng):
        image = np.where(lost, 0, pixels)
        truth = torch.from_numpy(surveyed.normalisation.apply(image))
        missing = torch.from_numpy(copied | lost)
        with torch.inference_mode():
            evidence = gather_evidence(
                truth[None].to(filler.device),
                missing[None].to(filler.device),
                surveyed.beta[None].to(filler.device),
            )
            said = filler.fill(evidence)
        judged = torch.from_numpy(copied).double()
        departures = said.departures[:, 0].cpu().double() * judged
        error = (truth - evidence.prior[0].cpu()).double() * judged
        right += torch.einsum("kchw,chw->ck", departures, error)
        moved += torch.einsum("kchw,lchw->ckl", departures, departures)
        judged_pixels += judged.sum((1, 2))
        if said.sigma is not None:
            # Kept as sums, for the trust is known only at the end.
            weight = judged / said.sigma[0].cpu().double().square()
            surprises.append(
                (
                    (error.square() * weight).sum((1, 2)),
                    torch.einsum("kchw,chw->ck", departures, error * weight),
                    torch.einsum("kchw,lchw,chw->ckl", departures, departures, weight),
                )
            )
    trust = torch.stack([_follow(m, r, filler.belief) for m, r in zip(moved, right, strict=True)])
    misses = torch.zeros(4, dtype=torch.float64)
    for square, cross, own in surprises:
        misses += square - 2 * (trust * cross).sum(1)
        misses += torch.einsum("ck,ckl,cl->c", trust, own, trust)
    # As if 1000 pixels more had been just as wrong as was said.
    honesty = ((misses.clamp_min(0) + 1000) / (judged_pixels + 1000)).sqrt()
    return Rehearsal(trust.T.float(), honesty.float(), int(judged_pixels.sum()))


def _follow(moved: torch.Tensor, right: torch.Tensor, belief: tuple[float, ...]) -> torch.Tensor:
    """Return how far to follow each departure in one channel: ridge regression, bounded.

    ``moved`` (K, K) and ``right`` (K,) are the sums of products of the departures with
    each other and with the error of the prior. The ridge draws towards the belief.
    """
    held = torch.tensor(belief, dtype=torch.float64)
    own = moved.diagonal()
    if not (own > 0).any():
        return held
    ridge = BELIEF * own + 1e-6 * own.max()
    system = moved + torch.diag(ridge)
    root = torch.linalg.cholesky(system)
    aim = torch.linalg.solve_triangular(root, (right + ridge * held)[:, None], upper=False)
    solved = lsq_linear(root.T.numpy(), aim[:, 0].numpy(), bounds=(0, FURTHEST))
    return torch.from_numpy(solved.x)
