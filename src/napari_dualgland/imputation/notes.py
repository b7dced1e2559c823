"""What is noted where copies of holes were filled: all that learning and judging need."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Notes:
    """What happened at N copied pixels of one channel, normalised.

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
    clues : torch.Tensor or None
        (N, F); None from a model without features.
    """

    prior: Tensor
    departure: Tensor
    error: Tensor
    sigma: Tensor | None
    weight: Tensor
    part: Tensor
    clues: Tensor | None


def joined(windows: Iterable[Notes]) -> Notes:
    """Return the notes of several windows as one."""
    parts = list(windows)

    def join(name: str) -> Tensor | None:
        found = [getattr(part, name) for part in parts]
        return None if found[0] is None else torch.cat(found)

    names = ("prior", "departure", "error", "sigma", "weight", "part", "clues")
    return Notes(*(join(name) for name in names))  # type: ignore[arg-type]
