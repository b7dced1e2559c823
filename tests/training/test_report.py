"""The learning curve: what a log says, over the crops seen, set by set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dualgland_training.report import draw, gains, read_events
from dualgland_training.trainer.events import append_line

RECIPES = Path(__file__).parents[2] / "training" / "recipes"


def figures(generator: float) -> dict[str, dict[str, float]]:
    return {
        "box": {"prior": 20.0, "generator": generator, "reference": 20.5},
        "thin": {"prior": 25.0, "generator": 25.0, "reference": 24.9},
    }


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "events.jsonl"
    config = {"sources": 4, "crops_per_source": 3}
    append_line(path, {"step": 0, "started": {"config": config}})
    append_line(path, {"step": 50, "losses": {"generator": {"relative": 0.9, "loss": 1.0}}})
    for step, psnr in ((500, 20.2), (1000, 20.4), (1000, 20.6)):  # a kill, and the step again
        sets = {"validation, cells": figures(psnr), "shift, other_atlas": figures(psnr - 1)}
        append_line(path, {"step": step, "validation": sets})
    return path


def test_gains_go_by_thousands_of_crops(log: Path) -> None:
    told = read_events(log)
    assert told.crops == 12
    box = gains(told, "validation, cells", "box")
    assert box == {6.0: pytest.approx(0.2), 12.0: pytest.approx(0.6)}
    assert gains(told, "validation, cells", None)[12.0] == pytest.approx(0.3)
    assert gains(told, "shift, other_atlas", "box")[12.0] == pytest.approx(-0.4)
    assert gains(told, "validation, cells", "thin", "reference")[6.0] == pytest.approx(-0.1)
    assert gains(told, "validation, cells", "saturated") == {}


def test_sets_are_told_apart_in_the_picture(log: Path, tmp_path: Path) -> None:
    draw(log, tmp_path / "curves.png")
    pixels = np.asarray(Image.open(tmp_path / "curves.png").convert("RGB")).reshape(-1, 3)
    for colour in ((31, 119, 180), (255, 127, 14)):
        assert (np.abs(pixels - np.array(colour)).max(1) < 8).sum() > 100


def test_logs_of_earlier_runs_are_read(tmp_path: Path) -> None:
    """They looked at one set of images, and the first knew of no networks."""
    for name in ("generator", "reconstruction"):
        told = read_events(RECIPES / f"{name}.events.jsonl")
        curve = gains(told, "validation", "box, all channels")
        assert len(curve) >= 4
        assert all(0 < gain < 1 for gain in list(curve.values())[-2:])
    draw(RECIPES / "reconstruction.events.jsonl", tmp_path / "curves.png")
