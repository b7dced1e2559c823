"""Cells for the tests of the gland losses: simulated ones, and real ones where they are."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch

from dualgland_training.simulate import simulate_field
from napari_dualgland.imputation.normalise import measure

ATLAS = Path(__file__).parents[3] / "shared" / "data" / "hpa"

SCENES = [
    "simulated",
    pytest.param(
        "real",
        marks=pytest.mark.skipif(not ATLAS.is_dir(), reason="the atlas collection is absent"),
    ),
]


@lru_cache
def cells(kind: str) -> torch.Tensor:
    """Return two crops with cells, (2, 4, 96, 96), normalised."""
    if kind == "simulated":
        image = np.asarray(simulate_field((192, 192), seed=4).data)
        places = [(0, 0), (96, 0)]
    else:
        files = sorted((ATLAS / "cells").iterdir())
        image = np.asarray(tifffile.imread(files[5]))
        y, x = (s // 2 for s in image.shape[1:])
        places = [(y - 90, x - 48), (y - 20, x - 60)]
    unit = measure([c.ravel() for c in image]).apply(image)
    crops = [unit[:, y : y + 96, x : x + 96] for y, x in places]
    assert all(crop.shape == (4, 96, 96) for crop in crops)
    return torch.from_numpy(np.stack(crops)).float()


def holes() -> torch.Tensor:
    """Return what the two lose: a box and a scratch over all channels; a box of the protein."""
    missing = torch.zeros(2, 4, 96, 96, dtype=torch.bool)
    missing[0, :, 30:62, 24:60] = True
    missing[0, :, 70:73, 5:90] = True
    missing[1, 1, 40:72, 40:64] = True
    return missing


def blurred(x: torch.Tensor) -> torch.Tensor:
    """Return a picture under a box of 5 × 5."""
    padded = torch.nn.functional.pad(x, (2, 2, 2, 2), mode="replicate")
    return torch.nn.functional.avg_pool2d(padded, 5, stride=1)


def spoiled(x: torch.Tensor) -> dict[str, torch.Tensor]:
    """Return a blurred, a shifted and a mean-filled picture."""
    return {
        "blurred": blurred(x),
        "shifted": torch.roll(x, 3, dims=3),
        "mean": x.mean((2, 3), keepdim=True).expand_as(x),
    }
