"""The words of a shell line, before they mean anything: what typer does not refuse by itself."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from typer import BadParameter
from typer.core import TyperCommand
from typing_extensions import override

from napari_dualgland.cli.refusals import name_of
from napari_dualgland.errors import DualglandError, Kind

ONCE = {"out", "missing", "cells", "channels", "data", "pictures", "log", "release"}
ONCE |= {"table", "gene", "ensg", "antibody", "cell_line", "location", "images", "name"}
"""What a run is about. Of other options the last is taken, so that a script's may be overruled."""


class Verb(TyperCommand):
    """A verb that refuses two statements of what it is about: one would silently be left out."""

    @override
    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the words of a shell line; see typer."""
        given = self.make_parser(ctx).parse_args(args=list(args))[2]
        for option in given:
            if option.name in ONCE and given.count(option) > 1:
                raise DualglandError(Kind.CONFLICT, name_of(option), "is given more than once")
        return super().parse_args(ctx, args)


def path_given(text: str | os.PathLike[str], option: str | None = None) -> Path:
    """Return the path that a person has typed, with ``~`` replaced.

    Parameters
    ----------
    text : str or os.PathLike
    option : str, optional
        What it was given to, where typer does not know.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    typer.BadParameter
        Where it cannot be one.
    """
    from napari_dualgland.files import home_expanded

    words = os.fspath(text)
    if words in ("", "-"):
        found = "'-' is no file; ./- would be one" if words else "the path is empty"
        raise BadParameter(found, param_hint=option)
    if not words.startswith("~") and str(Path(words)).startswith("~"):
        return Path(words).absolute()  # ./~ is a name: not to be expanded here, nor later
    try:
        return home_expanded(words)
    except DualglandError as error:
        raise BadParameter(str(error)) from error
