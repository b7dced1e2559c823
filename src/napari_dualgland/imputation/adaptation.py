"""Learn inside the image: what the model still gets wrong on this antibody and microscope.

Training on other images says little of how this protein sits among these landmarks. A
small network per channel learns from copies of the image's own holes, pixel by pixel, what
to add to the model's estimate and how wrong the sum still is, from the clues there. There
is one for each part of the field, which has seen the other parts: how far to follow them is
judged in :mod:`~napari_dualgland.imputation.rehearsal` where they have not been.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from napari_dualgland.imputation.clues import clues
from napari_dualgland.imputation.copies import PARTS
from napari_dualgland.imputation.notes import Notes
from napari_dualgland.model.evidence import Evidence
from napari_dualgland.model.filler import Fill

ENOUGH = 500
"""Pixels below which nothing is learned."""

WIDTH = 48
STEPS = 300
BATCH = 1024
RATE = 3e-3
DECAY = 1e-2

BEYOND = 6.0
"""Standard deviations at which a clue is cut off: a pixel unlike all that were practised on
must not be extrapolated to."""

LIKELIHOOD = 0.1
"""Weight of what is learned of the error's size, beside the correction itself."""

FACTOR = 2.0
"""Logarithm of the factor by which the stated deviation is changed at most."""


class Lesson(NamedTuple):
    """What was learned of N pixels: what to add to the estimate, normalised, and by which
    factor to widen the stated standard deviation; (N,) each."""

    correction: Tensor
    widening: Tensor


class Learner(nn.Module):
    """From clues to a correction of the estimate and of its standard deviation.

    Parameters
    ----------
    shown : torch.Tensor
        (N, F) clues, for their mean and spread.
    unit : float
        Spread of what is to be learned.
    """

    centre: Tensor
    spread: Tensor

    def __init__(self, shown: Tensor, unit: float) -> None:
        super().__init__()
        self.register_buffer("centre", shown.mean(0))
        self.register_buffer("spread", shown.std(0) + 1e-3)
        self.unit = unit
        last = nn.Linear(WIDTH, 2)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.layers = nn.Sequential(
            nn.Linear(shown.shape[1], WIDTH),
            nn.SiLU(),
            nn.Dropout(0.1),
            nn.Linear(WIDTH, WIDTH),
            nn.SiLU(),
            last,
        )

    def forward(self, shown: Tensor) -> Tensor:
        """Return (N, 2): what to add, in units of ``unit``, and the logarithm of the factor
        of the deviation."""
        x: Tensor = ((shown - self.centre) / self.spread).clamp(-BEYOND, BEYOND)
        told: Tensor = self.layers(x)
        return told

    def lesson(self, shown: Tensor) -> Lesson:
        """Return what was learned, from (N, F) clues."""
        correction, widening = self(shown).unbind(1)
        return Lesson(correction * self.unit, widening.clamp(-FACTOR, FACTOR).exp())


class _Descent:
    """AdamW (Loshchilov and Hutter 2019) with a cosine from ``RATE`` to a hundredth of it.

    Not that of ``torch.optim``, whose first step imports triton: its LLVM and that of Mesa's
    software OpenGL do not bear each other, and napari died of it.
    """

    def __init__(self, network: nn.Module) -> None:
        self.weights = list(network.parameters())
        self.mean = [torch.zeros_like(w) for w in self.weights]
        self.square = [torch.zeros_like(w) for w in self.weights]
        self.done = 0

    def step(self, loss: Tensor) -> None:
        """Take one step down the loss."""
        gradients = torch.autograd.grad(loss, self.weights)
        rate = RATE * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * self.done / STEPS)))
        self.done += 1
        with torch.no_grad():
            for w, m, v, g in zip(self.weights, self.mean, self.square, gradients, strict=True):
                w.mul_(1 - rate * DECAY)
                m.lerp_(g, 1 - 0.9)
                v.mul_(0.999).addcmul_(g, g, value=1 - 0.999)
                spread = (v / (1 - 0.999**self.done)).sqrt_().add_(1e-8)
                w.addcdiv_(m, spread, value=-rate / (1 - 0.9**self.done))


def learn(
    notes: Notes, part: int, seed: int, device: torch.device, should_stop: Callable[[], bool]
) -> Learner | None:
    """Learn a channel's correction from all parts of the field but one.

    Parameters
    ----------
    notes : Notes
        Of all windows, with clues.
    part : int
        Of the field, which is left out.
    seed : int
        Of initial weights, batches and dropout.
    device : torch.device
        Where to learn.
    should_stop : callable
        Asked between steps.

    Returns
    -------
    Learner or None
        None where there is too little to learn from, or it was told to stop.
    """
    seen = notes.part != part
    if notes.clues is None or int(seen.sum()) < ENOUGH:
        return None
    shown = notes.clues[seen.to(notes.clues.device)].to(device)
    wrong = (notes.error - notes.departure)[seen].to(device)
    weight = notes.weight[seen].to(device)
    weight = weight / weight.mean()
    sigma = None if notes.sigma is None else notes.sigma[seen].to(device)
    unit = float((weight * wrong.square()).mean().sqrt()) + 1e-6
    cuda = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(cuda), torch.enable_grad():
        torch.manual_seed(seed + part)
        learner = Learner(shown, unit).to(device)
        descent = _Descent(learner)
        for _ in range(STEPS):
            if should_stop():
                return None
            pick = torch.randint(len(shown), (BATCH,)).to(device)
            told = learner(shown[pick])
            miss = told[..., 0] - wrong[pick] / unit
            loss = (weight[pick] * miss.square()).mean()
            if sigma is not None:
                # Of a Laplace distribution, as the model was trained.
                log_wide = told[..., 1].clamp(-FACTOR, FACTOR)
                surprise = miss.detach().abs() * unit * 2**0.5 / sigma[pick]
                loss = loss + LIKELIHOOD * (surprise * (-log_wide).exp() + log_wide).mean()
            descent.step(loss)
    return learner.eval().requires_grad_(False)


def learn_parts(
    notes: Notes, seed: int, device: torch.device, should_stop: Callable[[], bool]
) -> list[Learner]:
    """Return a learner for each part of the field, as :func:`learn`; none if one cannot learn.

    A hole in a corner of the field may be copied into some of its parts only.
    """
    found = []
    for part in range(PARTS):
        learner = learn(notes, part, seed, device, should_stop)
        if learner is None:
            return []
        found.append(learner)
    return found


def lessons(learners: dict[int, list[Learner]], evidence: Evidence, said: Fill) -> Lesson:
    """Return what was learned of every missing pixel, (B, 4, H, W) each; elsewhere nothing."""
    correction = torch.zeros_like(evidence.prior)
    widening = torch.ones_like(evidence.prior)
    for channel, several in learners.items():
        where = evidence.missing[:, channel]
        if where.any():
            shown = clues(evidence, said, channel).permute(0, 2, 3, 1)[where]
            found = [learner.to(shown.device).lesson(shown) for learner in several]
            correction[:, channel][where] = sum(f.correction for f in found) / len(found)
            widening[:, channel][where] = sum(f.widening for f in found) / len(found)
    return Lesson(correction, widening)
