"""What the dock asks before an export, and says after it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from qtpy.QtWidgets import QMessageBox, QWidget

from napari_dualgland.io.writing import Plan
from napari_dualgland.legible import legible
from napari_dualgland.memory import in_words
from napari_dualgland.widgets.kit.style import plain


def may_replace(paths: Iterable[Path], field: str, parent: QWidget) -> bool:
    """Ask whether what is there may be replaced, where something is.

    Parameters
    ----------
    paths : iterable of pathlib.Path
        All that will be written.
    field : str
        Name of the field of view with whose result.
    parent : QWidget
        Over which it is asked.

    Returns
    -------
    bool
    """
    names = [path.name for path in paths if os.path.exists(path)]  # a name may be too long
    if not names:
        return True
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    verb = "is" if len(names) == 1 else "are"
    asked = f"{legible(shown)} {verb} there already. Replace with {legible(field)}?"
    yes, no = QMessageBox.StandardButton.Yes, QMessageBox.StandardButton.No
    return bool(QMessageBox.question(parent, "Export", plain(asked), yes | no, no) == yes)


def written_words(plan: Plan) -> str:
    """Return what was written where."""
    first, count = plan.files[0].path, len(plan.files)
    more = "" if count == 1 else f" and {count - 1} more files"
    size = in_words(sum(_size_of(file.path) for file in plan.files))
    where = f"{legible(plan.field)} in {legible(str(first.parent))}"
    return f"{legible(first.name)}{more} ({size}) of {where}"


def _size_of(path: Path) -> int:
    inside = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in inside if file.is_file())
