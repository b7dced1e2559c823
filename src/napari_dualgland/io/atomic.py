"""A file is there whole or not at all: written beside its place, then renamed onto it."""

from __future__ import annotations

import errno
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from napari_dualgland.errors import DualglandError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path``; rename it onto ``path`` when all went well.

    Whatever goes wrong, Ctrl-C included, the temporary file is removed and an older file
    at ``path`` stays as it was.

    Raises
    ------
    DualglandError
        If the folder is not there or cannot be written, or the disk is full.
    """
    folder = path.parent
    if not folder.is_dir():
        raise DualglandError(f"{path}: there is no folder {folder}; make it first")
    if path.is_dir():
        raise DualglandError(f"{path}: is a folder; give a file name")
    temporary = folder / f".{path.name[:80]}.{uuid.uuid4().hex}.part"
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())  # else a power cut may leave the new name on an empty file
        os.replace(temporary, path)
        _flush_names(folder)
    except OSError as error:
        raise DualglandError(f"{path}: {_reason(folder, error)}; nothing was written") from error
    finally:
        # On a read-only disk removing what never came to be is an error of its own.
        with suppress(OSError):
            temporary.unlink()


def _flush_names(folder: Path) -> None:
    """Put the new name on the disk too, or a power cut may bring the old file back."""
    if os.name == "nt":  # which opens no folder, and needs no such flush
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _reason(folder: Path, error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return "the disk is full, or the file larger than allowed"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"the folder {folder} cannot be written to"
    # NumPy reports a short write without the number of the error.
    if error.errno is None and shutil.disk_usage(folder).free < 2**20:
        return "the disk is full"
    return f"cannot be written ({error.strerror or error})"
