"""Rehearse on the image at hand: lay its own holes where the truth is known.

What a network has learned elsewhere need not hold for this antibody, cell line or
microscope. So some of the stack's own holes are laid over observed places of the same
stack and filled. That tells, per channel, how far to follow the model's departure from the
secretory prior, how far to follow what was learned inside the image
(:mod:`~napari_dualgland.imputation.adaptation`), and how the stated standard deviation
compares with the errors that remain. Missing pixels take no part.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from napari_dualgland.imputation.adaptation import Learner, Lesson, learn, lessons
from napari_dualgland.imputation.copies import scenes
from napari_dualgland.imputation.practice import Notes, joined, practise
from napari_dualgland.imputation.survey import Survey
from napari_dualgland.intervals import Reach
from napari_dualgland.model.evidence import Evidence
from napari_dualgland.model.filler import Fill, Filler
from napari_dualgland.stack import ROLES

COUNT = 16
"""Windows that are rehearsed at most."""

COUNT_LEARNING = 32
"""Windows that are learned from and rehearsed at most."""

BELIEF = 0.15
"""Weight of the belief that the model is right, relative to what is rehearsed: a few
windows say little of a field, and without this their noise would be followed."""

AS_IF = 1000
"""Pixels more that count as having been just as wrong as was said."""

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Rehearsal:
    """What was learned by rehearsing; one number per channel, (4,).

    Attributes
    ----------
    trust : torch.Tensor
        0 to 1: how far to follow the model's departure from the prior.
    honesty : torch.Tensor
        Factor that brings the stated standard deviation to the errors seen.
    pixels : int
        Observed pixels that were filled and judged.
    learners : dict
        From channel to what was learned inside the image.
    follow : torch.Tensor
        0 to 1: how far to follow that.
    reach : tuple of Reach
        How errors spread, in units of the standard deviation.
    """

    trust: Tensor
    honesty: Tensor
    pixels: int
    learners: dict[int, Learner] = field(default_factory=dict)
    follow: Tensor = field(default_factory=lambda: torch.zeros(4))
    reach: tuple[Reach, ...] = (Reach(),) * len(ROLES)

    def told(
        self, evidence: Evidence, said: Fill, adapted: bool = True
    ) -> tuple[Tensor, Tensor | None]:
        """Return estimate and standard deviation, (B, 4, H, W) each.

        Between prior, model and what was learned inside the image. That holds at the
        magnification of the image; ``adapted=False`` leaves it out.
        """
        trust, follow, honesty = (
            x.to(said.mean.device)[:, None, None] for x in (self.trust, self.follow, self.honesty)
        )
        mean = torch.lerp(evidence.prior, said.mean, trust)
        sigma = None if said.sigma is None else said.sigma * honesty
        if adapted and self.learners:
            learned = lessons(self.learners, evidence, said)
            mean = mean + follow * learned.correction
            sigma = None if sigma is None else sigma * learned.widening
        return mean, sigma


def no_rehearsal() -> Rehearsal:
    """Return full trust, for an image on which nothing can be rehearsed."""
    return Rehearsal(torch.ones(4), torch.ones(4), 0)


def rehearse_steps(
    frames: Sequence[Any],
    masks: Sequence[Mask],
    surveyed: Survey,
    filler: Filler,
    seed: int,
    windows: int = COUNT,
    adapt: bool = False,
    should_stop: Callable[[], bool] = lambda: False,
) -> Generator[str, None, Rehearsal]:
    """Fill copies of the holes where the truth is known, learn, and compare.

    A generator of messages for people, whose return value is the :class:`Rehearsal`.

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
        Decides which holes are laid where, and what is random in learning.
    windows : int
        Windows to rehearse, at most COUNT, or COUNT_LEARNING if there is to be learning.
    adapt : bool
        Whether to learn inside the image.
    should_stop : callable
        Asked between windows and between steps of learning; then the rehearsal ends early.
    """
    count = min(COUNT_LEARNING if adapt else COUNT, windows)
    copied = scenes(frames, masks, count, np.random.default_rng(seed))
    noted: list[list[Notes]] = [[] for _ in ROLES]
    for number, channels in enumerate(practise(copied, surveyed, filler, adapt, seed), 1):
        for kept, notes in zip(noted, channels, strict=True):
            if notes is not None:
                kept.append(notes)
        if should_stop():
            return no_rehearsal()
        yield f"rehearsing on this image, window {number} of {count}"
    verdicts = [_Verdict()] * len(ROLES)
    learners: dict[int, Learner] = {}
    pixels = 0
    for channel, parts in enumerate(noted):
        if not parts:
            continue
        notes = joined(parts)
        if notes.clues is not None:
            yield f"learning from this image: {ROLES[channel]}"
            learner = learn(notes, seed, filler.device, should_stop)
            if learner is not None:
                learners[channel] = learner
        verdicts[channel] = _judge(notes, learners.get(channel))
        pixels += int(notes.judged.sum())
    return Rehearsal(
        torch.tensor([v.trust for v in verdicts]),
        torch.tensor([v.honesty for v in verdicts]),
        pixels,
        learners,
        torch.tensor([v.follow for v in verdicts]),
        tuple(v.reach for v in verdicts),
    )


class _Verdict(NamedTuple):
    """What is found of one channel; the fields of :class:`Rehearsal`."""

    trust: float = 1.0
    follow: float = 1.0
    honesty: float = 1.0
    reach: Reach = Reach()


def _judge(notes: Notes, learner: Learner | None) -> _Verdict:
    """Judge a channel by what was kept from learning."""
    judged = notes.judged
    error, departure, weight = (
        x[judged].double() for x in (notes.error, notes.departure, notes.weight)
    )
    lesson = Lesson(torch.zeros_like(error), torch.ones_like(error))
    if learner is not None and notes.clues is not None:
        shown = notes.clues[judged.to(notes.clues.device)]
        lesson = Lesson(*(x.cpu().double() for x in learner.lesson(shown)))
    trust, follow = _shares(error, departure, lesson.correction, weight)
    if notes.sigma is None:
        return _Verdict(trust, follow)
    left = error - trust * departure - follow * lesson.correction
    surprise = left / (notes.sigma[judged].double() * lesson.widening)
    honesty = float(((surprise.square().sum() + AS_IF) / (len(surprise) + AS_IF)).sqrt())
    return _Verdict(trust, follow, honesty, Reach.of((surprise.abs() / honesty).numpy(), AS_IF))


def _shares(
    error: Tensor, departure: Tensor, learned: Tensor, weight: Tensor
) -> tuple[float, float]:
    """Return how much of ``departure`` and of ``learned`` explains ``error`` best, 0 to 1 each.

    Weighted least squares with a belief that both are right, by alternating between them:
    exact in the limit, for the sum of squares is convex and the bounds are a square.
    """
    trust = follow = 1.0
    for _ in range(20):
        trust = _share(error - follow * learned, departure, weight)
        follow = _share(error - trust * departure, learned, weight)
    return trust, follow


def _share(error: Tensor, move: Tensor, weight: Tensor) -> float:
    """Return how far to follow one move; fully where it does not move at all."""
    size = float((weight * move.square()).sum())
    if size <= 0:
        return 1.0
    right = float((weight * move * error).sum())
    return min(1.0, max(0.0, (right + BELIEF * size) / ((1 + BELIEF) * size)))
