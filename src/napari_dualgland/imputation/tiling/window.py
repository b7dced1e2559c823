"""A window around a hole as the model sees it, and what the model makes of several at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from napari_dualgland.imputation.tiling.coarse import COARSE
from napari_dualgland.model.evidence import Evidence, Shown
from napari_dualgland.model.filler import Fill, Filler
from napari_dualgland.model.tensors import USE_ANOTHER, refuse_not_finite
from napari_dualgland.typing import AnyArray, BoolArray, Float32Array

MULTIPLE = 16
"""Windows are completed to multiples of this, mirrored, for the network's strides."""

LEVELS, LEVELS_DEEP = 5, 2
"""Levels of the prior's pyramid that are relaxed; fewer where a coarse fill is their start."""


class Window(NamedTuple):
    """What is shown to a model, completed to MULTIPLE; (4, H, W) each, normalised.

    ``coarse`` and ``coarse_sigma`` are (4, H / COARSE, W / COARSE): the fill from which the
    pyramid starts where holes are deep, and its standard deviation.
    """

    image: Float32Array
    missing: BoolArray
    coarse: Float32Array | None = None
    coarse_sigma: Float32Array | None = None


def padding(shape: Sequence[int]) -> list[tuple[int, int]]:
    """Return by how much (4, h, w) is completed, as ``np.pad`` takes it."""
    return [(0, 0), *((0, -s % MULTIPLE) for s in shape[1:])]


def shown(windows: Sequence[Window], beta: Tensor, device: torch.device) -> Shown:
    """Return windows as the fills are made from them.

    Parameters
    ----------
    windows : sequence of Window
        B of one size, all with a coarse fill or none.
    beta : torch.Tensor
        (4, 4) couplings between channels.
    device : torch.device
        Where to compute.

    Returns
    -------
    Shown
        (B, 4, H, W) each.
    """
    coarse = [w.coarse for w in windows if w.coarse is not None]
    return Shown(
        _stacked([w.image for w in windows], device),
        _stacked([w.missing for w in windows], device),
        beta.expand(len(windows), -1, -1).to(device),
        levels=LEVELS_DEEP if coarse else LEVELS,
        coarsest=_stacked(coarse, device) if coarse else None,
    )


@torch.no_grad()
def ask(windows: Sequence[Window], evidence: Evidence, filler: Filler) -> Fill:
    """Ask a model what it makes of some windows.

    Parameters
    ----------
    windows : sequence of Window
        B of one size, all with a coarse fill or none.
    evidence : Evidence
        What they show, (B, 4, H, W) each.
    filler : Filler
        The model.

    Returns
    -------
    Fill
        What the model makes of it.

    Raises
    ------
    DualglandError
        If what the model says is not finite.
    """
    said = filler.fill(evidence)
    told = {name: part for name, part in said._asdict().items() if part is not None}
    refuse_not_finite(told, f"model {filler.card.name}", USE_ANOTHER)
    floor = [w.coarse_sigma for w in windows if w.coarse_sigma is not None]
    if said.sigma is not None and floor:
        # Deep inside a hole the window knows less than it thinks: what the coarse
        # pass could not tell, the fine one cannot either.
        wide = _stacked([f.repeat(COARSE, 1).repeat(COARSE, 2) for f in floor], filler.device)
        height, width = said.sigma.shape[2:]
        said = said._replace(sigma=said.sigma.maximum(wide[:, :, :height, :width]))
    return said


def _stacked(planes: Sequence[AnyArray], device: torch.device) -> Tensor:
    return torch.from_numpy(np.stack(planes)).to(device)
