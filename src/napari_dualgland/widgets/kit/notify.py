"""An error becomes one line for the form, and napari's notification."""

from __future__ import annotations

from napari.utils.notifications import notification_manager, show_error

from napari_dualgland.errors import DualglandError
from napari_dualgland.legible import legible
from napari_dualgland.widgets.kit.style import plain


def notify(error: Exception) -> str:
    """Show an error as napari's notification and return the line that a form shows."""
    if isinstance(error, DualglandError):
        line = legible(str(error))
        show_error(plain(line))
        return line
    # With its traceback, which napari's notification unfolds for a report.
    notification_manager.receive_error(type(error), error, error.__traceback__)
    first = (str(error).splitlines() or [""])[0]
    return f"Unexpected {type(error).__name__}: {legible(first)}"
