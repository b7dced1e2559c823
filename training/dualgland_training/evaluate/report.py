"""What the report of every evaluation is asked with, and how it is written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from napari_dualgland.frozen import FrozenModel


class ReportOptions(FrozenModel):
    """Options of every report.

    Attributes
    ----------
    models : tuple of str
        Names or files.
    data, out : pathlib.Path
        The atlas folder, and where the report goes.
    name : str
        Of the report's files.
    quick : bool
        Little is measured, to see that all goes well.
    """

    models: tuple[str, ...] = ("generator",)
    data: Path
    out: Path
    name: str
    quick: bool = False


def write_report(
    path: Path, figures: dict[str, Any], as_markdown: Callable[[dict[str, Any]], str]
) -> None:
    """Write a report as JSON and, for people, as Markdown.

    Parameters
    ----------
    path : pathlib.Path
        Of both files, without their endings; its folder is made.
    figures : dict
        Ready for JSON.
    as_markdown : callable
        Takes the figures, once they are written: what took hours is not lost to a table.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    told = json.dumps(figures, indent=1) + "\n"
    path.with_suffix(".json").write_text(told, encoding="utf-8")
    path.with_suffix(".md").write_text(as_markdown(figures), encoding="utf-8")
