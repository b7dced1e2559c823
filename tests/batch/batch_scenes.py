"""Small damaged fields in files, and what is done with them quickly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from napari_dualgland.imputation.params import ImputeParams
from napari_dualgland.io import write
from napari_dualgland.stack import ROLES, Channel, PixelSize, Stack

QUICK = ImputeParams(model="prior", device="cpu", tile=64, rehearse=False)
"""Options that run fast on any machine; without rehearsing nothing is learned either."""
HOLE = (slice(20, 36), slice(16, 30))
COLOURS = dict(zip(ROLES, ("red", "green", "blue", "yellow"), strict=True))


def pixels(seed: int = 0, side: int = 64) -> np.ndarray:
    """Return four smooth channels with a hole in each."""
    y, x = np.mgrid[:side, :side] / side
    noise = np.random.default_rng(seed)
    waves = [np.sin(7 * y + k + seed) * np.cos(5 * x - k) for k in range(len(ROLES))]
    field = 120 + 70 * np.stack(waves) + noise.normal(0, 3, (4, side, side))
    field = field.clip(20, 240).astype(np.uint8)
    field[(slice(None), *HOLE)] = 0
    return field


def field_file(path: Path, seed: int = 0) -> Path:
    """Write a damaged field as OME-TIFF."""
    path.parent.mkdir(parents=True, exist_ok=True)
    channels = tuple(Channel(role, role) for role in ROLES)
    return write(Stack(pixels(seed), "CYX", channels, pixel_size=PixelSize(0.1, 0.1)), path)


def field_set(prefix: Path, seed: int = 0) -> list[Path]:
    """Write a damaged field as the four files of a Human Protein Atlas set."""
    prefix.parent.mkdir(parents=True, exist_ok=True)
    files = []
    for channel, colour in zip(pixels(seed), COLOURS.values(), strict=True):
        files.append(prefix.with_name(f"{prefix.name}_{colour}.png"))
        Image.fromarray(channel).save(files[-1])
    return files


def broken_file(path: Path) -> Path:
    """Write what is no TIFF, whatever its name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"II*\0nonsense that goes nowhere")
    return path
