"""Methods held against each other: means per case, and gains paired per block."""

from __future__ import annotations

from typing import Any

import numpy as np

from dualgland_training.evaluate.methods import CLASSICAL
from dualgland_training.metrics import psnr
from napari_dualgland.typing import Float64Array

Result = dict[str, Any]

FIGURES = ("psnr", "ssim", "l1", "pearson", "rim", "texture", "noise")
KINDS = ("field", "cell")


def figure(result: Result, case: str, kind: str, name: str) -> Float64Array:
    """Return a figure of every block of the images of a kind; PSNR from the squared error.

    Parameters
    ----------
    result : dict
        Figures of a method, by case and image.
    case : str
        A name of :data:`~.cases.CASES`.
    kind : str
        ``field`` or ``cell``.
    name : str
        Of the figure.

    Returns
    -------
    numpy.ndarray
        (blocks,) float64.
    """
    rows = [
        block
        for title, image in result["cases"][case].items()
        if title.startswith(kind)
        for block in image["blocks"]
    ]
    values = np.array([row["mse" if name == "psnr" else name] for row in rows], float)
    return psnr(values) if name == "psnr" else values


def interval(values: Float64Array, of: str = "mean", draws: int = 2000) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of the mean or median, seeded; NaNs are left out.

    Parameters
    ----------
    values : numpy.ndarray
        (N,).
    of : str
        ``mean`` or ``median``.
    draws : int
        Of the bootstrap.

    Returns
    -------
    tuple of float
        Its ends; NaN without values.
    """
    values = values[np.isfinite(values)]
    if not values.size:
        return float("nan"), float("nan")
    rng = np.random.default_rng(0)
    drawn = values[rng.integers(0, values.size, (draws, values.size))]
    found = np.median(drawn, 1) if of == "median" else drawn.mean(1)
    low, high = np.percentile(found, [2.5, 97.5])
    return float(low), float(high)


def spread(values: Float64Array) -> dict[str, float]:
    """Return mean, median and the bootstrap interval of the median."""
    kept = values[np.isfinite(values)]
    if not kept.size:
        return {"blocks": 0}
    low, high = interval(kept, "median")
    return {
        "mean": float(kept.mean()),
        "median": float(np.median(kept)),
        "low": low,
        "high": high,
        "blocks": int(kept.size),
    }


def gain(ours: Float64Array, theirs: Float64Array) -> dict[str, float]:
    """Return mean, interval of the mean and median of a paired difference.

    Parameters
    ----------
    ours, theirs : numpy.ndarray
        (N,), a figure of the same blocks; NaNs are left out.

    Returns
    -------
    dict
        ``mean``, ``low``, ``high``, ``median`` and the number of ``blocks``.
    """
    difference = ours - theirs
    difference = difference[np.isfinite(difference)]
    if not difference.size:
        return {"blocks": 0}
    low, high = interval(difference)
    return {
        "mean": float(difference.mean()),
        "low": low,
        "high": high,
        "median": float(np.median(difference)),
        "blocks": int(difference.size),
    }


def compare(results: dict[str, Result], ours: str) -> Result:
    """Return every figure per kind of image, case and method, and the gains of ``ours``.

    Parameters
    ----------
    results : dict
        Method → its figures.
    ours : str
        The method that is held against the others.

    Returns
    -------
    dict
        Kind of image → case → figures and gains; ``seconds`` and ``memory``.
    """
    cases = list(results[ours]["cases"])
    table: Result = {}
    for kind in KINDS:
        table[kind] = {}
        for case in cases:
            values = {m: figure(r, case, kind, "psnr") for m, r in results.items()}
            if not values[ours].size:
                continue
            row: Result = {
                m: {name: spread(figure(r, case, kind, name)) for name in FIGURES}
                for m, r in results.items()
            }
            for m, r in results.items():
                points = [
                    v["set_points"]
                    for t, v in r["cases"][case].items()
                    if t.startswith(kind) and "set_points" in v
                ]
                if points:
                    row[m]["set points"] = spread(np.array(points))
            found: Result = {"figures": row}
            classical = [m for m in CLASSICAL if m in results]
            if classical:
                best = max(classical, key=lambda m: float(values[m].mean()))
                found["best_classical"] = best
                found["gain_over_best_classical"] = gain(values[ours], values[best])
            if "prior" in results:
                found["gain_over_prior"] = gain(values[ours], values["prior"])
            table[kind][case] = found
    table["seconds"] = {
        case: {m: sum(v["seconds"] for v in r["cases"][case].values()) for m, r in results.items()}
        for case in cases
    }
    table["memory"] = {m: r["memory"] for m, r in results.items()}
    return table


def calibration(results: dict[str, Result]) -> Result:
    """Return, per method that states an uncertainty and per case, stated and found shares.

    ``covered`` is of pixels whose stated deviation is a grey level or more, ``covered_sure`` of
    the others, ``sure`` their share; ``sample_over_mean`` is the squared error of one sample over
    that of the estimate.
    """
    table: Result = {}
    for method, result in results.items():
        rows: Result = {}
        for case, images in result["cases"].items():
            row = _pooled([image["calibration"] for image in images.values()])
            if row:
                rows[case] = row
        every = [v["calibration"] for c in result["cases"].values() for v in c.values()]
        if rows:
            table[method] = rows | {"all cases": _pooled(every)}
    return table


def _pooled(parts: list[Result]) -> Result:
    parts = [part for part in parts if part["pixels"]]
    row: Result = {}
    stated = [part for part in parts if "covered" in part]
    if stated:
        levels = [str(level) for level in stated[0]["levels"]]
        for name in ("covered", "covered_sure"):
            pixels, *inside = np.sum([part[name] for part in stated], 0).tolist()
            if pixels:
                row[name] = {level: n / pixels for level, n in zip(levels, inside, strict=True)}
        row["sure"] = pixels / sum(part["pixels"] for part in stated)
    drawn = [part for part in parts if "sample_error" in part]
    error = sum(part["error"] for part in drawn)
    if error > 0:
        row["sample_over_mean"] = sum(part["sample_error"] for part in drawn) / error
    return row
