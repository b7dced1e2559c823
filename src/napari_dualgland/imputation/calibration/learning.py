"""Learn inside the image: what the model still gets wrong on this antibody and microscope.

Training on other images says little of how this protein sits among these landmarks. A
small network per channel learns from what was held out under copies of the image's own
holes, pixel by pixel, what to add to the model's estimate and how wrong the sum still is,
from the features there. There is one for each part of the field, which has seen the other
parts: how much weight they get is decided in
:mod:`~napari_dualgland.imputation.calibration.assessment` where they have not been.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from napari_dualgland.imputation.calibration.correction import FACTOR, Corrector
from napari_dualgland.imputation.calibration.errors import HoldoutErrors
from napari_dualgland.imputation.calibration.holdout import PARTS

ENOUGH = 500
"""Pixels below which nothing is learned."""

FEW = 4096
"""Pixels that tell how features spread."""

STEPS = 250
BATCH = 512
RATE = 5e-3
DECAY = 1e-2

LIKELIHOOD = 0.1
"""Weight of what is learned of the error's size, beside the correction itself."""


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
    errors: HoldoutErrors, seed: int, device: torch.device, should_stop: Callable[[], bool]
) -> Corrector | None:
    """Learn a channel's correction for each part of the field from all the others.

    Parameters
    ----------
    errors : HoldoutErrors
        Of all windows, with features.
    seed : int
        Of initial weights, batches and dropout.
    device : torch.device
        Where to learn.
    should_stop : callable
        Asked between steps.

    Returns
    -------
    Corrector or None
        None where there is too little to learn from for one of the parts (a hole in a corner of
        the field may be copied into some of them only), the descent ran away, or it was told to
        stop.
    """
    seen = [(errors.part != part).nonzero()[:, 0] for part in range(PARTS)]
    if errors.features is None or min(map(len, seen)) < ENOUGH:
        return None
    # For mean and spread of the features, some thousand pixels are enough.
    few = [rows[:: max(1, len(rows) // FEW)].to(errors.features.device) for rows in seen]
    looked = [errors.features[rows] for rows in few]
    wrong = errors.error - errors.departure
    # Windows count alike in each part; what is learned there has a spread of about 1.
    share = torch.stack([1 / errors.weight[rows].mean() for rows in seen])[:, None]
    unit = torch.stack(
        [(errors.weight[rows] * wrong[rows].square()).mean().sqrt() for rows in seen]
    )[:, None]
    unit = unit * share.sqrt() + 1e-6
    centre, spread = (
        torch.stack([of(x, dim=0) for x in looked])[:, None] for of in (torch.mean, torch.std)
    )
    wrong, weight, share, unit = (x.to(device) for x in (wrong, errors.weight, share, unit))
    features = errors.features.to(device)
    sigma = None if errors.sigma is None else errors.sigma.to(device)
    cuda = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(cuda), torch.enable_grad():
        torch.manual_seed(seed)
        corrector = Corrector(centre, spread + 1e-3, unit.cpu()).to(device)
        descent = _Descent(corrector)
        for _ in range(STEPS):
            if should_stop():
                return None
            pick = torch.stack([rows[torch.randint(len(rows), (BATCH,))] for rows in seen])
            pick = pick.to(device)
            shown = features.index_select(0, pick.flatten()).view(*pick.shape, -1)
            addend, log_wide = corrector(shown).unbind(2)
            miss = addend - wrong[pick] / unit
            # The networks share no weight, so the sum of their losses teaches each its own.
            loss = (weight[pick] * share * miss.square()).mean(1).sum()
            if sigma is not None:
                # Of a Laplace distribution, as the model was trained.
                log_wide = log_wide.clamp(-FACTOR, FACTOR)
                surprise = miss.detach().abs() * unit * 2**0.5 / sigma[pick]
                loss = loss + LIKELIHOOD * (surprise * (-log_wide).exp() + log_wide).mean(1).sum()
            descent.step(loss)
    if not all(bool(weight.isfinite().all()) for weight in corrector.parameters()):
        return None
    return corrector.eval().requires_grad_(False)
