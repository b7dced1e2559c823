"""Fill copies of the holes, where the truth is known, and note what happened there.

What is noted of a few thousand pixels of every window is all that learning inside the
image and judging need; the windows themselves are not kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt
import torch

from napari_dualgland.imputation.clues import clues
from napari_dualgland.imputation.copies import Mask, Scene
from napari_dualgland.imputation.frame import Frame
from napari_dualgland.imputation.notes import Notes
from napari_dualgland.imputation.survey import Survey
from napari_dualgland.imputation.tiles import Box
from napari_dualgland.model.evidence import Evidence
from napari_dualgland.model.filler import Fill, Filler

MOST = 5000
"""Pixels of a window and channel that are noted at most."""

FLOOR = 1e-3
"""Mean squared error, normalised, that is added to a window's own before windows are
weighed against each other; as in the training loss."""


def practise(
    scenes: Iterable[Scene],
    surveyed: Survey,
    filler: Filler,
    deep: bool,
    learn: bool,
    seed: int,
) -> Iterator[list[Notes | None]]:
    """Yield, window by window, what happened in each of the four channels.

    Parameters
    ----------
    scenes : iterable of Scene
        Windows with copied holes.
    surveyed : Survey
        Exposure and couplings.
    filler : Filler
        The model.
    deep : bool
        Whether to start from a coarse fill, as in a frame with deep holes.
    learn : bool
        Whether to note clues, if the model has features.
    seed : int
        Decides which pixels are noted where there are too many.
    """
    rng = np.random.default_rng([seed, 1])
    for scene in scenes:
        unit = surveyed.normalisation.apply(np.where(scene.lost, 0, scene.pixels))
        truth = torch.from_numpy(unit)
        with torch.no_grad():
            evidence, said = _look(unit, scene.copied | scene.lost, surveyed, filler, deep)
            noted: list[Notes | None] = []
            for channel, copied in enumerate(scene.copied):
                flat = np.flatnonzero(copied)
                if not flat.size:
                    noted.append(None)
                    continue
                if flat.size > MOST:
                    flat = np.sort(rng.choice(flat, MOST, replace=False))
                where = torch.from_numpy(flat)
                prior, mean = (
                    x[0, channel].float().cpu().flatten()[where]
                    for x in (evidence.prior, said.mean)
                )
                error = truth[channel].flatten()[where] - prior
                weight = 1 / (error.square().sum() + FLOOR * len(where))
                sigma = None if said.sigma is None else said.sigma[0, channel].cpu().flatten()
                shown = None
                if learn and said.features is not None:
                    shown = clues(evidence, said, channel)[0].flatten(1)[:, where.to(filler.device)]
                noted.append(
                    Notes(
                        prior,
                        mean - prior,
                        error,
                        None if sigma is None else sigma[where],
                        weight.expand(len(where)),
                        torch.from_numpy(scene.part.ravel()[flat]),
                        None if shown is None else shown.T.contiguous(),
                    )
                )
        yield noted


def _look(
    unit: npt.NDArray[np.float32], missing: Mask, surveyed: Survey, filler: Filler, deep: bool
) -> tuple[Evidence, Fill]:
    """Return what a window shows and what the model says, as if it were a frame."""
    height, width = unit.shape[1:]

    def read(box: Box) -> npt.NDArray[np.float32]:
        return unit[(slice(None), *box.slices)]

    frame = Frame(read, missing, filler, surveyed.beta, max(height, width), deep=deep)
    return frame.look(Box(0, height, 0, width))
