"""Examples as a training step sees them: turned, zoomed, cut, shaken, now and then hurt."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from dualgland_training.localizer.bank import Bank
from dualgland_training.localizer.examples import (
    MARKS,
    Example,
    RealCell,
    annotated,
    mixed,
)
from napari_dualgland.classes import CLASSES
from napari_dualgland.model.localizer import PLACES, STRIDE
from napari_dualgland.stack import ROLES
from napari_dualgland.typing import Float32Array


class Batch(NamedTuple):
    """B views; ``known`` (B,) is 1 where ``dense`` is the truth, 0 for annotated cells."""

    x: Tensor
    inside: Tensor
    present: Tensor
    target: Tensor
    dense: Tensor
    known: Tensor


def _lost(example: Example, rng: np.random.Generator) -> Float32Array:
    """Return which channels stay: now and then a landmark is missing, the ER more often."""
    present = example.present.copy()
    for c, chance in zip(MARKS, (0.06, 0.04, 0.22), strict=True):
        if rng.random() < chance:
            present[c] = 0
    return present


def _damage(x: Tensor, rng: np.random.Generator) -> None:
    """Lose a box or a few lines of some channels, in place, as an unfilled cell has them."""
    channels = [c for c in range(len(ROLES)) if rng.random() < 0.6]
    height, width = x.shape[1:]
    if rng.random() < 0.5:
        side = int(rng.uniform(0.1, 0.4) * width)
        top, left = int(rng.integers(height - side)), int(rng.integers(width - side))
        x[channels, top : top + side, left : left + side] = 0
    else:
        for row in rng.integers(0, height - 3, 4):
            x[channels, row : row + int(rng.integers(1, 4))] = 0


def _turned(example: Example, crop: int, rng: np.random.Generator) -> tuple[Tensor, Tensor | None]:
    """Turn, zoom and cut."""
    planes = [example.x, example.inside[None]]
    carried = [] if example.dense is None else np.flatnonzero(example.dense.any((1, 2))).tolist()
    if example.dense is not None:
        planes.append(example.dense[carried].astype(np.float32))
    stack = torch.from_numpy(np.concatenate(planes))[None]
    height, width = example.inside.shape
    angle, zoom = rng.uniform(-np.pi, np.pi), np.exp(rng.normal(0, 0.12))
    largest = max(height, width)
    if largest > crop and rng.random() < 0.5:
        zoom *= max(crop / largest, 0.75)  # let large cells be seen whole as often as cut
    stretch = np.exp(rng.normal(0, 0.05))
    flip = rng.choice([-1, 1])
    a = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    a = a @ np.diag([flip * stretch, 1 / stretch]) / zoom
    a = np.array([[2 / width], [2 / height]]) * a * (crop / 2)
    ys, xs = np.nonzero(example.inside)
    loose = [max(0.0, n * zoom - crop) / zoom / 2 * 0.7 for n in (width, height)]
    centre = [
        2 * (xs.mean() + rng.uniform(-1, 1) * loose[0]) / width - 1,
        2 * (ys.mean() + rng.uniform(-1, 1) * loose[1]) / height - 1,
    ]
    theta = torch.from_numpy(np.column_stack([a, centre]).astype(np.float32))[None]
    grid = F.affine_grid(theta, [1, 1, crop, crop], align_corners=False)
    view = F.grid_sample(stack, grid, mode="bilinear", padding_mode="zeros", align_corners=False)[0]
    if example.dense is None:
        return view, None
    dense = torch.zeros(PLACES, crop // STRIDE, crop // STRIDE)
    if carried:
        dense[carried] = F.avg_pool2d(view[5:], STRIDE)
    return view[:5], dense


def _shaken(x: Tensor, rng: np.random.Generator, real: bool) -> Tensor:
    """Change exposure: gamma and gain by channel; on real cells some noise and blur, too."""
    gamma = torch.from_numpy(np.exp(rng.normal(0, 0.18, (4, 1, 1))).astype(np.float32))
    gain = torch.from_numpy(np.exp(rng.normal(0, 0.15, (4, 1, 1))).astype(np.float32))
    x = gain * torch.sign(x) * (x.abs() + 1e-6) ** gamma
    if real and rng.random() < 0.5:
        noise = torch.from_numpy(rng.standard_normal(x.shape, dtype=np.float32))
        x = x + float(rng.uniform(0, 0.05)) * noise * (x.abs() + 0.1).sqrt()
    return x.clamp(-0.5, 4)


def batch_of(examples: list[Example], crop: int, rng: np.random.Generator) -> Batch:
    """Return shaken views of examples.

    Parameters
    ----------
    examples : list of Example
        Of whole cells.
    crop : int
        Side of a view, pixels.
    rng : numpy.random.Generator
        Draws.

    Returns
    -------
    Batch
        A view of each.
    """
    xs, insides, presents, denses, known = [], [], [], [], []
    for example in examples:
        view, dense = _turned(example, crop, rng)
        inside = (view[4:5] > 0.5).float()
        x = _shaken(view[:4], rng, dense is None)
        if rng.random() < 0.15:
            _damage(x, rng)
        xs.append(x * inside)
        insides.append(inside)
        presents.append(torch.from_numpy(_lost(example, rng)))
        side = crop // STRIDE
        denses.append(torch.zeros(PLACES, side, side) if dense is None else dense)
        known.append(float(dense is not None))
    target = torch.from_numpy(np.stack([e.target for e in examples]))
    return Batch(
        x=torch.stack(xs),
        inside=torch.stack(insides),
        present=torch.stack(presents),
        target=target,
        dense=torch.stack(denses),
        known=torch.tensor(known),
    )


class Examples:
    """Draws batches: classes alike often, whatever the bank or the collection holds most of.

    Parameters
    ----------
    bank : Bank
        Drawn cells.
    cells : list of RealCell
        Annotated cells to train on.
    seed : int
        Of all draws.
    """

    def __init__(self, bank: Bank, cells: list[RealCell], seed: int) -> None:
        self._bank, self._cells, self._seed = bank, cells, seed
        every = range(len(bank))
        shows = [bank.available(i) for i in every]
        self._showing = [[i for i in every if shows[i][k]] for k in range(PLACES)]
        self._showing.append(list(every))
        self._by_label: dict[int, list[RealCell]] = {}
        for cell in cells:
            self._by_label.setdefault(cell.label, []).append(cell)

    def count(self) -> dict[str, int]:
        """Return how many cells there are, drawn and annotated."""
        return {"drawn": len(self._bank), "annotated": len(self._cells)}

    def drawn(self, rng: np.random.Generator) -> Example:
        """Return a drawn example of a random class."""
        wanted = int(rng.integers(len(CLASSES)))
        return mixed(self._bank, wanted, int(rng.choice(self._showing[wanted])), rng)

    def real(self, rng: np.random.Generator) -> Example:
        """Return an annotated cell of a random class, the groups of a class alike often."""
        pool = self._by_label[int(rng.choice(sorted(self._by_label)))]
        groups = sorted({c.group for c in pool})
        group = groups[int(rng.integers(len(groups)))]
        pool = [c for c in pool if c.group == group]
        return annotated(pool[int(rng.integers(len(pool)))])

    def batch(self, step: int, size: int, crop: int, real: float) -> Batch:
        """Return the views of a step.

        A step draws from a source of its own: training that goes on in its middle sees what it
        would have seen.

        Parameters
        ----------
        step : int
            Steps done so far.
        size, crop : int
            Views, and their side in pixels.
        real : float
            Share of them that are annotated cells.

        Returns
        -------
        Batch
            The drawn ones last.
        """
        rng = np.random.default_rng((self._seed, step + 1))
        number = round(size * real) if self._cells else 0
        examples = [self.real(rng) for _ in range(number)]
        examples += [self.drawn(rng) for _ in range(size - number)]
        return batch_of(examples, crop, rng)
