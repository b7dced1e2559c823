"""Figures in running text, held to the tables that they come from.

A figure stands in a page, or in the README, between two comments that say where it is from, here
the gain in boxes of ER that ``impute.md`` has under that heading:

  <!-- impute.md; Held-out fields: PSNR in dB; box, er only; over best classical; +.2f -->…<!-- -->

File, heading (or nothing, for the first table), row, column, format. A row is named by its first
cell, or by its first two as ``one (two)``. Only the first number of a cell is taken.
``python docs/figures.py`` writes them anew after a benchmark; the build of the site only looks
whether they agree.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from pagemaking.places import RESULTS

FIGURE = re.compile(
    r"<!-- (?P<file>[\w.]+); (?P<heading>[^;]*); (?P<row>[^;]*); (?P<column>[^;]*)"
    r"; (?P<format>\S+) -->(?P<said>.*?)<!-- -->"
)
NUMBER = re.compile(r"[+-]?\d[\d,]*(?:\.\d+)?")


def renewed(text: str, warn: Callable[[str], None]) -> str:
    """Return a text with every figure as its table has it.

    Parameters
    ----------
    text : str
        Markdown.
    warn : callable
        Is told of every figure whose table, row or column is not there.

    Returns
    -------
    str
    """

    def look_up(match: re.Match[str]) -> str:
        try:
            value = figure(match["file"], match["heading"], match["row"], match["column"])
        except LookupError as error:
            warn(f"no such figure: {error.args[0]}")
            return match[0]
        start, end = (match.start("said") - match.start(), match.end("said") - match.start())
        said = format(value, match["format"]).replace("%", "\u00a0%").replace("-", "−")
        return f"{match[0][:start]}{said}{match[0][end:]}"

    return FIGURE.sub(look_up, text)


def check(text: str, place: str, warn: Callable[[str], None]) -> None:
    """Tell of every figure in a text that is not what its table says.

    Parameters
    ----------
    text : str
        Markdown.
    place : str
        What the text is called in a warning.
    warn : callable
        Is told.
    """
    new = renewed(text, lambda words: warn(f"{place}: {words}"))
    for old, now in zip(FIGURE.finditer(text), FIGURE.finditer(new), strict=True):
        if old["said"] != now["said"]:
            source = "; ".join(old.group("file", "heading", "row", "column"))
            warn(f"{place} says {old['said']}, but {source} says {now['said']}")


def figure(file: str, heading: str, row: str, column: str) -> float:
    """Return the first number in a cell of a table of results.

    Parameters
    ----------
    file : str
        Name of a file in ``benchmarks/results``.
    heading : str
        Heading above the table; empty for the first table of the file.
    row : str
        What stands in the row's first cell.
    column : str
        What stands at the column's head.

    Returns
    -------
    float

    Raises
    ------
    LookupError
        If there is no such cell, or no number in it.
    """
    wanted = f"{file}; {heading}; {row}; {column}"
    for above, table in _tables((RESULTS / file).read_text()):
        if heading and above != heading:
            continue
        head, *rows = table
        for cells in rows:
            if row in _names(cells) and column in head:
                found = NUMBER.search(cells[head.index(column)].replace("−", "-"))
                if found:
                    return float(found[0].replace(",", ""))
        if not heading:
            break
    raise LookupError(wanted)


def _names(cells: list[str]) -> tuple[str, str]:
    """Return what a row may be called: its first cell, or its first two as ``one (two)``."""
    first, second = (cell.strip("*") for cell in (*cells, "")[:2])
    return first, f"{first} ({second})"


def _tables(text: str) -> Iterator[tuple[str, list[list[str]]]]:
    """Yield the tables of a Markdown text, each with the heading that it stands under."""
    heading, table = "", []
    for line in [*text.splitlines(), ""]:
        if line.startswith("|"):
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            if not all(re.fullmatch(r":?-+:?", cell) for cell in cells):
                table.append(cells)
            continue
        if table:
            yield heading, table
            table = []
        if line.startswith("#"):
            heading = line.lstrip("#").strip()
