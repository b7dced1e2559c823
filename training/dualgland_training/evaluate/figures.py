"""Figures of an evaluation: gains with intervals, and reliability; they show no pixels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot


def draw_gains(table: dict[str, Any], ours: str, picture: Path) -> None:
    """Draw the gain over the best classical fill and over the prior per case, with intervals.

    Parameters
    ----------
    table : dict
        Of :func:`~.comparison.compare`.
    ours : str
        The method whose gains they are.
    picture : pathlib.Path
        The PNG that is written.
    """
    kinds = [kind for kind in ("field", "cell") if table[kind]]
    figure, axes = pyplot.subplots(
        1, len(kinds), figsize=(5.5 * len(kinds), 4.6), layout="constrained", squeeze=False
    )
    marks = {"gain_over_best_classical": "over the best classical", "gain_over_prior": "over prior"}
    for axis, kind in zip(axes[0], kinds, strict=True):
        cases = list(table[kind])
        for shift, (key, label) in enumerate(marks.items()):
            rows = [
                (i, table[kind][c][key])
                for i, c in enumerate(cases)
                if table[kind][c].get(key, {}).get("blocks")
            ]
            if not rows:
                continue
            middle = [g["mean"] for _, g in rows]
            reach = [
                [g["mean"] - g["low"] for _, g in rows],
                [g["high"] - g["mean"] for _, g in rows],
            ]
            places = [i + 0.2 * shift for i, _ in rows]
            axis.errorbar(middle, places, xerr=reach, fmt="o", ms=4, lw=1.2, label=label)
        axis.set_yticks(range(len(cases)), cases)
        axis.axvline(0, color="0.6", lw=0.8)
        axis.invert_yaxis()
        axis.set(xlabel=f"PSNR gain of {ours}, dB (95 % interval)", title=f"held-out {kind}s")
    # Beside the axes: within them it hid an interval.
    handles = axes[0, 0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside upper center", ncols=len(marks), frameon=False, fontsize=9)
    figure.savefig(picture, dpi=110)
    pyplot.close(figure)


def draw_reliability(calibration: dict[str, Any], picture: Path) -> None:
    """Draw the share of missing pixels inside an interval against what was stated.

    Parameters
    ----------
    calibration : dict
        Of :func:`~.comparison.calibration`.
    picture : pathlib.Path
        The PNG that is written.
    """
    figure, axis = pyplot.subplots(figsize=(4.6, 4.4), layout="constrained")
    axis.plot([0, 1], [0, 1], color="0.6", lw=0.8)
    for method, rows in calibration.items():
        found = rows["all cases"].get("covered", {})
        if found:
            axis.plot([float(k) for k in found], list(found.values()), marker=".", label=method)
    axis.set(xlabel="stated share", ylabel="share of missing pixels inside", aspect="equal")
    if axis.get_legend_handles_labels()[0]:
        axis.legend(frameon=False, fontsize=8)
    figure.savefig(picture, dpi=110)
    pyplot.close(figure)
