"""What a localizer gets right of drawn cells, whose truth is known pixel by pixel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from scipy.special import expit
from torch import Tensor

from dualgland_training.localizer.bank import Bank
from dualgland_training.localizer.batches import Examples, batch_of
from napari_dualgland.classes import CLASSES
from napari_dualgland.model.calibrated_localizer import agreeing
from napari_dualgland.model.localizer import STRIDE, Localizer
from napari_dualgland.typing import BoolArray, Float64Array

CROP = 240
"""Side of a view: most cells whole."""


class DrawnScores(NamedTuple):
    """What a network says of drawn cells that it was not trained on.

    Attributes
    ----------
    logits : numpy.ndarray
        (N, 19).
    target : numpy.ndarray
        (N, 19), boolean.
    overlap : numpy.ndarray
        (18,), the intersection over union per class at a probability of a half, pooled over
        cells, NaN where a class has no pixel.
    """

    logits: Float64Array
    target: BoolArray
    overlap: Float64Array

    def f1(self, thresholds: tuple[float, ...]) -> Float64Array:
        """Return F1 per class where it is named from a threshold on, (19,)."""
        said = expit(self.logits) >= np.array(thresholds)
        hit = (said & self.target).sum(0)
        return np.asarray(2 * hit / np.maximum(said.sum(0) + self.target.sum(0), 1))

    def by_class(self) -> dict[str, dict[str, Any]]:
        """Return F1 from a half on and overlap of every class, for the log."""
        overlap = [*self.overlap.tolist(), float("nan")]  # Negative is no place
        f1 = self.f1((0.5,) * len(CLASSES)).tolist()
        return {
            name: {"f1": one} | ({} if np.isnan(other) else {"overlap": other})
            for name, one, other in zip(CLASSES, f1, overlap, strict=True)
        }


@torch.inference_mode()
def on_drawn_cells(
    network: Localizer,
    bank: Bank,
    seed: int,
    count: int,
    calibrated: Callable[[Tensor], Tensor] = lambda logits: logits,
    thresholds: tuple[float, ...] = (1e-6,) * len(CLASSES),
) -> DrawnScores:
    """Read drawn cells of a bank of fields that no training saw.

    Pixels are brought to agree with their cells by calibration and thresholds, as the program
    does it.

    Parameters
    ----------
    network : Localizer
        In evaluation mode.
    bank : Bank
        Drawn cells.
    seed : int
        Of all draws.
    count : int
        Cells to read.
    calibrated : callable
        From logits to logits.
    thresholds : tuple of float
        Of each class.

    Returns
    -------
    DrawnScores
        Of these cells.
    """
    examples = Examples(bank, [], seed)
    rng = np.random.default_rng(seed)
    device = next(network.parameters()).device
    logits, targets = [], []
    both = np.zeros((2, len(CLASSES) - 1))
    for _ in range(count):
        batch = batch_of([examples.drawn(rng)], CROP, rng)
        reading = network(*(part.to(device) for part in (batch.x, batch.inside, batch.present)))
        cell = calibrated(reading.cell.cpu())
        logits.append(cell[0].double().numpy())
        targets.append(batch.target[0].numpy() > 0)
        inside = F.avg_pool2d(batch.inside, STRIDE)[0] > 0.5
        dense = agreeing(torch.sigmoid(reading.dense.cpu()), torch.sigmoid(cell), thresholds)
        said = (dense[0] > 0.5) & inside
        truth = (batch.dense[0] > 0.5) & inside
        both += np.stack([_area(said & truth), _area(said | truth)])
    with np.errstate(invalid="ignore"):
        return DrawnScores(np.stack(logits), np.stack(targets), both[0] / both[1])


def _area(masks: Tensor) -> Float64Array:
    return np.asarray(masks.sum((1, 2)).double().numpy())
