"""What plausible pictures cost beside the estimate: of a small and of a large field."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import torch

import napari_dualgland as nd
from dualgland_training.data.collection import read_field
from dualgland_training.data.damage import FAMILIES
from napari_dualgland.typing import AnyArray

DAMAGE = ("thick", "random")


def seconds(image: AnyArray, pixel_um: float, damage: str, both: bool) -> tuple[float, float]:
    """Return the CPU-seconds of an imputation as it is by default, and the share missing."""
    missing = FAMILIES[damage]((image.shape[1], image.shape[2]), np.random.default_rng(4), 1.0)
    channels = tuple(nd.Channel(role, role) for role in nd.ROLES)
    hurt = np.where(missing, 0, image).astype(image.dtype)
    stack = nd.Stack(hurt, "CYX", channels, nd.PixelSize(pixel_um, pixel_um))
    started = time.process_time()
    nd.impute(stack, missing, both=both, device="cpu")
    return time.process_time() - started, float(missing.mean())


def rows(data: Path, field: str) -> list[str]:
    """Return the lines of the table, for the middle of a field and for all of it.

    Parameters
    ----------
    data : pathlib.Path
        The atlas collection.
    field : str
        At least 2048² pixels.

    Returns
    -------
    list of str
    """
    torch.set_num_threads(1)
    image = read_field(data, field)[:, :2048, :2048]
    found = [
        "| field | damage | missing | estimate, s | and a picture, s |",
        "|---|---|---:|---:|---:|",
    ]
    seconds(image[:, :256, :256], 0.08, DAMAGE[0], both=True)  # what is loaded once
    for side in (512, 2048):
        first = (2048 - side) // 2
        middle = image[:, first : first + side, first : first + side]
        for damage in DAMAGE[: 1 if side > 512 else 2]:
            alone, share = seconds(middle, 0.08, damage, both=False)
            both, _ = seconds(middle, 0.08, damage, both=True)
            found.append(f"| {side}² | {damage} | {share:.0%} | {alone:.1f} | {both:.1f} |")
    return found
