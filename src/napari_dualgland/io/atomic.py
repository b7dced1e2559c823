"""Files are there whole or not at all: written beside their places, then renamed onto them.

A set of files is written and put on the disk whole before the first of them gets its name, so
that a full disk, Ctrl-C or a kill while they are written leaves the older set as it was.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.io.beside import Beside, beside_name
from napari_dualgland.io.places import refuse_place
from napari_dualgland.io.signals import put_off
from napari_dualgland.written import record

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NOT_ALLOWED = (errno.EACCES, errno.EPERM, errno.EROFS)
_IN_USE = (errno.EBUSY, errno.ETXTBSY)
_IN_USE_WINDOWS = (5, 32, 33)
"""Of a file that is open in another program; Windows says no more than *access denied*."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path``; rename it onto ``path`` when all went well.

    Whatever goes wrong, Ctrl-C included, the temporary file is removed and an older file
    at ``path`` stays as it was. What a killed run has left for the same path is removed.

    Raises
    ------
    DualglandError
        Of kind ``not-there``, ``not-a-file``, ``unwritable`` or ``no-space``.
    """
    with replacing_all([path]) as (temporary,):
        yield temporary


@contextmanager
def replacing_all(paths: Sequence[Path]) -> Iterator[list[Path]]:
    """Give a temporary path beside each of a set of files; rename all of them at the end.

    Whatever goes wrong, the older set stays as it was. Only where the disk refuses even that
    do files of two runs lie side by side; then the error says which are of the new one.

    Parameters
    ----------
    paths : sequence of pathlib.Path
        Where the files go. Their folders are there.

    Yields
    ------
    list of pathlib.Path
        One for each path, there and empty.

    Raises
    ------
    DualglandError
        Of kind ``not-there``, ``not-a-file``, ``unwritable`` or ``no-space``.
    """
    for path in paths:
        refuse_place(path)
    place = paths[0] if len(paths) == 1 else paths[0].parent
    besides: list[Beside] = []
    with ExitStack() as held:
        try:
            for path in paths:
                besides.append(Beside(path))
                held.enter_context(besides[-1])
            yield [beside.path for beside in besides]
            for beside in besides:
                beside.flush()
        except OSError as error:
            if _is_of_another(error, [*paths, *(beside.path for beside in besides)]):
                raise
            raise refusal(place, error) from error
        with put_off():
            _rename(place, {beside.path: beside.target for beside in besides})
            record(paths)
    for folder in {path.parent for path in paths}:
        _flush_names(folder)


def _rename(place: Path, targets: Mapping[Path, Path]) -> None:
    """Rename files onto their targets; where one fails, put back those that went before."""
    before = [path for path in targets.values() if path.exists()] if len(targets) > 1 else []
    kept: dict[Path, Path] = {}
    new: list[Path] = []
    try:
        for path in before:
            with suppress(OSError):  # FAT knows no second names
                os.link(path, beside := beside_name(path))
                kept[path] = beside
        for temporary, target in targets.items():
            os.replace(temporary, target)
            new.append(target)
    except OSError as error:
        left = [path for path in new if path in before and not _put_back(path, kept.get(path))]
        left += [path for path in new if path not in before and not _removed(path)]
        record(left)
        raise refusal(place, error, left) from error
    finally:
        for second in kept.values():
            with suppress(OSError):
                second.unlink()


def _put_back(path: Path, kept: Path | None) -> bool:
    """Put an older file back; whether that could be done."""
    if kept is None:
        return False
    try:
        os.replace(kept, path)
    except OSError:
        return False
    return True


def _removed(path: Path) -> bool:
    """Remove a new file that is alone; whether that could be done."""
    try:
        path.unlink()
    except OSError:
        return False
    return True


def _flush_names(folder: Path) -> None:
    """Put new names on the disk too, or a power cut may bring the old files back."""
    if os.name == "nt":  # which opens no folder, and needs no such flush
        return
    # The files have their names already: an error here takes nothing from them.
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _is_of_another(error: OSError, ours: Sequence[Path]) -> bool:
    """Whether an error names a file that is none of ours: one that is read, say."""
    if not isinstance(error.filename, str) or error.errno in (*_FULL, errno.EROFS):
        return False
    known = {path.absolute() for path in ours} | {path.absolute().parent for path in ours}
    return Path(error.filename).absolute() not in known


def refusal(place: Path, error: OSError, left: Sequence[Path] = ()) -> DualglandError:
    """Return an error of writing as one sentence.

    Parameters
    ----------
    place : pathlib.Path
        Where a file, a set or a folder was to be written.
    error : OSError
    left : sequence of pathlib.Path
        New files of a set whose others are older, for the disk refused to put them back.

    Returns
    -------
    DualglandError
    """
    kind, found = reason(place.absolute().parent, error)
    truth = "nothing was written"
    if left:
        names = ", ".join(path.name for path in left)
        truth = f"of this run are {names}, the other files of the set are older; run it again"
    return DualglandError(kind, place, found, way_out=truth)


def reason(folder: Path, error: OSError) -> tuple[Kind, str]:
    """Return the kind of an error of writing, and what it says.

    Parameters
    ----------
    folder : pathlib.Path
        Where a file could not be written.
    error : OSError

    Returns
    -------
    Kind
    str
    """
    if error.errno in _FULL:
        return Kind.NO_SPACE, "the disk is full, or the file larger than allowed"
    renamed = getattr(error, "filename2", None) is not None
    if error.errno in _IN_USE or (renamed and getattr(error, "winerror", 0) in _IN_USE_WINDOWS):
        return Kind.UNWRITABLE, "is in use: close it in the program that has it open"
    if error.errno in _NOT_ALLOWED:
        # Files beside it could be made, so it is the file itself that may not be replaced.
        what = "it is protected, or open in another program" if renamed else ""
        return Kind.UNWRITABLE, what or f"the folder {folder} cannot be written to"
    # NumPy reports a short write without the number of the error.
    if error.errno is None and shutil.disk_usage(folder).free < 2**20:
        return Kind.NO_SPACE, "the disk is full"
    return Kind.UNWRITABLE, f"cannot be written ({error.strerror or error})"
