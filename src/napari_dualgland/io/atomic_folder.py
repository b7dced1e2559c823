"""A folder that is one thing, such as an OME-Zarr, is there whole or not at all.

It is filled beside its place and then renamed. No system swaps two folders at once, so the
older one steps aside for a moment; whatever is killed in that moment, the next run to the same
place puts it back.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from napari_dualgland.io.atomic import refusal
from napari_dualgland.io.beside import Beside, hidden_name
from napari_dualgland.io.signals import put_off
from napari_dualgland.written import record

_FILLED, _OLDER = ".filled", ".older"


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Give an empty folder beside ``path``; rename it onto ``path`` when all went well.

    Whatever goes wrong, Ctrl-C included, it is removed and an older folder stays as it was.

    Raises
    ------
    DualglandError
        Of kind ``unwritable`` or ``no-space``.
    """
    try:
        with Beside(path) as held:
            _clear(path)
            # The locked file says that somebody is at the folder of the same name.
            filled = held.path.with_suffix(_FILLED)
            try:
                filled.mkdir()
                yield filled
                _flush(filled)
                with put_off():
                    _swap(filled, path, held.path.with_suffix(_OLDER))
                    record([path])
            finally:
                shutil.rmtree(filled, ignore_errors=True)
    except (OSError, ExceptionGroup) as error:
        first = _first(error)
        if not isinstance(first, OSError) or _is_of_another(first, path):
            raise
        raise refusal(path, first) from error


def _first(error: Exception) -> Exception:
    """Return the first error of a group: many chunks are written at once."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error


def _is_of_another(error: OSError, path: Path) -> bool:
    """Whether an error names a file that is none of ours: one that is read, say."""
    if not isinstance(error.filename, str):
        return False
    folder, named = path.absolute().parent, Path(error.filename).absolute()
    ours = named in (folder, path.absolute()) or named.is_relative_to(path.absolute())
    return not ours and not str(named).startswith(str(folder / hidden_name(path)))


def _swap(filled: Path, path: Path, older: Path) -> None:
    """Put a folder in the place of another."""
    if not os.path.lexists(path):
        os.rename(filled, path)
        return
    os.rename(path, older)
    try:
        os.rename(filled, path)
    except OSError:
        os.rename(older, path)
        raise
    shutil.rmtree(older, ignore_errors=True)


def _clear(path: Path) -> None:
    """Remove what killed runs have left; put back an older folder that had stepped aside."""
    prefix = hidden_name(path)
    for name in os.listdir(path.absolute().parent):
        left = path.with_name(name)
        if not name.startswith(prefix) or left.suffix not in (_FILLED, _OLDER):
            continue
        if left.with_suffix(".part").exists():
            continue  # another run is at it
        if left.suffix == _OLDER and not os.path.lexists(path):
            with suppress(OSError):
                os.rename(left, path)
        else:
            shutil.rmtree(left, ignore_errors=True)


def _flush(folder: Path) -> None:
    """Put the content on the disk, or a power cut may leave the new name on empty files."""
    if os.name == "nt":  # which opens no folder, and whose files are flushed on closing
        return
    for inside, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(inside, name), "rb") as file:
                os.fsync(file.fileno())
