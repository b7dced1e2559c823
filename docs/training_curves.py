"""Draw the curves of the localizer's stages: ``python docs/training_curves.py DRAWN TUNED``.

Takes the ``log.jsonl`` of each stage; those of the shipped weights lie in ``training/recipes``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import matplotlib as mpl
import typer

mpl.use("agg")
from matplotlib import pyplot as plt

ROOT = Path(__file__).resolve().parents[1]
LOGS = ROOT / "training" / "recipes"
COLORS = {"cell": "#C2185B", "dense": "#00796B"}
NAMES = {"cell": "classes of the cell", "dense": "pixels of each class"}


def main(
    drawn: Annotated[Path, typer.Argument()] = LOGS / "localizer.drawn.jsonl",
    tuned: Annotated[Path, typer.Argument()] = LOGS / "localizer.tuned.jsonl",
    out: Annotated[Path, typer.Option()] = ROOT / "docs/images/training_localizer.png",
) -> None:
    """Draw loss against step, a panel per stage."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
    titles = ("Drawn proteins", "Annotated cells among them")
    for axis, path, title in zip(axes, (drawn, tuned), titles, strict=True):
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        for part, color in COLORS.items():
            axis.plot([n["step"] for n in lines], [n[part] for n in lines], color=color, lw=1.6)
            axis.annotate(
                NAMES[part], (lines[-1]["step"], lines[-1][part]), (-4, 8),
                textcoords="offset points", ha="right", color=color, fontsize=9,
            )  # fmt: skip
        axis.set(title=title, xlabel="step", ylabel="loss", yscale="log")
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(alpha=0.25)
    figure.savefig(out, dpi=130)


if __name__ == "__main__":
    typer.run(main)
