"""Assess a model, and what was learned inside the image, by the errors at held-out pixels."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from napari_dualgland.imputation.calibration.correction import Corrector
from napari_dualgland.imputation.calibration.errors import HoldoutErrors
from napari_dualgland.imputation.calibration.holdout import PARTS
from napari_dualgland.intervals import Reach

MODEL_RIGHT = 0.15
"""Weight of the assumption that the model is right, relative to what is held out: a few
windows say little of a field, and without this their noise would be followed."""

AS_IF = 1000
"""Pixels more that count as having been just as wrong as was said."""


class Assessment(NamedTuple):
    """What is found of one channel; the fields of ``Calibration``."""

    model_weight: float = 1.0
    correction_weight: float = 1.0
    sigma_factor: float = 1.0
    reach: Reach = Reach()


def assess(
    errors: HoldoutErrors,
    corrector: Corrector | None,
    stored: Callable[[Tensor], Tensor],
    step: float,
) -> Assessment:
    """Assess a channel, each part of the field by what was learned in the others.

    Parameters
    ----------
    errors : HoldoutErrors
        Of all windows.
    corrector : Corrector or None
        What was learned, if anything was.
    stored : callable
        Brings estimates to what the stack will hold: where it is black, most are exactly
        right once they are rounded.
    step : float
        Between the values that the stack can hold, normalised; 0 if it does not round. What is
        surer than that tells nothing of how errors spread: rounding decides there.

    Returns
    -------
    Assessment
    """
    prior, error, departure, weight = (
        x.double() for x in (errors.prior, errors.error, errors.departure, errors.weight)
    )
    addend, widening = torch.zeros_like(error), torch.ones_like(error)
    for part in range(0 if corrector is None else PARTS):
        assert corrector is not None
        assert errors.features is not None
        here = errors.part == part
        correction = corrector.correct(errors.features[here.to(errors.features.device)], part)
        addend[here] = correction.addend.cpu().double()
        widening[here] = correction.widening.cpu().double()
    model, correct = _weights(error, departure, addend, weight)
    if errors.sigma is None:
        return Assessment(model, correct)
    left = prior + error - stored(prior + model * departure + correct * addend)
    said = errors.sigma.double() * widening
    # The sum of squares is to be as stated. A mean of ratios would be that of dark pixels, of
    # which most are exactly right, and bright ones would be called surer than they are.
    seen = left.square().sum() / said.square().mean()
    factor = float(((seen + AS_IF) / (len(left) + AS_IF)).sqrt())
    sizes, counted = left.abs() / (factor * said), factor * said >= step
    return Assessment(model, correct, factor, Reach.of(sizes[counted].numpy(), AS_IF))


def _weights(
    error: Tensor, departure: Tensor, addend: Tensor, weight: Tensor
) -> tuple[float, float]:
    """Return how much of ``departure`` and of ``addend`` explains ``error`` best, 0 to 1 each.

    Weighted least squares with the assumption that both are right, by alternating between
    them: exact in the limit, for the sum of squares is convex and the bounds are a square.
    """
    model = correct = 1.0
    for _ in range(20):
        model = _share(error - correct * addend, departure, weight)
        correct = _share(error - model * departure, addend, weight)
    return model, correct


def _share(error: Tensor, move: Tensor, weight: Tensor) -> float:
    """Return how far to follow one move; fully where it does not move at all."""
    size = float((weight * move.square()).sum())
    if size <= 0:
        return 1.0
    right = float((weight * move * error).sum())
    return min(1.0, max(0.0, (right + MODEL_RIGHT * size) / ((1 + MODEL_RIGHT) * size)))
