"""What each part of the loss is good for: models trained without it, paired with the full one."""

from __future__ import annotations

from typing import Any

import numpy as np

from dualgland_training.evaluate.comparison import KINDS, Result, figure, gain

MOVED = ("psnr", "rim", "texture")
"""Figures per block that a part of the loss should move."""


def ablate(
    results: dict[str, Result], papers: dict[str, Any], full: str, without: dict[str, str]
) -> dict[str, Any]:
    """Return, per ablation, its paired differences to the full model over all cases.

    Parameters
    ----------
    results, papers : dict
        Method → figures, and → table of its pictures.
    full : str
        Method of the full model.
    without : dict
        Name of the ablation → its method.

    Returns
    -------
    dict
        Ablation → figure → its difference, as :func:`gain` tells it.
    """
    table: dict[str, Any] = {}
    cases = list(results[full]["cases"])
    for name, method in without.items():
        row: dict[str, Any] = {}
        for figure_name in MOVED:
            pooled = [
                np.concatenate(
                    [figure(results[m], c, k, figure_name) for k in KINDS for c in cases]
                )
                for m in (method, full)
            ]
            row[figure_name] = gain(*pooled)
        points = [
            np.array(
                [
                    image["set_points"]
                    for c in cases
                    for image in results[m]["cases"][c].values()
                    if "set_points" in image
                ]
            )
            for m in (method, full)
        ]
        if points[0].size:
            row["set points"] = gain(*points)
        for distance in ("FID", "KID"):
            both = [papers[m].get("hole-centred crops", {}).get(distance) for m in (method, full)]
            if None not in both:
                row[distance] = {"mean": both[0] - both[1]}
        table[name] = row
    return table
