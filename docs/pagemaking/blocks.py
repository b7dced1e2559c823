"""Lists that pages show between two comments: filled from the code while a page is built."""

from __future__ import annotations

import re
from collections.abc import Callable

from napari_dualgland.classes import CLASSES
from napari_dualgland.model.set_points import ANY, read_set_points
from pagemaking.places import RESULTS

FOLDS = "localizer, by folds, calibrated as shipped:"


def filled(text: str) -> str:
    """Return a page with its blocks filled in."""
    for name, make in BLOCKS.items():
        start, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        pattern = re.compile(f"{re.escape(start)}.*?{re.escape(end)}", re.S)
        text = pattern.sub(lambda _, made=make: f"\n{made()}\n", text)
    return text


def classes() -> str:
    """Return the classes of the localizer, in their order."""
    return "\n".join(f"{number}. {name}" for number, name in enumerate(CLASSES, 1))


def locations() -> str:
    """Return the locations that the table of set points knows, and from how many cells."""
    known = read_set_points().locations
    rows = [f"| {name} | {one.cells} |" for name, one in known.items() if name != ANY]
    total = f"| *any* | {known[ANY].cells} |"
    return "\n".join(["| location | annotated cells |", "|---|---:|", *rows, total])


def folds() -> str:
    """Return the localizer's figures for each of the five annotated classes."""
    lines = (RESULTS / "localize.md").read_text().split(FOLDS, 1)[1].splitlines()
    return "\n".join(line for line in lines[: lines.index("", 2)] if line.startswith("|"))


BLOCKS: dict[str, Callable[[], str]] = {
    "set points": locations,
    "classes": classes,
    "folds by class": folds,
}
