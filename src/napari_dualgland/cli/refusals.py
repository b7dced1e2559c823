"""What libraries and the system raise, as refusals: the one place that knows their exceptions.

Most are told where they are raised, with the file and the way out. What gets through to here is
still no bug where a library has an exception of its own for it; all else is one.
"""

from __future__ import annotations

import errno
from typing import Any

from napari_dualgland.cli.stopping import SAID
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.memory import is_out_of_memory
from napari_dualgland.written import written

_OF_THE_SYSTEM = {
    errno.ENOENT: Kind.NOT_THERE,
    errno.ENOTDIR: Kind.NOT_A_FILE,
    errno.EISDIR: Kind.NOT_A_FILE,
    errno.EROFS: Kind.UNWRITABLE,
    errno.ENOSPC: Kind.NO_SPACE,
    errno.EDQUOT: Kind.NO_SPACE,
    errno.EFBIG: Kind.NO_SPACE,
    errno.ENAMETOOLONG: Kind.BAD_VALUE,
    errno.EINVAL: Kind.BAD_VALUE,
    errno.ETIMEDOUT: Kind.TIMEOUT,
    errno.ENOMEM: Kind.TOO_LARGE,
}
_OF_LIBRARIES = {
    "requests": (Kind.NETWORK, "the network"),
    "urllib3": (Kind.NETWORK, "the network"),
    "yaml": (Kind.DAMAGED, "a YAML file"),
    "zarr": (Kind.DAMAGED, "an OME-Zarr"),
    "numcodecs": (Kind.DAMAGED, "an OME-Zarr"),
    "tifffile": (Kind.DAMAGED, "a TIFF"),
    "imagecodecs": (Kind.DAMAGED, "an image"),
    "PIL": (Kind.DAMAGED, "an image"),
    "zipfile": (Kind.DAMAGED, "a packed file"),
    "zlib": (Kind.DAMAGED, "a packed file"),
    "_lzma": (Kind.DAMAGED, "a packed file"),
    "safetensors": (Kind.DAMAGED, "a model's weights"),
    "xml": (Kind.DAMAGED, "an XML file"),
}
"""By the package that defines an exception; what builtins raise is told apart below."""

_SMALLER = "work on a smaller image or fewer planes, or close other programs"


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
    if isinstance(error, DualglandError):
        return error
    usage = _usage(error, before)
    if usage is not None:
        return usage
    if is_out_of_memory(error):
        return DualglandError(Kind.TOO_LARGE, "memory", "there is not enough", way_out=_SMALLER)
    if isinstance(error, UnicodeEncodeError) and "surrogates" in error.reason:
        found = "the name holds bytes that are no UTF-8"
        return DualglandError(Kind.BAD_VALUE, error.object, found, way_out="rename it")
    for definer in type(error).__mro__:
        known = _OF_LIBRARIES.get(definer.__module__.partition(".")[0])
        if known is not None:
            kind, place = known
            return DualglandError(kind, place, f"{type(error).__name__}: {error}")
    if isinstance(error, OSError):
        return _of_the_system(error)
    return None


def _of_the_system(error: OSError) -> DualglandError:
    kind = _OF_THE_SYSTEM.get(error.errno or 0, Kind.UNREADABLE)
    if isinstance(error, ConnectionError):
        kind = Kind.NETWORK
    place = error.filename if isinstance(error.filename, str) else "the system"
    return DualglandError(kind, place or "''", error.strerror or f"{type(error).__name__}: {error}")


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
