"""Where files can be put, whatever is to be written: places that cannot be had, folders made."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.io.beside import longest_name


def refuse_place(path: Path) -> None:
    """Refuse a path where no file can be put: no folder, a folder, a pipe, too long a name.

    Parameters
    ----------
    path : pathlib.Path

    Raises
    ------
    DualglandError
        Of kind ``not-there``, ``not-a-file`` or ``bad-value``.
    """
    folder = path.absolute().parent
    if not os.path.isdir(folder):
        found = f"there is no folder {folder}"
        raise DualglandError(Kind.NOT_THERE, path, found, way_out="make it first")
    if os.path.isdir(path):
        raise DualglandError(Kind.NOT_A_FILE, path, "is a folder", way_out="give a file name")
    if os.path.exists(path) and not os.path.isfile(path):
        raise DualglandError(Kind.NOT_A_FILE, path, "is a pipe, socket or device")
    refuse_long_name(path.name, folder, path)


def refuse_long_name(name: str, folder: Path, path: Path) -> None:
    """Refuse a name that a folder's file system cannot hold.

    Parameters
    ----------
    name : str
        Of the file or folder that is to be made.
    folder : pathlib.Path
        Is there.
    path : pathlib.Path
        What was asked for, for the message.

    Raises
    ------
    DualglandError
        Of kind ``bad-value``.
    """
    length, longest = len(os.fsencode(name)), longest_name(folder)
    if length > longest:
        found = f"the name is of {length} bytes"
        raise DualglandError(Kind.BAD_VALUE, path, found, expected=f"{longest} at most")


def made(folder: Path) -> Path:
    """Return a folder after making it and those that it lies in.

    Raises
    ------
    DualglandError
        Of kind ``unwritable`` or ``no-space``.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        said = "is a file" if os.path.isfile(folder) else error.strerror or str(error)
        kind = Kind.NO_SPACE if error.errno in (errno.ENOSPC, errno.EDQUOT) else Kind.UNWRITABLE
        raise DualglandError(kind, folder, f"the folder cannot be made ({said})") from error
    return folder
