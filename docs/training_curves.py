"""Draw the curves of the localizer's first stage: ``python docs/training_curves.py [LOG …]``.

Takes the ``log.jsonl`` of the stage, or of each go of it, in order; those of the shipped weights
lie beside the recipe.
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
LOGS = sorted((ROOT / "training" / "recipes").glob("localizer.drawn*.jsonl"))
COLORS = {"cell": "#C2185B", "dense": "#00796B"}
NAMES = {"cell": "classes of the cell", "dense": "pixels of each class"}


def main(
    logs: Annotated[list[Path] | None, typer.Argument()] = None,
    out: Annotated[Path, typer.Option()] = ROOT / "docs/images/training_localizer.png",
) -> None:
    """Draw loss against step."""
    figure, axis = plt.subplots(figsize=(7, 3.2), layout="constrained")
    goes = [[json.loads(n) for n in p.read_text().splitlines()] for p in logs or LOGS]
    steps: list[int] = []
    for go in goes:
        before = steps[-1] if steps else 0
        if before:
            axis.axvline(before, color="0.7", lw=1, ls=":")
        steps += [before + line["step"] for line in go]
    for part, color in COLORS.items():
        values = [line[part] for go in goes for line in go]
        axis.plot(steps, values, color=color, lw=1.6)
        axis.annotate(
            NAMES[part], (steps[-1], values[-1]), (-4, 10),
            textcoords="offset points", ha="right", color=color, fontsize=9,
        )  # fmt: skip
    axis.set(title="Drawn proteins", xlabel="step", ylabel="loss", yscale="log")
    axis.set_yticks([1, 2, 5, 10], ["1", "2", "5", "10"])
    axis.minorticks_off()
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(alpha=0.25)
    figure.savefig(out, dpi=130)


if __name__ == "__main__":
    typer.run(main)
