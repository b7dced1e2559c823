"""Sample pictures of a run: damaged, prior, filled and true, side by side.

A PNG per validation lies in the run's folder. It shows the pixels that were trained on,
so it goes where those may go and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image, ImageColor

from dualgland_training.generator.validation import Watched, run_generator
from napari_dualgland.io.atomic import replacing
from napari_dualgland.model.evidence import Evidence
from napari_dualgland.model.generator import Generator
from napari_dualgland.stack import ROLE_COLORS, ROLES
from napari_dualgland.typing import ByteArray, FloatArray

GAP = 4
"""Pixels between two crops."""

LOST = 90
"""Grey in which a pixel is shown that all channels lost; one that some lost is darkened."""


def coloured(image: FloatArray) -> ByteArray:
    """Return normalised (4, H, W) as (H, W, 3), each role in the atlas's colour."""
    colours = np.array([ImageColor.getrgb(ROLE_COLORS[role])[:3] for role in ROLES]) / 255
    mixed = np.einsum("chw,cr->hwr", np.clip(image, 0, 1), colours)
    return np.asarray(np.clip(mixed * 255, 0, 255).round(), dtype=np.uint8)


def sample_sheet(model: Generator, watched: Mapping[str, Watched], rows: int) -> ByteArray:
    """Return a sheet with a row per case: damaged, prior, filled, true.

    Parameters
    ----------
    model : Generator
        Whose fills are shown.
    watched : dict
        By case, a set of :class:`~dualgland_training.generator.validation.Validation`; of each
        case the crop is shown that lost most.
    rows : int
        Cases that are shown, spread over all of them.

    Returns
    -------
    numpy.ndarray
        (H, W, 3), uint8.
    """
    cases = list(watched.values())
    model.eval()
    device = next(model.parameters()).device
    lines = []
    for row in range(min(rows, len(cases))):
        seen = cases[row * len(cases) // rows]
        most = int((seen.target * seen.evidence.missing).clamp(0, 1).sum((1, 2, 3)).argmax())
        one = slice(most, most + 1)
        evidence = Evidence(*(part[one].to(device) for part in seen.evidence))
        target, missing = seen.target[one].to(device), evidence.missing
        said = run_generator(model, evidence)
        shown = [target.masked_fill(missing, 0), evidence.prior, said.mean, target]
        tiles = [coloured(x[0].float().cpu().numpy()) for x in shown]
        tiles[0][missing[0].any(0).cpu().numpy()] //= 2
        tiles[0][missing[0].all(0).cpu().numpy()] = LOST
        tiles = [np.pad(tile, ((0, GAP), (0, GAP), (0, 0))) for tile in tiles]
        lines.append(np.concatenate(tiles, axis=1))
    model.train()
    return np.concatenate(lines)


def write_sheet(sheet: ByteArray, folder: Path, step: int) -> str:
    """Write a sheet into the run's ``pictures``.

    Parameters
    ----------
    sheet : numpy.ndarray
        (H, W, 3), uint8.
    folder : pathlib.Path
        Of the run.
    step : int
        Steps done.

    Returns
    -------
    str
        Path, relative to the run.
    """
    path = folder / "pictures" / f"step-{step:07d}.png"
    path.parent.mkdir(exist_ok=True)
    with replacing(path) as whole:
        Image.fromarray(sheet).save(whole, "PNG")
    return path.relative_to(folder).as_posix()
