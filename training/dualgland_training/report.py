"""Curves of a training run, drawn from its log: ``python -m dualgland_training.report``.

The terms of the loss, network by network, and how far the generator is ahead of its prior
in every family of damage on the validation images, all against the step. The run may be
going on, or have been killed and resumed.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Annotated, Any

import matplotlib
import typer

matplotlib.use("Agg")
from matplotlib import pyplot
from matplotlib.axes import Axes

from dualgland_training.events import read_log
from napari_dualgland.errors import DualglandError

Steps = dict[int, Any]

COLOURS = pyplot.get_cmap("tab20").colors  # type: ignore[attr-defined]

FACTORS = {"absolute": 10, "salivary": 10, "pituitary": 10}
"""By how much a term is enlarged, so that it can be read beside the others."""

NO_TERM = {"loss", "gradient"}
"""Their weighted sum and the size of its gradient; they would dwarf the terms."""


def read_events(log: Path) -> tuple[Steps, Steps]:
    """Return the losses and the figures of validation by step.

    Of a step that was run twice, after a kill, the last counts.

    Returns
    -------
    losses : dict
        Step → network → term → value.
    validation : dict
        Step → case → name → value.

    Raises
    ------
    DualglandError
        If the log cannot be read.
    """
    try:
        events = read_log(log)
    except OSError as error:
        raise DualglandError(f"{log}: cannot be read ({error.strerror})") from None
    losses: Steps = {}
    validation: Steps = {}
    for event in events:
        if "losses" in event:
            terms = event["losses"]
            # A run of the generator alone, as the first ones were, has no names of networks.
            named = all(isinstance(of_network, dict) for of_network in terms.values())
            losses[event["step"]] = terms if named else {"generator": terms}
        if "validation" in event:
            validation[event["step"]] = event["validation"]
    return dict(sorted(losses.items())), dict(sorted(validation.items()))


def _value(number: float | None) -> float:
    return math.nan if number is None else number


def _draw_losses(axis: Axes, losses: Steps, network: str) -> None:
    """Draw every term of a network; some are not there from the first step on."""
    rows = {step: terms[network] for step, terms in losses.items() if network in terms}
    names = dict.fromkeys(name for row in rows.values() for name in row if name not in NO_TERM)
    for name in names:
        factor = FACTORS.get(name, 1)
        steps = [step for step, row in rows.items() if name in row]
        values = [factor * _value(rows[step][name]) for step in steps]
        label = name if factor == 1 else f"{name} × {factor}"
        axis.plot(steps, values, label=label, lw=1.2, marker="." if len(steps) == 1 else "")
    axis.set(xlabel="step", ylabel="term of the loss", title=f"Training: {network}")
    axis.legend(frameon=False, fontsize=8)


def _draw_validation(axis: Axes, validation: Steps) -> None:
    """Draw how far the generator is ahead of its prior, case by case."""
    cases = dict.fromkeys(case for table in validation.values() for case in table)
    for number, case in enumerate(cases):
        rows = {step: table[case] for step, table in validation.items() if case in table}
        gains = [_value(row["generator"]) - _value(row["prior"]) for row in rows.values()]
        axis.plot(list(rows), gains, label=case, color=COLOURS[number % 20], marker=".", lw=1.2)
    axis.axhline(0, color="0.6", lw=0.8)
    axis.set(xlabel="step", ylabel="PSNR ahead of the prior, dB", title="Validation")
    axis.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))


def draw(log: Path, picture: Path) -> None:
    """Draw losses and validation of a run into a PNG.

    Raises
    ------
    DualglandError
        If the log cannot be read or holds nothing to draw yet.
    """
    losses, validation = read_events(log)
    networks = list(dict.fromkeys(name for terms in losses.values() for name in terms))
    panels = len(networks) + bool(validation)
    if not panels:
        raise DualglandError(f"{log}: holds no losses yet; the run has only begun")
    figure, axes = pyplot.subplots(
        1, panels, figsize=(5 * panels + 2, 4.6), layout="constrained", squeeze=False
    )
    for axis, network in zip(axes[0], networks, strict=False):
        _draw_losses(axis, losses, network)
    if validation:
        _draw_validation(axes[0][-1], validation)
    # Whoever looks at the picture while it is drawn anew sees the old one.
    beside = picture.with_name(f".{picture.name}.part")
    figure.savefig(beside, dpi=110, format=picture.suffix.removeprefix(".") or "png")
    pyplot.close(figure)
    os.replace(beside, picture)


def main(
    log: Annotated[Path, typer.Argument(help="events.jsonl of a run.")],
    picture: Annotated[Path, typer.Argument(help="The PNG to draw.")],
) -> None:
    """Draw the curves of a training run, finished or not."""
    try:
        draw(log, picture)
    except DualglandError as error:
        typer.echo(f"dualgland: {error}", err=True)
        raise typer.Exit(2) from None


if __name__ == "__main__":
    typer.run(main)
