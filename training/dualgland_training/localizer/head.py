"""The second stage: the trunk stays as drawn proteins made it, the head learns from real cells.

Some hundred annotated cells are too few to move two million weights: trained end to end they
were neither learned nor generalised from, while a linear reading of what the trunk pools told
them apart at once. So what the trunk pools is computed once, for several views of every real
cell and for thousands of drawn ones, and the head alone is fitted to it, in seconds.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.optim.lr_scheduler import CosineAnnealingLR

from dualgland_training.cell_folds import TOLD
from dualgland_training.localizer.batches import Examples, batch_of
from dualgland_training.localizer.examples import RealCell, annotated
from dualgland_training.localizer.losses import SMOOTH
from dualgland_training.localizer.recipe import HeadStage
from napari_dualgland.model.localizer import MULTIPLE, Localizer


class Pooled(NamedTuple):
    """What the trunk pooled of N views: ``seen`` (N, P), ``target`` (N, 19), ``cell`` (N,) the
    number of the real cell, -1 for drawn ones."""

    seen: Tensor
    target: Tensor
    cell: Tensor

    def of(self, wanted: Tensor) -> Pooled:
        """Return some of the views."""
        return Pooled(self.seen[wanted], self.target[wanted], self.cell[wanted])


def _whole(cell: RealCell) -> tuple[Tensor, Tensor, Tensor]:
    x, inside = torch.from_numpy(cell.x)[None], torch.from_numpy(cell.inside)[None, None]
    return x, inside, torch.ones(1, x.shape[1])


@torch.inference_mode()
def pool_real(network: Localizer, cells: list[RealCell], stage: HeadStage, seed: int) -> Pooled:
    """Return what is pooled of annotated cells: as they are, upside down, and shaken.

    Parameters
    ----------
    network : Localizer
        In evaluation mode.
    cells : list of RealCell
        To look at.
    stage : HeadStage
        How many views.
    seed : int
        Of their shaking.

    Returns
    -------
    Pooled
        Cell by cell.
    """
    seen, target, number = [], [], []
    for i, cell in enumerate(cells):
        rng = np.random.default_rng((seed, i))
        x, inside, present = _whole(cell)
        views = [(x, inside, present), (x.flip(2, 3), inside.flip(2, 3), present)]
        side = MULTIPLE * int(np.ceil(max(cell.inside.shape) / MULTIPLE))
        for _ in range(stage.views):
            batch = batch_of([annotated(cell)], min(side, stage.crop), rng)
            views.append((batch.x, batch.inside, batch.present))
        for view in views:
            seen.append(network.look(*view)[0])
            target.append(torch.from_numpy(annotated(cell).target)[None])
            number.append(i)
    return Pooled(torch.cat(seen), torch.cat(target), torch.tensor(number))


@torch.inference_mode()
def pool_drawn(network: Localizer, examples: Examples, stage: HeadStage) -> Pooled:
    """Return what is pooled of drawn cells.

    Parameters
    ----------
    network : Localizer
        In evaluation mode.
    examples : Examples
        That draw them.
    stage : HeadStage
        How many.

    Returns
    -------
    Pooled
        Of no real cell.
    """
    seen, target = [], []
    for step in range(stage.drawn // 8):
        batch = examples.batch(step - 1, 8, stage.crop, 0.0)
        seen.append(network.look(batch.x, batch.inside, batch.present)[0])
        target.append(batch.target)
    number = torch.full((8 * len(seen),), -1)
    return Pooled(torch.cat(seen), torch.cat(target), number)


def fit_head(network: Localizer, real: Pooled, drawn: Pooled, stage: HeadStage, seed: int) -> None:
    """Fit the head of a network, in place, to views of real and drawn cells.

    Real cells: cross-entropy among the classes that they tell apart, and binary cross-entropy;
    drawn ones: binary cross-entropy. A class of real cells is drawn as often as the root of the
    number of its views says: rare ones more often than they are, common ones still more often.

    Parameters
    ----------
    network : Localizer
        Its head is changed.
    real, drawn : Pooled
        What the trunk pooled.
    stage : HeadStage
        How long and how fast.
    seed : int
        Of weights and draws.
    """
    torch.manual_seed(seed)
    both = torch.cat([real.seen, drawn.seen])
    network.usual.copy_(both.mean(0))
    network.spread.copy_(both.std(0).clamp_min(1e-3))
    network.first.reset_parameters()
    network.second.reset_parameters()
    torch.nn.init.zeros_(network.direct.weight)
    torch.nn.init.zeros_(network.direct.bias)
    parts = [network.first, network.second, network.direct]
    weights = [p for part in parts for p in part.parameters()]
    optimiser = torch.optim.AdamW(weights, stage.learning_rate, weight_decay=stage.weight_decay)
    told = list(TOLD)
    # A cell of another class is none of these, not the first of them.
    among, one_of_them = real.target[:, told].argmax(1), real.target[:, told].any(1)
    label = real.target.argmax(1)
    chance = 1 / torch.bincount(label)[label].float().sqrt()
    network.train()
    schedule = CosineAnnealingLR(optimiser, max(1, stage.steps))
    for _ in range(stage.steps):
        mine = torch.multinomial(chance, stage.batch, replacement=True)
        theirs = torch.randint(len(drawn.seen), (stage.batch,))
        logits, _ = network.name(torch.cat([real.seen[mine], drawn.seen[theirs]]))
        own, other = logits[: stage.batch], logits[stage.batch :]
        loss = F.binary_cross_entropy_with_logits(other, drawn.target[theirs]) * len(logits[0])
        soft = real.target[mine] * (1 - SMOOTH)
        loss = loss + 0.5 * F.binary_cross_entropy_with_logits(own, soft) * len(logits[0])
        which = one_of_them[mine]
        if bool(which.any()):
            entropy = F.cross_entropy(
                own[which][:, told], among[mine][which], label_smoothing=SMOOTH
            )
            loss = loss + stage.among * entropy * which.float().mean()
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
    network.eval()
