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
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from napari_dualgland.imputation.adaptation import Learner, learn_parts
from napari_dualgland.imputation.belief import Rehearsal, no_rehearsal
from napari_dualgland.imputation.copies import SIDE, SIDE_DEEP, scenes
from napari_dualgland.imputation.frame import has_deep_hole
from napari_dualgland.imputation.notes import Notes, joined
from napari_dualgland.imputation.practice import practise
from napari_dualgland.imputation.survey import Survey
from napari_dualgland.intervals import Reach
from napari_dualgland.model.filler import Filler
from napari_dualgland.stack import ROLES

PIXELS = 16 * 160**2
"""Pixels of all windows that are rehearsed on, at most."""

PIXELS_LEARNING = 32 * 160**2
"""Pixels of all windows that are learned from and rehearsed on, at most."""

BELIEF = 0.15
"""Weight of the belief that the model is right, relative to what is rehearsed: a few
windows say little of a field, and without this their noise would be followed."""

AS_IF = 1000
"""Pixels more that count as having been just as wrong as was said."""

Mask = npt.NDArray[np.bool_]


def rehearse_steps(
    frames: Sequence[Any],
    masks: Sequence[Mask],
    surveyed: Survey,
    filler: Filler,
    seed: int,
    windows: int = 32,
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
        Windows to rehearse; fewer where they are many or large.
    adapt : bool
        Whether to learn inside the image.
    should_stop : callable
        Asked between windows and between steps of learning; then the rehearsal ends early.
    """
    # A window must hold a hole with its rim, and be filled as the frame itself will be.
    deep = any(has_deep_hole(mask) for mask in masks)
    side = SIDE_DEEP if deep else SIDE
    count = min((PIXELS_LEARNING if adapt else PIXELS) // side**2, windows)
    copied = scenes(frames, masks, count, side, np.random.default_rng(seed))
    noted: list[list[Notes]] = [[] for _ in ROLES]
    for number, channels in enumerate(practise(copied, surveyed, filler, deep, adapt, seed), 1):
        for kept, notes in zip(noted, channels, strict=True):
            if notes is not None:
                kept.append(notes)
        if should_stop():
            return no_rehearsal()
        yield f"rehearsing on this image, window {number} of {count}"

    def stored(channel: int) -> Callable[[Tensor], Tensor]:
        offset, scale = surveyed.normalisation.offset, surveyed.normalisation.scale
        return lambda x: torch.from_numpy(
            (surveyed.stored(x.numpy(), channel, dtype).astype(np.float64) - offset[channel])
            / scale[channel]
        )

    dtype = np.dtype(frames[0].dtype)
    verdicts = [_Verdict()] * len(ROLES)
    learners: dict[int, list[Learner]] = {}
    pixels = 0
    for channel, parts in enumerate(noted):
        if not parts:
            continue
        notes = joined(parts)
        if notes.clues is not None:
            yield f"learning from this image: {ROLES[channel]}"
            found = learn_parts(notes, seed, filler.device, should_stop)
            if found:
                learners[channel] = found
        verdicts[channel] = _judge(notes, learners.get(channel, []), stored(channel))
        pixels += len(notes.error)
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


def _judge(notes: Notes, learners: list[Learner], stored: Callable[[Tensor], Tensor]) -> _Verdict:
    """Judge a channel, each part of the field by the learner that has not seen it.

    ``stored`` brings estimates to what the stack will hold: where it is black, most are
    exactly right once they are rounded.
    """
    prior, error, departure, weight = (
        x.double() for x in (notes.prior, notes.error, notes.departure, notes.weight)
    )
    correction, widening = torch.zeros_like(error), torch.ones_like(error)
    for part, learner in enumerate(learners):
        here = notes.part == part
        assert notes.clues is not None
        lesson = learner.lesson(notes.clues[here.to(notes.clues.device)])
        correction[here] = lesson.correction.cpu().double()
        widening[here] = lesson.widening.cpu().double()
    trust, follow = _shares(error, departure, correction, weight)
    if notes.sigma is None:
        return _Verdict(trust, follow)
    left = prior + error - stored(prior + trust * departure + follow * correction)
    surprise = left / (notes.sigma.double() * widening)
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
