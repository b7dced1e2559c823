"""Where people read: names and paths as they are, nothing in them obeyed.

Square brackets are no markup, ``:smile:`` is no picture, and control characters are written
out, for whatever is shown may come from a file that somebody else has made.
"""

from __future__ import annotations

import os
from typing import Any

from rich.console import Console
from rich.text import Text
from typing_extensions import override

from napari_dualgland.legible import legible


class PlainConsole(Console):
    """A console that shows every text as it is, made legible.

    Parameters
    ----------
    stderr : bool
        Write there instead of to stdout.
    """

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, highlight=False, markup=False, emoji=False)
        if not self.is_terminal and "COLUMNS" not in os.environ:
            # Lines are cut by the terminal only, never by a guessed width.
            self.width = 160

    @override
    def render_str(self, text: str, **options: Any) -> Text:
        """Return a text with its style; every string that is printed comes through here."""
        return super().render_str(legible(text), **options)

    @override
    def on_broken_pipe(self) -> None:
        """Leave it to the command line's own guard; rich would end the program as if by a bug."""
        raise BrokenPipeError
