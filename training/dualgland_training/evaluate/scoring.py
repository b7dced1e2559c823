"""Scores the fills of one method: closeness per block, calibration, and crops for the judge."""

from __future__ import annotations

import importlib
import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import ndimage

from dualgland_training import metrics
from dualgland_training.evaluate.cases import CELL_CASE, images_of, mask_of
from dualgland_training.evaluate.worker import Job
from dualgland_training.metrics.calibration import LEVELS, covered
from dualgland_training.perceptual.cells import SEEN_AT, at_judged_scale
from napari_dualgland.imputation.normalise import measure
from napari_dualgland.intervals import Reach
from napari_dualgland.typing import AnyArray, BoolArray

BLOCK = 256
DARK = 4
"""Grey levels: a hole whose truth is darker on average is empty background."""

CROP, CELL = 96, 192
"""Sides of a hole-centred crop and of the picture of a cell, in pixels as judges see them."""

GREY_LEVEL = 1
"""Deviation below which rounding decides whether an estimate is right: intervals of such pixels are
told apart."""

CROP_CASES = ("box, all channels", "thick, all channels", "box, protein only")
COMPARTMENTS = "napari_dualgland.model.compartments"


def blocks_of(truth: AnyArray, missing: BoolArray) -> list[tuple[slice, slice, slice]]:
    """Return the 256² blocks whose hole is large and bright enough to make a figure.

    Parameters
    ----------
    truth : numpy.ndarray
        (4, Y, X), grey levels.
    missing : numpy.ndarray
        (4, Y, X) boolean.

    Returns
    -------
    list
        The slices of each block, (channels, rows, columns).
    """
    found = []
    for y in range(0, truth.shape[1], BLOCK):
        for x in range(0, truth.shape[2], BLOCK):
            part = (slice(None), slice(y, y + BLOCK), slice(x, x + BLOCK))
            hole = missing[part]
            if hole.sum() >= metrics.FEWEST and truth[part][hole].mean() >= DARK:
                found.append(part)
    return found


def score_block(filled: AnyArray, truth: AnyArray, missing: BoolArray) -> dict[str, float]:
    """Return every closeness of one block by name.

    Parameters
    ----------
    filled, truth : numpy.ndarray
        (4, Y, X), grey levels.
    missing : numpy.ndarray
        (4, Y, X) boolean.

    Returns
    -------
    dict
        Figure → value.
    """
    error = metrics.mean_squared_error(filled, truth, missing)
    return {
        "mse": error,
        "noise": metrics.noise_variance(truth, missing) / error,
        "l1": metrics.mean_absolute_error(filled, truth, missing),
        "ssim": metrics.ssim(filled, truth, missing),
        "pearson": metrics.pearson(filled, truth, missing),
        "rim": metrics.rim_jump(filled, truth, missing),
        "texture": metrics.texture_ratio(filled, truth, missing),
    }


def compartments_of(unit: AnyArray) -> AnyArray | None:
    """Return soft compartments (K, Y, X) of a normalised image; None where there is no model."""
    if importlib.util.find_spec(COMPARTMENTS) is None:
        return None
    module = importlib.import_module(COMPARTMENTS)
    with torch.no_grad():
        return np.asarray(module.soft_compartments(torch.from_numpy(unit)[None])[0])


def hole_centres(truth: AnyArray, missing: BoolArray, most: int = 4) -> list[tuple[int, int]]:
    """Return the middles (y, x) of the largest holes that are not over empty background.

    Parameters
    ----------
    truth : numpy.ndarray
        (4, Y, X), grey levels.
    missing : numpy.ndarray
        (4, Y, X) boolean.
    most : int
        Holes at most.

    Returns
    -------
    list of tuple of int
        In pixels, the largest first.
    """
    labels, count = ndimage.label(missing.any(0))
    sizes = np.bincount(labels.ravel())[1:]
    found = []
    for number in np.argsort(-sizes)[: min(count, 4 * most)]:
        hole = labels == number + 1
        lit = truth[:, hole].mean() >= DARK
        if sizes[number] >= metrics.FEWEST and lit:
            y, x = ndimage.center_of_mass(hole)
            found.append((round(y), round(x)))
    return found[:most]


def cut(image: AnyArray, centre: tuple[int, int], side: int) -> AnyArray:
    """Return a square around a place, black where the image ends.

    Parameters
    ----------
    image : numpy.ndarray
        (C, Y, X).
    centre : tuple of int
        (y, x) in pixels.
    side : int
        In pixels.

    Returns
    -------
    numpy.ndarray
        (C, side, side).
    """
    half = side // 2
    padded = np.pad(image, [(0, 0), (half, half), (half, half)])
    y, x = centre
    return np.asarray(padded[:, y : y + side, x : x + side])


def _calibration(filled: dict[str, AnyArray], truth: AnyArray, seen: BoolArray) -> dict[str, Any]:
    estimate, real = filled["estimate"][seen].astype(float), truth[seen].astype(float)
    result: dict[str, Any] = {"pixels": int(seen.sum())}
    if "deviation" in filled:
        counts = np.zeros((2, 1 + len(LEVELS)), int)
        for c, (shape, scale) in enumerate(filled["reach"]):
            sure = filled["deviation"][c] < GREY_LEVEL
            reach = Reach(shape=shape, scale=scale)
            for row, here in zip(counts, (seen[c] & ~sure, seen[c] & sure), strict=True):
                said = (filled["estimate"][c][here], truth[c][here].astype(float))
                inside = covered(*said, filled["deviation"][c][here], reach=reach)
                row += [here.sum(), *inside]
        result["covered"], result["covered_sure"] = counts.tolist()
        result["levels"] = list(LEVELS)
    samples = [v for k, v in filled.items() if k.startswith("sample")]
    if samples:
        errors = [float(np.square(s[seen].astype(float) - real).sum()) for s in samples]
        result["sample_error"] = float(np.mean(errors))
    result["error"] = float(np.square(estimate - real).sum())
    return result


def score_method(
    folder: Path, job: Job, held: dict[str, AnyArray], labels: dict[str, int], sample: bool = False
) -> tuple[dict[str, Any], dict[str, AnyArray]]:
    """Score what a worker left in ``folder``: its estimates, or the first of its samples.

    Parameters
    ----------
    folder : pathlib.Path
        Where the worker wrote.
    job : Job
        What it was given.
    held : dict
        Name → held-out image.
    labels : dict
        Name of a cell → its annotation, of 28.
    sample : bool
        Score the first plausible picture.

    Returns
    -------
    dict, dict
        Figures by case and image; and, normalised as their truths, ``crops`` and
        ``cells`` with ``true_crops``, ``true_cells`` and ``labels`` beside them.
    """
    run = json.loads((folder / "run.json").read_text())
    result: dict[str, Any] = {"memory": run["memory"], "cases": {}}
    seen: dict[str, list[Any]] = {
        k: [] for k in ("crops", "true_crops", "cells", "true_cells", "labels")
    }
    for i, case in enumerate(job.cases):
        result["cases"][case] = {}
        for number, title in images_of(case, held):
            truth = held[title]
            path = folder / f"{i}-{number}.npz"
            with np.load(path, allow_pickle=False) as file:
                filled = dict(file)
            if sample:
                filled = {"estimate": filled["sample0"]}
            missing = mask_of(case, truth, seed=number)
            parts = blocks_of(truth, missing)
            counted = np.zeros_like(missing)
            for part in parts:
                counted[part] = missing[part]
            estimate = filled["estimate"]
            unit = measure([c.ravel() for c in truth])
            true, made = unit.apply(truth), unit.apply(estimate)
            found: dict[str, Any] = {
                "blocks": [score_block(estimate[p], truth[p], missing[p]) for p in parts],
                "seconds": run["seconds"][case][title],
                "missing": float(missing.mean()),
                "calibration": _calibration(filled, truth, counted),
            }
            compartments = compartments_of(true)
            if compartments is not None:
                found["set_points"] = metrics.set_point_error(made, true, missing, compartments)
            result["cases"][case][title] = found
            centres = []
            if case in CROP_CASES and "0.08" not in title:
                centres = hole_centres(truth, missing)
            if title.startswith("cell"):  # fields are at the scale of judges already
                made, true = at_judged_scale(made), at_judged_scale(true)
                centres = [(round(y * SEEN_AT), round(x * SEEN_AT)) for y, x in centres]
            for centre in centres:
                seen["crops"].append(cut(made, centre, CROP))
                seen["true_crops"].append(cut(true, centre, CROP))
            if case == CELL_CASE and title in labels:
                middle = (made.shape[1] // 2, made.shape[2] // 2)
                seen["cells"].append(cut(made, middle, CELL))
                seen["true_cells"].append(cut(true, middle, CELL))
                seen["labels"].append(labels[title])
    return result, {k: np.stack(v) if v else np.zeros(0, np.float32) for k, v in seen.items()}
