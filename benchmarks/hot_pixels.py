"""What hot pixels do to fills, to what is stated of them, to cells and to compartments.

``python benchmarks/hot_pixels.py [--data FOLDER]`` takes the middle of a held-out field as 16 bits,
adds hot pixels, damages it, and runs it as it comes, with hot pixels shown to the models as they
were until we left them out, and as they are now. Writes ``results/hot_pixels.md``; the pixels are
read and never written.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated
from unittest.mock import patch

import numpy as np
import torch
import typer
from scipy import ndimage

import napari_dualgland as nd
from dualgland_training.data.collection import read_field
from dualgland_training.data.damage import draw_damage
from dualgland_training.data.source import shrink
from dualgland_training.evaluate.markdown import rows_of
from dualgland_training.metrics import psnr
from napari_dualgland.model.weights import read_card

HERE = Path(__file__).parent
DATA = HERE.parents[1] / "shared" / "data" / "hpa"
SIDE, GREYS, PIXEL_UM = 512, 16, 0.16
EVERY = 6_500
"""One pixel of so many is hot: a hundredth of a percent and a half."""
NEAR = 12
"""Pixels from a hot one, in any channel, up to which a fill is near it."""
FAMILIES = ("scratches", "thick")


@contextmanager
def shown() -> Iterator[None]:
    """Show hot pixels to the models as they are, as if none were hot."""
    with patch("napari_dualgland.hot_pixels.HOT", np.inf):
        yield


def _stack(image: np.ndarray) -> nd.Stack:
    channels = tuple(nd.Channel(role, role) for role in nd.ROLES)
    return nd.Stack(image, "CYX", channels, pixel_size=nd.PixelSize(PIXEL_UM, PIXEL_UM))


def fills(clean: np.ndarray, worse: np.ndarray, hot: np.ndarray) -> list[list[str]]:
    """Return a row for each kind of damage and each way."""
    rows = []
    for family in FAMILIES:
        missing = draw_damage(clean, family, np.random.default_rng(7), None, 1.0) & ~hot
        near = missing & ndimage.binary_dilation(hot.any(0), iterations=NEAR)
        usual = nd.impute(_stack(clean), missing)
        ways = {"no hot pixels": usual, "now": nd.impute(_stack(worse), missing)}
        with shown():
            ways["hot pixels shown"] = nd.impute(_stack(worse), missing)
        for way in ("no hot pixels", "hot pixels shown", "now"):
            found = ways[way]
            error = np.square(np.asarray(found.stack.data) - clean.astype(float))
            decibels = [psnr(error[at].mean(), 255 * GREYS) for at in (near, missing & ~near)]
            assert found.uncertainty is not None
            assert usual.uncertainty is not None
            wider = np.asarray(found.uncertainty)[missing] / np.asarray(usual.uncertainty)[missing]
            shares = [*(f"{x:.2f}" for x in decibels), f"{np.median(wider):.2f}"]
            rows.append([family, way, *shares])
    return rows


def told(clean: np.ndarray, worse: np.ndarray) -> list[list[str]]:
    """Return how far cells and compartments move, either way."""

    def look(image: np.ndarray) -> tuple[nd.Localization, nd.Boundaries]:
        return nd.localize(_stack(image)), nd.boundaries(_stack(image))

    usual, now = look(clean), look(worse)
    with shown():
        before = look(worse)
    rows = []
    for way, (cells, parts) in {"hot pixels shown": before, "now": now}.items():
        names = list(nd.CLASSES)
        alike = len(cells.table) == len(usual[0].table)
        off = np.abs(cells.table[names] - usual[0].table[names]).to_numpy() if alike else np.nan
        moved = np.abs(
            np.asarray(parts.compartments, float) - np.asarray(usual[1].compartments, float)
        )
        same = len(parts.set_points) == len(usual[1].set_points)
        h = np.abs(parts.set_points["h"] - usual[1].set_points["h"]).mean() if same else np.nan
        counted = f"{len(cells.table)} for {len(usual[0].table)}"
        rows.append([way, counted, f"{np.max(off):.3f}", f"{moved.mean():.5f}", f"{h:.4f}"])
    return rows


def main(
    data: Annotated[Path, typer.Option(help="The atlas collection.")] = DATA,
    out: Annotated[Path, typer.Option(help="Folder of the report.")] = HERE / "results",
) -> None:
    """Run all of it and write the table."""
    torch.set_num_threads(1)
    field = read_card("generator")[0].recipe["data"]["held_out_fields"][0]
    whole = np.rint(shrink(read_field(data, field), 2))
    y, x = ((side - SIDE) // 2 for side in whole.shape[1:])
    clean = whole[:, y : y + SIDE, x : x + SIDE].astype(np.uint16) * GREYS
    rng = np.random.default_rng(0)
    hot = rng.random(clean.shape) < 1 / EVERY
    worse = clean.copy()
    worse[hot] = rng.integers(8_000, 60_000, np.count_nonzero(hot))
    lines = [
        "# Hot pixels",
        "",
        f"Made by `python benchmarks/hot_pixels.py`: the middle {SIDE}² pixels of the held-out "
        f"field at {PIXEL_UM} µm, white at some {255 * GREYS:,} of 65,535, one pixel in {EVERY:,} "
        "of a channel at 8,000 to 60,000. *Hot pixels shown*: to the models as they are. The stack "
        "itself keeps them as measured, either way.",
        "",
        "## Fills",
        "",
        f"PSNR in dB in holes of all channels, up to {NEAR} pixels from a hot one and beyond; "
        "median of the stated deviation over that without hot pixels.",
        *rows_of(["damage", "", "near", "beyond", "deviation"], fills(clean, worse, hot)),
        "",
        "## Cells and compartments",
        "",
        "Nothing is missing. Differences to what is said without hot pixels: the largest of any "
        "class's probability in any cell; the mean of a compartment's share, over pixels; the mean "
        "of a set point, over compartments, channels and cells.",
        *rows_of(["", "cells", "probability", "share", "set point"], told(clean, worse)),
    ]
    (out / "hot_pixels.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
