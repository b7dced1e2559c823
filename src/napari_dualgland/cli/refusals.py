"""What a command ends with where it cannot go on: mistyped options, Ctrl-C, and all refusals."""

from __future__ import annotations

from typing import Any

from napari_dualgland import refusals
from napari_dualgland.cli.stopping import SAID
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.written import written

PROGRAM = "dualgland"
"""The place of what is wrong with no file and no option."""


def interrupted(before: int = 0) -> DualglandError:
    """Return what is told where a person stopped the program.

    Parameters
    ----------
    before : int
        How many files this process had written before the command.

    Returns
    -------
    DualglandError
    """
    files = ", ".join(str(path) for path in written()[before:])
    found = f"interrupted; written before that: {files}" if files else SAID
    return DualglandError(Kind.INTERRUPTED, PROGRAM, found)


def refusal_of(error: Exception, before: int = 0) -> DualglandError | None:
    """Return what went wrong as a refusal; None where it is a bug.

    Parameters
    ----------
    error : Exception
    before : int
        How many files this process had written before the command.

    Returns
    -------
    DualglandError or None
    """
    return _usage(error, before) or refusals.refusal_of(error)


def _usage(error: Exception, before: int) -> DualglandError | None:
    """Return what a person mistyped on the command line; None where it is nothing of the kind."""
    from typer import Abort, BadParameter

    if isinstance(error, Abort):
        return interrupted(before)
    mistyped: Any = BadParameter.__base__  # the common base of all that a person mistypes
    if not isinstance(error, mistyped):
        return None
    if isinstance(error.__cause__, DualglandError):
        return error.__cause__
    told: Any = error
    parameter = getattr(told, "param", None)
    place = getattr(told, "option_name", None) or getattr(told, "param_hint", None) or PROGRAM
    if parameter is not None:
        place = name_of(parameter)
    kind = Kind.LACKING if hasattr(told, "param_type") else Kind.BAD_VALUE
    found = "is missing" if kind == Kind.LACKING else str(told.message).rstrip(".")
    return DualglandError(kind, place, found, way_out="see --help")


def name_of(parameter: Any) -> str:
    """Return what a person calls an option or an argument: ``--tile``, ``INPUT``."""
    if parameter.param_type_name == "option":
        return str(max(parameter.opts, key=len))
    return str(parameter.metavar or parameter.human_readable_name)
