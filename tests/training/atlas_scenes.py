"""A small atlas of simulated images, and an untrained generator that has seen none of it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from safetensors.torch import save_file
from skimage.io import imsave

from dualgland_training.data.collection import SUFFIXES
from dualgland_training.simulate import simulate_field
from napari_dualgland.model.generator import Generator
from napari_dualgland.model.weights import ModelCard
from napari_dualgland.stack import ROLES


@pytest.fixture(scope="module")
def atlas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("atlas")
    (root / "cells").mkdir()
    image = np.asarray(simulate_field((192, 192), seed=1).data)
    add_field(root / "fields", "f", image)
    rows = ["file,label_28,group"]
    for i in range(3):
        cell = image[:, 48 * i : 48 * i + 80, 16:96]
        tifffile.imwrite(root / "cells" / f"{i}.tif", cell, photometric="minisblack")
        rows.append(f"{i}.tif,{25 if i else 0},{'h' if i else 'other'}")
    (root / "cells.csv").write_text("\n".join(rows) + "\n")
    return root


def add_field(folder: Path, name: str, image: np.ndarray) -> None:
    """Write a field of the collection."""
    folder.mkdir(exist_ok=True)
    for role, plane in zip(ROLES, image, strict=True):
        imsave(folder / f"{name}_{SUFFIXES[role]}.png", plane, check_contrast=False)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An untrained generator with a card that names what was held out."""
    folder = tmp_path_factory.mktemp("model")
    return tiny(folder, {"data": {"held_out_fields": ("f",), "held_out_groups": ("h",)}})


def tiny(folder: Path, recipe: dict[str, Any]) -> str:
    """Write an untrained generator of a recipe; return its file."""
    torch.manual_seed(0)
    network = Generator((8, 8, 16), (1, 1, 1))
    weights = folder / "tiny.safetensors"
    save_file({k: v.half().contiguous() for k, v in network.state_dict().items()}, weights)
    card = ModelCard(
        name="tiny",
        architecture={
            "kind": "generator",
            "widths": (8, 8, 16),
            "depths": (1, 1, 1),
            "draws": True,
        },
        recipe=recipe,
        sha256=hashlib.sha256(weights.read_bytes()).hexdigest(),
    )
    weights.with_suffix(".json").write_text(card.model_dump_json())
    return str(weights)
