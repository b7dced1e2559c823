"""What a localizer is trained to get right, as pure functions on tensors."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from dualgland_training.cell_folds import TOLD
from dualgland_training.localizer.batches import Batch
from napari_dualgland.model.localizer import STRIDE, Reading

AMONG = 4.0
"""Weight of telling the annotated classes from each other, where a whole network is trained on
annotated cells; with less they were not even learned by heart."""

SMOOTH = 0.05
"""Annotations are of fields, and some cells of a field look otherwise."""


def cell_loss(logits: Tensor, batch: Batch) -> Tensor:
    """Return the loss of the cell head.

    Binary cross-entropy per class, summed; annotated cells count half of that, for what is not
    named there was not looked for, and a cross-entropy among the classes that they tell apart.

    Parameters
    ----------
    logits : torch.Tensor
        (B, 19).
    batch : Batch
        Of B views.

    Returns
    -------
    torch.Tensor
        Scalar.
    """
    soft = batch.target * (1 - 2 * SMOOTH * (1 - batch.known[:, None])) + SMOOTH * (
        1 - batch.known[:, None]
    ) * (batch.target > 0)
    each = F.binary_cross_entropy_with_logits(logits, soft, reduction="none").sum(1)
    loss = (each * (0.5 + 0.5 * batch.known)).mean()
    told = list(TOLD)
    real = (batch.known == 0) & batch.target[:, told].any(1)
    if bool(real.any()):
        among = F.cross_entropy(
            logits[real][:, told], batch.target[real][:, told], label_smoothing=2 * SMOOTH
        )
        loss = loss + AMONG * among * real.float().mean()
    return loss


def dense_loss(dense: Tensor, batch: Batch) -> Tensor:
    """Return the loss of the dense head, over the pixels of cells whose truth is known.

    Binary cross-entropy, plus one less the soft Dice overlap of the classes that are there:
    small bodies are few pixels, and cross-entropy alone would forget them.

    Parameters
    ----------
    dense : torch.Tensor
        (B, 18, H / 2, W / 2), logits.
    batch : Batch
        Of B views.

    Returns
    -------
    torch.Tensor
        Scalar.
    """
    if not bool((batch.known > 0).any()):
        return dense.sum() * 0
    own = batch.known > 0
    dense, truth = dense[own], batch.dense[own]
    inside = F.avg_pool2d(batch.inside[own], STRIDE)
    each = F.binary_cross_entropy_with_logits(dense, truth, reduction="none") * inside
    entropy = each.sum((2, 3)) / inside.sum((2, 3)).clamp_min(1)
    said = torch.sigmoid(dense) * inside
    there = truth.sum((2, 3)) > 0.5
    overlap = 2 * (said * truth).sum((2, 3)) + 1
    dice = 1 - overlap / (said.sum((2, 3)) + truth.sum((2, 3)) + 1)
    return entropy.sum(1).mean() + (dice * there).sum() / there.sum().clamp_min(1)


def localizer_loss(reading: Reading, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the whole loss.

    Parameters
    ----------
    reading : Reading
        What the network says.
    batch : Batch
        Of B views.

    Returns
    -------
    loss : torch.Tensor
        Scalar.
    parts : dict
        ``cell`` and ``dense``, for the log.
    """
    cell, dense = cell_loss(reading.cell, batch), dense_loss(reading.dense, batch)
    return cell + dense, {"cell": cell, "dense": dense}
