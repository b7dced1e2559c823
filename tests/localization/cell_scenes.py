"""Small simulated fields with known cells, and a small untrained localizer with its card."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

from napari_dualgland import CLASSES, ROLES, Channel, PixelSize, Stack
from napari_dualgland.model.localizer import build_localizer

CHANNELS = tuple(Channel(role, role) for role in ROLES)
PITCH = 80
PIXEL = PixelSize(0.24, 0.24)
PRIOR = {name: 0.02 + 0.01 * i for i, name in enumerate(CLASSES)}


def save_localizer(folder: Path, name: str = "small", **use: Any) -> str:
    """Save a localizer that was never trained, but has opinions; return its path."""
    architecture = {"kind": "localizer", "widths": [8, 8, 12, 12], "depths": [1, 1, 1, 1]}
    torch.manual_seed(1)
    network = build_localizer(architecture)
    with torch.no_grad():
        for parameter in network.second.parameters():
            parameter.mul_(20)
        network.dense.weight.mul_(20)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.safetensors"
    save_file({key: value.half() for key, value in network.state_dict().items()}, path)
    card = {
        "name": name,
        "architecture": architecture,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "use": {"temperature": 1.5, "prior": PRIOR, **use},
    }
    path.with_suffix(".json").write_text(json.dumps(card))
    return str(path)


def field(rows: int = 2, columns: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return (4, Y, X) uint16 and (Y, X) labels from 1: round cells, a nucleus in each."""
    rng = np.random.default_rng(seed)
    height, width = rows * PITCH, columns * PITCH
    y, x = np.mgrid[:height, :width].astype(np.float32)
    number = (y // PITCH * columns + x // PITCH).astype(np.int32) + 1
    away = np.hypot(y % PITCH - 40, (x % PITCH - 40) * (1 + 0.05 * (number % 3)))
    body, nucleus = away < 33, away < 13
    grain = rng.random((3, height, width)).astype(np.float32)
    image = np.stack(
        [
            body * (60 + 100 * grain[0]),
            body * (40 + 160 * grain[1] * (1 + np.sin(x / (2 + number % 4)))),
            nucleus * 190.0,
            body * (40 + 120 * grain[2]),
        ]
    )
    noise = rng.normal(20, 2, image.shape)
    return np.rint(image + noise).clip(0).astype(np.uint16), np.where(body, number, 0)


def stack_of(image: np.ndarray, axes: str = "CYX", **fields: Any) -> Stack:
    channels = CHANNELS if len(CHANNELS) == image.shape[axes.index("C")] else CHANNELS[:1]
    return Stack(image, axes, channels, **{"pixel_size": PIXEL, **fields})
