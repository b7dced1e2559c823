"""What a training step sees: cells of the bank with a protein mixed anew, and real ones.

Everything that a microscope, an antibody or a culture may do to a cell without moving its
protein is done to it here: exposure, grain, blur, noise, haze of unspecific binding, a lost
landmark, damage, another magnification, another orientation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from scipy import ndimage
from torch import Tensor

from dualgland_training.localizer.bank import LANDMARKS, UNIT, Bank, Bytes
from dualgland_training.simulate.mixture import truth_of
from napari_dualgland.classes import CLASSES, NEGATIVE
from napari_dualgland.localization.views import BRIGHT
from napari_dualgland.model.localizer import PLACES, STRIDE
from napari_dualgland.stack import ROLES

PROTEIN = ROLES.index("protein")
MARKS = [ROLES.index(role) for role in ("microtubules", "nucleus", "er")]

HAZE = ("Nucleoplasm", "Cytosol", "Plasma membrane", "Vesicles and punctate cytosolic patterns")
"""Where antibodies bind unspecifically, each up to :data:`FAINT`: present, but not named."""

FAINT = 0.2
"""The strongest haze beside a protein of strength 1."""

CYTOSOL = CLASSES.index("Cytosol")

ER = 2
"""Plane of the bank that holds the ER."""

SHADING = 5.0
"""Blur, in pixels, under which the texture of the ER is gone and its shading is left."""

WEAKEST = 0.35
"""The weakest place of a protein that is still named."""

Floats = npt.NDArray[np.float32]


class Example(NamedTuple):
    """One cell before it is turned and cut: planes on the cell's own canvas.

    ``x`` is (4, h, w), ``inside`` (h, w), ``dense`` (18, h, w) or None where no truth is known,
    ``target`` (19,), ``present`` (4,).
    """

    x: Floats
    inside: Floats
    dense: npt.NDArray[np.uint8] | None
    target: Floats
    present: Floats


class Batch(NamedTuple):
    """B views; ``known`` (B,) is 1 where ``dense`` is the truth, 0 for annotated cells."""

    x: Tensor
    inside: Tensor
    present: Tensor
    target: Tensor
    dense: Tensor
    known: Tensor


@dataclass(frozen=True)
class RealCell:
    """An annotated cell, normalised as the localizer sees it."""

    x: Floats
    inside: Floats
    label: int
    group: str


def _weights(
    wanted: int, available: npt.NDArray[np.bool_], rng: np.random.Generator
) -> dict[int, float]:
    """Return the classes of a protein and how strong each is; the strongest is 1."""
    chosen = {wanted: 1.0}
    others = np.flatnonzero(available)
    for _ in range(int(rng.choice([0, 1, 2], p=[0.6, 0.3, 0.1]))):
        chosen.setdefault(int(rng.choice(others)), float(rng.uniform(WEAKEST, 1)))
    return chosen


def mixed(bank: Bank, wanted: int, index: int, rng: np.random.Generator) -> Example:
    """Return a cell of the bank with a protein in class ``wanted``, and perhaps in others."""
    planes, inside = bank.planes[index], bank.inside[index].astype(np.float32)
    weights = {} if wanted == NEGATIVE else _weights(wanted, bank.available(index), rng)
    light = np.zeros(inside.shape, np.float32)
    dense = np.zeros((PLACES, *inside.shape), np.uint8)
    for k, weight in weights.items():
        own = planes[LANDMARKS + k].astype(np.float32) / UNIT
        dense[k] = truth_of(own, CLASSES[k])
        if k == CYTOSOL and rng.random() < 0.7:
            own = _as_thick_as_er(own, planes[ER], inside, rng)
        light += np.float32(weight) * own
    for name in HAZE:
        k = CLASSES.index(name)
        if k not in weights:
            most = FAINT * (0.5 if name == HAZE[-1] else 1)
            faint = np.float32(rng.uniform(0, most) * (rng.random() < 0.7))
            light += faint * planes[LANDMARKS + k].astype(np.float32) / UNIT
    light += np.float32(rng.uniform(0, 0.08)) * inside
    # Strange as it looks, the worst thing for a picture of Negative is a gain of 1: then it is
    # noise and haze blown up; beside bright cells it stays dark.
    strength = 1.0
    if wanted == NEGATIVE:
        strength = float(rng.choice([1.0, rng.uniform(0.05, 0.5)]))
    elif rng.random() < 0.1:
        strength = float(rng.uniform(0.3, 1))
    x = np.zeros((len(ROLES), *inside.shape), np.float32)
    x[PROTEIN] = strength * _exposed(light, inside, rng, wanted == NEGATIVE)
    for c, plane in zip(MARKS, planes[:LANDMARKS], strict=True):
        x[c] = _exposed(plane.astype(np.float32) / UNIT, inside, rng, False)
    target = np.zeros(len(CLASSES), np.float32)
    target[list(weights) or [NEGATIVE]] = 1
    return Example(x, inside, dense, target, np.ones(len(ROLES), np.float32))


def _as_thick_as_er(own: Floats, er: Bytes, inside: Floats, rng: np.random.Generator) -> Floats:
    """Return cytosol that is bright where the ER is: there the cell is thick.

    Without it, whatever follows the ER's slow shading would be taken for the ER.
    """
    slow = ndimage.gaussian_filter(er.astype(np.float32), SHADING)
    slow = slow / max(float(np.percentile(slow[inside > 0], BRIGHT)), 1e-3)
    shaded = own * (0.1 + slow) ** np.float32(rng.uniform(0.3, 1.1))
    bright = float(np.percentile(shaded[inside > 0], BRIGHT))
    return np.asarray(shaded / max(bright, 1e-3), np.float32)


def _exposed(light: Floats, inside: Floats, rng: np.random.Generator, dark: bool) -> Floats:
    """Photograph light: grain, blur, photon and read noise, then the localizer's own scale."""
    if rng.random() < 0.7:
        grain = ndimage.gaussian_filter(
            rng.standard_normal(light.shape, dtype=np.float32), rng.uniform(0.4, 1.0)
        )
        light = light * np.exp(np.float32(rng.uniform(0, 0.45)) * grain / max(grain.std(), 1e-6))
    if rng.random() < 0.5:
        light = ndimage.gaussian_filter(light, rng.uniform(0.2, 0.9))
    photons = np.exp(rng.uniform(np.log(8), np.log(60 if dark else 400)))
    counts = rng.poisson(np.clip(light, 0, 4) * photons + rng.uniform(0, 2)) / photons
    counts = counts + rng.normal(0, rng.uniform(0, 0.03), light.shape)
    # What is black in the whole frame became 0; some of the background stays.
    light = (counts - rng.uniform(0, 0.05)).astype(np.float32)
    bright = float(np.percentile(light[inside > 0], BRIGHT))
    return np.asarray(light / max(bright, 1e-3) * inside, np.float32)


def annotated(cell: RealCell) -> Example:
    """Return an annotated cell; of its pixels no truth is known."""
    target = np.zeros(len(CLASSES), np.float32)
    target[cell.label] = 1
    return Example(cell.x, cell.inside, None, target, np.ones(len(ROLES), np.float32))


def _lost(example: Example, rng: np.random.Generator) -> Floats:
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


def turned(example: Example, crop: int, rng: np.random.Generator) -> tuple[Tensor, Tensor | None]:
    """Turn, zoom and cut: (5, crop, crop) of channels and mask, and (18, crop / 2, …) or None."""
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
    """Return shaken views of examples."""
    xs, insides, presents, denses, known = [], [], [], [], []
    for example in examples:
        view, dense = turned(example, crop, rng)
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
        """Return the ``size`` views of a step, a share ``real`` of them annotated cells.

        A step draws from a source of its own: training that goes on in its middle sees what it
        would have seen.
        """
        rng = np.random.default_rng((self._seed, step))
        number = round(size * real) if self._cells else 0
        examples = [self.real(rng) for _ in range(number)]
        examples += [self.drawn(rng) for _ in range(size - number)]
        return batch_of(examples, crop, rng)
