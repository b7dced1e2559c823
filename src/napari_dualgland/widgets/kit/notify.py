"""An error becomes one line for the form; napari's notification is for what nobody looks at."""

from __future__ import annotations

from napari.utils.notifications import notification_manager, show_error, show_info

from napari_dualgland.errors import DualglandError
from napari_dualgland.legible import legible
from napari_dualgland.widgets.kit.style import plain


def line_of(error: Exception) -> str:
    """Return the line that a form shows of an error.

    What we did not foresee goes to napari too, which unfolds its traceback for a report.
    """
    if isinstance(error, DualglandError):
        return legible(str(error))
    notification_manager.receive_error(type(error), error, error.__traceback__)
    first = (str(error).splitlines() or [""])[0]
    return f"Unexpected {type(error).__name__}: {legible(first)}"


def notify(error: Exception, who: str = "") -> str:
    """Tell a person who looks elsewhere of an error; return the line that the form shows.

    Parameters
    ----------
    error : Exception
        How the work ended.
    who : str
        Whose work it was.

    Returns
    -------
    str
    """
    line = line_of(error)
    if isinstance(error, DualglandError):
        show_error(plain(f"{who}: {line}" if who else line))
    return line


def notify_done(line: str, who: str) -> None:
    """Tell a person who looks elsewhere how the work went.

    Parameters
    ----------
    line : str
        The first of what the form says.
    who : str
        Whose work it was.
    """
    show_info(plain(f"{who}: {line}"))
