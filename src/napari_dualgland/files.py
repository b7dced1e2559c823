"""The door to every file that is read: only regular files, and one sentence for what goes wrong.

A pipe that nobody writes to would be waited for for ever, a device never ends; and every
library has exceptions of its own for a damaged file.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from napari_dualgland.errors import DualglandError, Kind


def home_expanded(path: str | os.PathLike[str]) -> Path:
    """Return a path with ``~`` and ``~user`` replaced.

    Parameters
    ----------
    path : str or os.PathLike

    Returns
    -------
    pathlib.Path

    Raises
    ------
    DualglandError
        If there is no such user, or the path holds a NUL character.
    """
    path = Path(path)
    if "\0" in str(path):
        raise DualglandError(Kind.BAD_VALUE, repr(str(path)), "a NUL character is in the path")
    try:
        return path.expanduser()
    except RuntimeError as error:
        raise DualglandError(
            Kind.NOT_THERE, path, "there is no such user's home", way_out="write the path out"
        ) from error


def regular(path: Path, what: str = "file") -> Path:
    """Return a path after making sure that a regular file with something in it is there.

    Parameters
    ----------
    path : pathlib.Path
    what : str
        What the file is for, for the message.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    DualglandError
        Of kind ``not-there``, ``unreadable``, ``not-a-file`` or ``empty``.
    """
    try:
        seen = path.stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DualglandError(Kind.NOT_THERE, path, f"no such {what}") from error
    except (OSError, ValueError) as error:
        raise DualglandError(Kind.UNREADABLE, path, f"cannot be read ({_said(error)})") from error
    if not stat.S_ISREG(seen.st_mode):
        found = "is a folder" if stat.S_ISDIR(seen.st_mode) else "is a pipe, socket or device"
        raise DualglandError(Kind.NOT_A_FILE, path, found, expected=f"a {what}")
    if not os.access(path, os.R_OK):
        raise DualglandError(Kind.UNREADABLE, path, "cannot be read (permission denied)")
    if seen.st_size == 0:
        found, way_out = f"the {what} is empty (0 bytes)", "fetch or export it again"
        raise DualglandError(Kind.EMPTY, path, found, way_out=way_out)
    return path


@contextmanager
def decoding(path: str | os.PathLike[str], what: str = "file", part: str = "") -> Iterator[None]:
    """Turn whatever a library raises on a file into one clear sentence.

    Only the library's own call may stand inside: a fault of ours is a bug, not damage.

    Parameters
    ----------
    path : str or os.PathLike
    what : str
        What the file is, such as ``TIFF``.
    part : str
        The page or chunk that is decoded.

    Yields
    ------
    None

    Raises
    ------
    DualglandError
        Of kind ``damaged``; ``unreadable`` where the system says no; ``too-large`` where
        memory ran out.
    """
    try:
        yield
    except DualglandError:
        raise
    except MemoryError as error:
        found = f"the {what} needs more memory than there is"
        raise DualglandError(Kind.TOO_LARGE, path, found, part=part) from error
    except FileNotFoundError as error:
        where = error.filename or path
        raise DualglandError(Kind.NOT_THERE, where, f"no such {what}") from error
    except PermissionError as error:
        found = f"cannot be read ({_said(error)})"
        raise DualglandError(Kind.UNREADABLE, path, found, part=part) from error
    except Exception as error:  # decoders raise all sorts on damaged files
        found = f"the {what} is damaged or truncated ({_said(error)})"
        raise DualglandError(
            Kind.DAMAGED, path, found, part=part, way_out="fetch or export it again"
        ) from error


def _said(error: BaseException) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(text.split())[:300]
