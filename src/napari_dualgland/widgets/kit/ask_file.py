"""Asking where a file shall lie, and whether one that lies there may be replaced."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from qtpy.QtWidgets import QFileDialog, QMessageBox, QWidget

from napari_dualgland.legible import legible
from napari_dualgland.widgets.kit.style import plain


def ask_file(
    parent: QWidget,
    title: str,
    name: str,
    kind: str,
    endings: tuple[str, ...],
    field: str,
    written: Callable[[Path], Iterable[Path]] = lambda path: [path],
) -> Path | None:
    """Ask for a file to write, and whether one that is there may be replaced.

    Parameters
    ----------
    parent : QWidget
        Over which it is asked.
    title, name, kind : str
        Of the dialog, what is proposed, and which files it shows.
    endings : tuple of str
        That its name may have, in lower case; without one of them it gets the first.
    field : str
        Name of the field of view with whose result.
    written : callable
        Returns all files that will be written for a path.

    Returns
    -------
    pathlib.Path or None
        None where the person has thought better of it.
    """
    # It is asked here: the dialog knows the name without the ending that it gets.
    itself = QFileDialog.Option.DontConfirmOverwrite
    chosen, _ = QFileDialog.getSaveFileName(parent, title, name, kind, options=itself)
    if not chosen:
        return None
    path = Path(chosen if chosen.lower().endswith(endings) else chosen + endings[0])
    return path if may_replace(written(path), field, parent) else None


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
