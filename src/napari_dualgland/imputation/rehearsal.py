"""Rehearse on the image at hand: lay its own holes where the truth is known.

What a network has learned elsewhere need not hold for this antibody, cell line or
microscope. So some of the stack's own holes are laid over observed places of the same
stack and filled; how far the model's departure from the secretory prior was right there
tells, per channel, how far to follow it, and how the stated standard deviation compares
with the errors that were made. Missing pixels take no part.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from napari_dualgland.imputation.survey import Survey
from napari_dualgland.imputation.tiles import ALIGNMENT
from napari_dualgland.model.evidence import gather_evidence
from napari_dualgland.model.filler import Filler

SIDE = 160
"""Side of a rehearsed window in pixels."""

COUNT = 16
"""Windows that are rehearsed at most."""

TRIES = 3
"""Places among which the one with most signal is rehearsed."""

BELIEF = 0.15
"""Weight of the belief that the model is right, relative to what is rehearsed: a few
windows say little of a field, and without this their noise would be followed."""

FLOOR = 1e-3
"""Mean squared error, normalised, that is added to a window's own before windows are
weighed against each other; as in the training loss."""

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Rehearsal:
    """What was learned by rehearsing.

    Attributes
    ----------
    trust : torch.Tensor
        (4,), 0 to 1: how far to follow the model's departure from the prior.
    honesty : torch.Tensor
        (4,): factor that brings the stated standard deviation to the errors seen.
    pixels : int
        Observed pixels that were filled and compared.
    """

    trust: torch.Tensor
    honesty: torch.Tensor
    pixels: int

    def believed(self, prior: torch.Tensor, mean: torch.Tensor) -> torch.Tensor:
        """Return the estimate between prior and model, each (B, 4, H, W)."""
        return torch.lerp(prior, mean, self.trust.to(prior.device)[:, None, None])


def no_rehearsal() -> Rehearsal:
    """Return full trust, for an image on which nothing can be rehearsed."""
    return Rehearsal(torch.ones(4), torch.ones(4), 0)


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
        boxes = [
            (slice(None), slice(y, y + side), slice(x, x + side))
            for y, x in _corners(mask, side, rng)
        ]
        if not boxes:
            continue
        hole, *places = boxes
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
    windows: int = COUNT,
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
    windows : int
        Windows to rehearse, at most COUNT.
    """
    rng = np.random.default_rng(seed)
    right, moved, misses, judged_pixels = torch.zeros(4, 4, dtype=torch.float64)
    for pixels, lost, copied in _scenes(frames, masks, min(COUNT, windows), rng):
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
        departure = (said.mean - evidence.prior)[0].cpu().double() * judged
        error = (truth - evidence.prior[0].cpu()).double() * judged
        # Relative to the prior's error there, or bright windows alone would decide, and a
        # faint haze over what is truly dark would cost nothing.
        count = judged.sum((1, 2))
        weight = 1 / (error.square().sum((1, 2)) + FLOOR * count.clamp_min(1))
        right += (departure * error).sum((1, 2)) * weight
        moved += departure.square().sum((1, 2)) * weight
        judged_pixels += count
        if said.sigma is not None:
            surprise = (error - departure) / said.sigma[0].cpu().double()
            misses += surprise.square().sum((1, 2))
    trust = (right + BELIEF * moved) / ((1 + BELIEF) * moved).clamp_min(1e-12)
    trust = torch.where(moved > 0, trust.clamp(0, 1), torch.ones_like(trust))
    # As if 1000 pixels more had been just as wrong as was said.
    honesty = ((misses + 1000) / (judged_pixels + 1000)).sqrt()
    return Rehearsal(trust.float(), honesty.float(), int(judged_pixels.sum()))
