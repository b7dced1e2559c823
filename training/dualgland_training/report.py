"""Curves of a training run, drawn from its log: ``python -m dualgland_training.report``.

Left the terms of the loss, right how far the generator is ahead of its prior in every
family of damage on the validation images, both against the step.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import matplotlib
import typer

matplotlib.use("Agg")
from matplotlib import pyplot

COLOURS = pyplot.get_cmap("tab20").colors  # type: ignore[attr-defined]


def read_events(log: Path) -> list[dict[str, Any]]:
    """Return the events of a run; of a step that was run twice, the last."""
    events = [json.loads(line) for line in log.read_text().splitlines()]
    kept = {(event["step"], "validation" in event): event for event in events}
    return sorted(kept.values(), key=lambda event: int(event["step"]))


def draw(events: list[dict[str, Any]], picture: Path) -> None:
    """Draw losses and validation of a run into a PNG."""
    figure, (losses, ahead) = pyplot.subplots(1, 2, figsize=(12, 4.6), layout="constrained")
    logged = [event for event in events if "losses" in event]
    for name, label in {
        "relative": "squared error over the prior's",
        "absolute": "absolute error × 10",
        "likelihood": "negative log-likelihood",
    }.items():
        factor = 10 if name == "absolute" else 1
        values = [factor * event["losses"][name] for event in logged]
        losses.plot([event["step"] for event in logged], values, label=label, lw=1.2)
    losses.set(xlabel="step", ylabel="loss (normalised intensities)", title="Training")
    losses.legend(frameon=False)
    looked = [event for event in events if "validation" in event]
    for number, case in enumerate(looked[0]["validation"]):
        rows = [event["validation"][case] for event in looked]
        gains = [row["generator"] - row["prior"] for row in rows]
        steps = [event["step"] for event in looked]
        ahead.plot(steps, gains, label=case, color=COLOURS[number % 20], marker=".", lw=1.2)
    ahead.axhline(0, color="0.6", lw=0.8)
    ahead.set(xlabel="step", ylabel="PSNR ahead of the prior, dB", title="Validation")
    ahead.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    figure.savefig(picture, dpi=110)


def main(
    log: Annotated[Path, typer.Argument(help="events.jsonl of a run.")],
    picture: Annotated[Path, typer.Argument(help="The PNG to draw.")],
) -> None:
    """Draw the curves of a training run."""
    draw(read_events(log), picture)


if __name__ == "__main__":
    typer.run(main)
