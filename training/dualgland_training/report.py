"""Curves of a training run, drawn from its log: ``python -m dualgland_training.report``.

Above, the terms of the loss, network by network, and the mean over all families of damage;
below, family by family, how far the generator is ahead of its prior on every set of images
that is looked at, with the reference model as a dotted line; all against the crops seen. The
run may be going on, or have been killed and resumed.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import matplotlib
import numpy as np
import typer

matplotlib.use("Agg")
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure

from dualgland_training.generator.told import Told, read_events
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.io.atomic import replacing

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

COLOURS = pyplot.get_cmap("tab10").colors  # type: ignore[attr-defined]

COLUMNS = 5
"""Families side by side."""

FACTORS = {"absolute": 10, "salivary": 10, "pituitary": 10}
"""By how much a term is enlarged, so that it can be read beside the others."""

NO_TERM = {"loss", "gradient"}
"""Their weighted sum and the size of its gradient; they would dwarf the terms."""


def _value(number: float | None) -> float:
    return math.nan if number is None else number


def _draw_losses(axis: Axes, told: Told, network: str) -> None:
    """Draw every term of a network; some are not there from the first step on."""
    rows = {step: terms[network] for step, terms in told.losses.items() if network in terms}
    names = dict.fromkeys(name for row in rows.values() for name in row if name not in NO_TERM)
    for name in names:
        factor = FACTORS.get(name, 1)
        seen = [step * told.crops / 1000 for step, row in rows.items() if name in row]
        values = [factor * _value(row[name]) for row in rows.values() if name in row]
        label = name if factor == 1 else f"{name} × {factor}"
        axis.plot(seen, values, label=label, lw=1.2, marker="." if len(seen) == 1 else "")
    axis.set(xlabel="crops, thousands", ylabel="term of the loss", title=f"Training: {network}")
    axis.legend(frameon=False, fontsize=7)


def gains(told: Told, part: str, case: str | None, of: str = "generator") -> dict[float, float]:
    """Return by thousands of crops how far a model is ahead of the prior, dB.

    Parameters
    ----------
    told : Told
        What a log says.
    part : str
        A set of images.
    case : str or None
        Of damage; None: the mean over all.
    of : str
        ``generator``, or ``reference`` for the model that it is compared with.

    Returns
    -------
    dict
        Empty where there is no such figure.
    """
    curve = {}
    for step, sets in told.validation.items():
        cases = sets.get(part, {})
        rows = list(cases.values()) if case is None else [cases[case]] if case in cases else []
        ahead = [_value(row[of]) - _value(row["prior"]) for row in rows if of in row]
        if ahead:
            curve[step * told.crops / 1000] = float(np.mean(ahead))
    return curve


def _draw_gains(axis: Axes, told: Told, parts: list[str], case: str | None) -> None:
    """Draw how far the generator is ahead of its prior, a line for each set of images."""
    for number, part in enumerate(parts):
        colour, label = COLOURS[number % 10], part.replace("fields512", "small fields")
        curve = gains(told, part, case)
        axis.plot(list(curve), list(curve.values()), color=colour, marker=".", lw=1.2, label=label)
        reference = gains(told, part, case, "reference")
        for level in list(reference.values())[-1:]:
            axis.axhline(level, color=colour, ls=":", lw=1.2)
    axis.axhline(0, color="0.6", lw=0.8)
    axis.set_title("Mean of all families" if case is None else case, fontsize=9)
    axis.tick_params(labelsize=8)


def _draw_families(part: SubFigure, told: Told) -> None:
    """Draw the mean and every family in panels of their own, under one legend."""
    parts = list(dict.fromkeys(name for sets in told.validation.values() for name in sets))
    cases = dict.fromkeys(
        case for sets in told.validation.values() for table in sets.values() for case in table
    )
    panels: list[str | None] = [None, *cases]
    rows = math.ceil(len(panels) / COLUMNS)
    axes = part.subplots(rows, COLUMNS, squeeze=False)
    for axis, case in zip(axes.flat, panels, strict=False):
        _draw_gains(axis, told, parts, case)
    for axis in list(axes.flat)[len(panels) :]:
        axis.remove()
    part.supxlabel("crops, thousands", fontsize=9)
    part.supylabel("PSNR ahead of the prior, dB; dotted: the reference model", fontsize=9)
    handles, labels = axes.flat[0].get_legend_handles_labels()
    part.legend(handles, labels, loc="outside upper center", ncols=len(parts), frameon=False)


def draw(log: Path, picture: Path) -> None:
    """Draw losses and validation of a run into a PNG.

    Parameters
    ----------
    log : pathlib.Path
        ``events.jsonl`` of the run.
    picture : pathlib.Path
        What to draw; its ending says how.

    Raises
    ------
    DualglandError
        If the log cannot be read or holds nothing to draw yet.
    """
    told = read_events(log)
    networks = list(dict.fromkeys(name for terms in told.losses.values() for name in terms))
    heights = [4.0] * bool(networks) + [8.0] * bool(told.validation)
    if not heights:
        raise DualglandError(Kind.EMPTY, log, "holds no losses yet; the run has only begun")
    figure = pyplot.figure(figsize=(14, sum(heights)), layout="constrained")
    parts = list(figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False).flat)
    if networks:
        axes = parts[0].subplots(1, max(3, len(networks)), squeeze=False)
        for axis, network in zip(axes.flat, networks, strict=False):
            _draw_losses(axis, told, network)
        for axis in list(axes.flat)[len(networks) :]:
            axis.remove()
    if told.validation:
        _draw_families(parts[-1], told)
    # Whoever looks at the picture while it is drawn anew sees the old one.
    with replacing(picture) as whole:
        figure.savefig(whole, dpi=90, format=picture.suffix.removeprefix(".") or "png")
    pyplot.close(figure)


@app.command()
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
    app()
