"""Fill copies of the holes, where the truth is known, and note what happened there.

What is noted of a few thousand pixels of every window is all that learning inside the
image and judging need; the windows themselves are not kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from napari_dualgland.imputation.clues import clues
from napari_dualgland.imputation.copies import Scene
from napari_dualgland.imputation.survey import Survey
from napari_dualgland.model.evidence import gather_evidence
from napari_dualgland.model.filler import Filler

MOST = 5000
"""Pixels of a window and channel that are noted at most."""

FLOOR = 1e-3
"""Mean squared error, normalised, that is added to a window's own before windows are
weighed against each other; as in the training loss."""


@dataclass(frozen=True)
class Notes:
    """What happened at N copied pixels of one channel, normalised.

    Attributes
    ----------
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
    judged : torch.Tensor
        (N,), boolean: kept for judging; learning must not see them.
    clues : torch.Tensor or None
        (N, F); None from a model without features.
    """

    departure: Tensor
    error: Tensor
    sigma: Tensor | None
    weight: Tensor
    judged: Tensor
    clues: Tensor | None


def practise(
    scenes: Iterable[Scene], surveyed: Survey, filler: Filler, learn: bool, seed: int
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
    learn : bool
        Whether to note clues, if the model has features.
    seed : int
        Decides which pixels are noted where there are too many.
    """
    rng = np.random.default_rng([seed, 1])
    for scene in scenes:
        image = np.where(scene.lost, 0, scene.pixels)
        truth = torch.from_numpy(surveyed.normalisation.apply(image))
        missing = torch.from_numpy(scene.copied | scene.lost)
        # Not in inference mode: what is learned from the clues needs gradients.
        with torch.no_grad():
            evidence = gather_evidence(
                truth[None].to(filler.device),
                missing[None].to(filler.device),
                surveyed.beta[None].to(filler.device),
            )
            said = filler.fill(evidence)
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
                        mean - prior,
                        error,
                        None if sigma is None else sigma[where],
                        weight.expand(len(where)),
                        torch.from_numpy(scene.judged.ravel()[flat]),
                        None if shown is None else shown.T.contiguous(),
                    )
                )
        yield noted


def joined(windows: Iterable[Notes]) -> Notes:
    """Return the notes of several windows as one."""
    parts = list(windows)

    def join(name: str) -> Tensor | None:
        found = [getattr(part, name) for part in parts]
        return None if found[0] is None else torch.cat(found)

    names = ("departure", "error", "sigma", "weight", "judged", "clues")
    return Notes(*(join(name) for name in names))  # type: ignore[arg-type]
