"""The controls of a dock as a table: what each is called and what its tip says of it.

It stands in the dock's page between two comments, written by ``docs/screenshots.py`` from the dock
itself and held by ``tests/widgets/test_pages.py``.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from qtpy.QtWidgets import QAbstractButton, QAbstractSpinBox, QComboBox, QLineEdit, QTabBar, QWidget

KINDS = (QAbstractButton, QComboBox, QAbstractSpinBox, QLineEdit)
"""What a person presses, chooses, turns or types into."""

DOCKS = Path(__file__).resolve().parents[1] / "docks"


def table(dock: QWidget) -> str:
    """Return the controls of a dock as a Markdown table, hidden ones among them."""
    rows = ["| control | what it is for |", "|---|---|"]
    for control in dock.findChildren(QWidget):
        # A number has buttons of its own, a picker a line to type in, and tabs have arrows.
        inside = isinstance(control.parent(), QComboBox | QAbstractSpinBox | QTabBar)
        if isinstance(control, KINDS) and not inside and called(control):
            rows.append(f"| {cell(called(control))} | {cell(control.toolTip())} |")
    return "\n".join(dict.fromkeys(rows))


def called(control: Any) -> str:
    """Return what a control is called on screen, or by those who read screens aloud."""
    own = control.text() if isinstance(control, QAbstractButton) else ""
    return str(control.accessibleName() or own)


def cell(text: str) -> str:
    """Return a text for a cell of a table: one line, without Qt's marks."""
    text = re.sub(r"<[^>]+>", " ", text).replace("&", "")
    return " ".join(text.split()).strip("▸▾ ").replace("|", "\\|")


def page(name: str) -> Path:
    """Return the page of a dock."""
    return DOCKS / f"{name.lower()}.md"


def with_table(text: str, name: str, controls: str) -> str:
    """Return the page of a dock with this table in its place.

    Parameters
    ----------
    text : str
        The page.
    name : str
        Of the dock.
    controls : str
        From :func:`table`.

    Returns
    -------
    str
    """
    start, end = f"<!-- controls: {name} -->", "<!-- end of controls -->"
    before, rest = text.split(start)
    return f"{before}{start}\n\n{controls}\n\n{end}{rest.split(end, 1)[1]}"


def write(dock: QWidget, name: str) -> None:
    """Write the table of a dock into its page."""
    path = page(name)
    path.write_text(with_table(path.read_text(), name, table(dock)))
