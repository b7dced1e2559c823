"""Fill what was held out, where the truth is known, and keep what happened there.

What is kept of a few thousand pixels of every window is all that learning inside the image
and checking need; the windows themselves are not kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from napari_dualgland.imputation.calibration.correction import alike
from napari_dualgland.imputation.calibration.features import Features
from napari_dualgland.imputation.calibration.holdout import HoldoutWindow
from napari_dualgland.imputation.calibration.kriging import Kriging
from napari_dualgland.imputation.calibration.rehearsed import RehearsedFills
from napari_dualgland.imputation.statistics import StackStatistics
from napari_dualgland.imputation.tiling.boxes import Box
from napari_dualgland.imputation.tiling.frame import Frame
from napari_dualgland.imputation.tiling.window import Window, ask, shown
from napari_dualgland.memory import is_out_of_memory
from napari_dualgland.model.evidence import Evidence, gather_evidences
from napari_dualgland.model.filler import Fill, Filler
from napari_dualgland.typing import AnyArray, Float32Array, IndexArray

MOST = 2500
"""Pixels of a window and channel that are kept at most …"""

MOST_IN_ALL = 80_000
"""… and of all windows: their features are to take no more memory where there are many windows,
of which each then tells as much with fewer pixels."""

FLOOR = 1e-3
"""Mean squared error, normalised, that is added to a window's own before windows are
weighed against each other; as in the training loss."""

BATCH_PIXELS = 4 * 160**2
"""Pixels of the windows that are filled at once: small ones leave a processor idle, and nobody
should wait half a second for a run to be cancelled."""


@dataclass(frozen=True)
class HoldoutErrors:
    """What happened at N held-out pixels of one channel, normalised.

    Attributes
    ----------
    prior : torch.Tensor
        (N,): the secretory prior.
    departure : torch.Tensor
        (N,): of the model's estimate from the secretory prior.
    error : torch.Tensor
        (N,): truth less the prior.
    sigma : torch.Tensor or None
        (N,): the standard deviation that the model stated.
    weight : torch.Tensor
        (N,): so that windows count relative to the error of the prior there; a window's
        pixels sum to about 1. Otherwise bright windows alone would decide, and a faint haze
        over what is truly dark would cost nothing.
    part : torch.Tensor
        (N,): which part of the field it lies in.
    features : torch.Tensor or None
        (N, F); None where nothing is to be learned.
    """

    prior: Tensor
    departure: Tensor
    error: Tensor
    sigma: Tensor | None
    weight: Tensor
    part: Tensor = field(default_factory=lambda: torch.zeros(0))
    features: Tensor | None = None


def joined(windows: Iterable[HoldoutErrors]) -> HoldoutErrors:
    """Return the errors of several windows as one."""
    parts = list(windows)

    def join(name: str) -> Tensor | None:
        found = [getattr(part, name) for part in parts]
        return None if found[0] is None else torch.cat(found)

    return HoldoutErrors(**{name: join(name) for name in HoldoutErrors.__dataclass_fields__})  # type: ignore[arg-type]


def fill_holdouts(
    windows: Sequence[HoldoutWindow],
    pixels: Sequence[AnyArray],
    statistics: StackStatistics,
    filler: Filler,
    deep: bool,
    kriging: Kriging | None,
    seed: int,
    keep: RehearsedFills | None = None,
) -> Iterator[list[list[HoldoutErrors | None]]]:
    """Fill windows, several at once; fewer if memory runs out.

    Parameters
    ----------
    windows : sequence of HoldoutWindow
        Of one size.
    pixels : sequence of numpy.ndarray
        Theirs, (4, h, w) in the units of the stack.
    statistics : StackStatistics
        Exposure and couplings.
    filler : Filler
        The model.
    deep : bool
        Whether to start from a coarse fill, as in a frame with deep holes.
    kriging : Kriging, optional
        Of the image, to keep features with, if the model has some; none are kept without.
    seed : int
        Decides which pixels are kept where there are too many.
    keep : RehearsedFills, optional
        Keeps the fills themselves.

    Yields
    ------
    list of list of HoldoutErrors or None
        For each window of a batch, for each of the four channels; None where nothing was
        held out.

    Raises
    ------
    Exception
        One that :func:`~napari_dualgland.memory.is_out_of_memory` knows, if memory does not
        suffice for a single window.
    """
    rng = np.random.default_rng([seed, 1])
    done, batch, most = 0, len(windows), MOST
    if windows:
        most = min(MOST, MOST_IN_ALL // len(windows))
        batch = max(1, BATCH_PIXELS // windows[0].missing[0].size)
    while done < len(windows):
        some = windows[done : done + batch]
        units = [
            statistics.normalisation.shown(image, window.missing)
            for window, image in zip(some, pixels[done : done + batch], strict=True)
        ]
        kept = rng.bit_generator.state
        try:
            evidence, said = _filled(some, units, statistics, filler, deep)
            found = _errors_of(some, units, evidence, said, kriging, most, rng)
        except Exception as error:
            if batch == 1 or not is_out_of_memory(error):
                raise
            rng.bit_generator.state = kept
            batch //= 2
            continue
        done += len(some)
        if keep is not None:
            keep.add(some, units, evidence, said)
        yield found


@torch.no_grad()
def _filled(
    windows: Sequence[HoldoutWindow],
    units: Sequence[Float32Array],
    statistics: StackStatistics,
    filler: Filler,
    deep: bool,
) -> tuple[Evidence, Fill]:
    """Return what the windows of one batch show, and what the model makes of it."""
    seen = [
        _seen(window, unit, statistics, filler, deep)
        for window, unit in zip(windows, units, strict=True)
    ]
    evidence = gather_evidences([shown(seen, statistics.beta, filler.device)])[0]
    return evidence, ask(seen, evidence, filler)


@torch.no_grad()
def _errors_of(
    windows: Sequence[HoldoutWindow],
    units: Sequence[Float32Array],
    evidence: Evidence,
    said: Fill,
    kriging: Kriging | None,
    most: int,
    rng: np.random.Generator,
) -> list[list[HoldoutErrors | None]]:
    """Return what happened in the windows of one batch, at ``most`` pixels of each."""
    features = None
    if kriging is not None and said.features is not None:
        features = Features(evidence, said, kriging)
    found: list[list[HoldoutErrors | None]] = []
    for number, (window, unit) in enumerate(zip(windows, units, strict=True)):
        found.append([None] * len(window.held_out))
        for channels in alike(torch.from_numpy(window.held_out)[None], range(len(found[-1]))):
            flat = np.flatnonzero(window.held_out[channels[0]])
            if not flat.size:
                continue
            if flat.size > most:
                flat = np.sort(rng.choice(flat, most, replace=False))
            there = None
            if features is not None:
                at = torch.from_numpy(flat) + number * window.part.size
                there = features.at(at.to(evidence.prior.device))
            for channel in channels:
                errors = _errors(evidence, said, (number, channel), flat, unit)
                found[-1][channel] = replace(
                    errors,
                    part=torch.from_numpy(window.part.ravel()[flat]),
                    features=None if there is None else there.of(channel),
                )
    return found


def _errors(
    evidence: Evidence, said: Fill, plane: tuple[int, int], flat: IndexArray, unit: Float32Array
) -> HoldoutErrors:
    """Return what happened at some pixels, by their position in one plane of one window."""
    where = torch.from_numpy(flat)

    def picked(planes: Tensor) -> Tensor:
        return planes[plane].float().cpu().flatten()[where]

    prior, mean = picked(evidence.prior), picked(said.mean)
    error = torch.from_numpy(unit)[plane[1]].flatten()[where] - prior
    weight = 1 / (error.square().sum() + FLOOR * len(where))
    sigma = None if said.sigma is None else picked(said.sigma)
    return HoldoutErrors(prior, mean - prior, error, sigma, weight.expand(len(where)))


def _seen(
    window: HoldoutWindow,
    unit: Float32Array,
    statistics: StackStatistics,
    filler: Filler,
    deep: bool,
) -> Window:
    """Return what is shown of a window, as if it were a frame."""
    height, width = unit.shape[1:]

    def read(box: Box) -> Float32Array:
        return unit[(slice(None), *box.slices)]

    missing = window.held_out | window.missing
    frame = Frame(read, missing, filler, statistics.beta, max(height, width), deep=deep)
    return frame.window(Box(0, height, 0, width))
