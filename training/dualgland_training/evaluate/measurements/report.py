"""The table of measurements as Markdown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dualgland_training.evaluate.markdown import number, rows_of
from dualgland_training.evaluate.measurements.errors import AGAIN, FAINTEST
from dualgland_training.evaluate.measurements.measuring import INTENSITIES, SAME
from napari_dualgland.localization.damage import DAMAGED

COUNTS = tuple(
    figure for what in ("nuclei", "cells") for figure in (what, f"area of {what}", what + AGAIN)
)

SAME_CELLS, COUNTED, FOUND = "Same cells, intensities", "Counts and areas", "Intensities"
"""How the three kinds of table are headed, each before its damage."""


def _cell(figure: dict[str, float], plain: bool) -> str:
    """Return error, interval and bias in per cent; a plain share without bias."""
    if not figure.get("images"):
        return "–"
    low, high = (number(100 * figure[end], 1) for end in ("low", "high"))
    text = f"{number(100 * figure['median'], 1)} ({low} to {high})"
    return text if plain else f"{text}, {number(100 * figure['bias'], 1, sign=True)}"


def _table(
    heading: str, ways: dict[str, Any], figures: Iterable[str], skipped: str = "\0"
) -> list[str]:
    figures = list(figures)
    body = [
        [way, *(_cell(found[name], name.endswith(AGAIN)) for name in figures)]
        for way, found in ways.items()
        if skipped not in way
    ]
    return ["", f"### {heading}", *rows_of(["measured", *figures], body)]


def _told(setting: dict[str, Any]) -> list[str]:
    fields = "; ".join(
        f"{title.partition(',')[0].partition('-')[0]}{title[title.rindex(',') :]} "
        f"({said['nuclei']:.0f} nuclei, {said['cells']:.0f} cells)"
        for title, said in setting["fields"].items()
    )
    lost = ", ".join(f"{family} {100 * share:.0f} %" for family, share in setting["lost"].items())
    models = ", ".join(f"`{name}` (sha256 {sha[:12]}…)" for name, sha in setting["models"].items())
    return [
        "# What the repair does to measurements",
        "",
        f"Made by `dualgland evaluate --measurements`; models: {models}. Fields that nothing was "
        f"trained on: {fields}. All four channels lose the same pixels, but for *saturated* (each "
        f"its own); {setting['seeds']} damage(s) of each family in each field, half as many in one "
        f"beyond 512²; lost (median): {lost}.",
        "",
        "Nuclei, cells and compartments are found and measured by the plugin's own code, in the "
        "undamaged field as in the others. **Each entry**: error relative to the undamaged field "
        "in %, median over fields and damages, with its 95 % bootstrap interval over fields (one "
        "field at two scales is one), then the bias: the median with its sign. A median of few "
        "fields: an interval tells how sure a figure is *on these*. Means below "
        f"{FAINTEST:g} grey level in the undamaged field are left out.",
        "",
        "**Measured**: *damaged, as it lies*: a lost pixel is 0, or, where a detector was at its "
        "limit, the brightest value left in its channel, and is counted like any other; *lost "
        "pixels left out*: by a mask, before cells are found; the name of a fill: the fill "
        "counted as if it had been measured, *one sample* being the plausible picture; *measured "
        "pixels alone*: cells are found in the fill, and intensities are of measured pixels, "
        "which is how *Localize* measures an imputed field.",
    ]


def markdown(report: dict[str, Any]) -> str:
    """Return the report for people.

    Parameters
    ----------
    report : dict
        Of :func:`~.run.tabulate_measurements`.

    Returns
    -------
    str
        Markdown.
    """
    setting = report["setting"]
    lines = _told(setting)
    if setting["quick"]:
        lines += ["", "**A quick look**: two families of damage, one field."]
    lines += [
        "",
        f"## {SAME_CELLS}",
        "",
        "Nuclei, cells and compartments are those of the **undamaged** field, so counts and areas "
        "cannot change: what is left is what the pixels do. Mean by nucleus or by cell, median "
        f"over those of which the damage took more than {DAMAGED:.0%}.",
    ]
    for damage, ways in report["cells"].items():
        lines += _table(f"{SAME_CELLS}: {damage}", ways, INTENSITIES)
    lines += [
        "",
        f"## {COUNTED}",
        "",
        "Nuclei and cells are found in the image **as it is at hand**, as one has to: this is what "
        "a count means. Errors of the number in the field and of the mean area; *found again*: F1 "
        f"in %, of nuclei or cells that share at least {SAME:.0%} of their union with one of the "
        "undamaged field (100 is best). Gains and losses cancel in a count, and not in that. "
        "Where nothing was found there is no area: a dash, or left out.",
    ]
    for damage, ways in report["field"].items():
        lines += _table(f"{COUNTED}: {damage}", ways, COUNTS, skipped="measured pixels alone")
    lines += [
        "",
        f"## {FOUND}",
        "",
        "Of the nuclei, cells and compartments found in the image as it is at hand: mean over all "
        "of the field, hit or not.",
    ]
    for damage, ways in report["field"].items():
        lines += _table(f"{FOUND}: {damage}", ways, INTENSITIES)
    lines += [
        "",
        f"{setting['cpu_seconds']:.0f} CPU-seconds, {setting['processor']}.",
    ]
    return "\n".join(lines) + "\n"
