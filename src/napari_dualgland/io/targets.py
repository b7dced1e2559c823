"""Where a result may be written, asked before minutes are spent on it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.io.atomic import reason
from napari_dualgland.io.places import refuse_long_name, refuse_place
from napari_dualgland.io.sources import files_behind
from napari_dualgland.io.zarr import METADATA, is_ome_zarr, require_zarr

OME_TIFF = (".ome.tif", ".ome.tiff")
OME_ZARR = (".ome.zarr",)


def refuse_file(path: Path, read_from: Iterable[Path]) -> None:
    """Refuse a file that cannot be written, or that is read from.

    Parameters
    ----------
    path : pathlib.Path
        Where the result is to go.
    read_from : iterable of pathlib.Path
        What is read, as :func:`~napari_dualgland.read` takes it.

    Raises
    ------
    DualglandError
        Of kind ``conflict``, ``not-there``, ``not-a-file``, ``unwritable``, ``no-space`` or
        ``bad-value``.
    """
    refuse_place(path)
    refuse_source(path, read_from)
    _refuse_unwritable(path.absolute().parent, path)


def refuse_zarr(path: Path, read_from: Iterable[Path]) -> None:
    """Refuse a folder that cannot become an OME-Zarr: it holds other things, or is read from.

    Parameters
    ----------
    path : pathlib.Path
        Where the OME-Zarr is to go. An older one is replaced.
    read_from : iterable of pathlib.Path
        What is read, as :func:`~napari_dualgland.read` takes it.

    Raises
    ------
    DualglandError
        As of :func:`refuse_file`.
    """
    folder = path.absolute().parent
    if not os.path.isdir(path):
        refuse_place(path)
        if os.path.lexists(path):
            found, way_out = "is a file", "give another name; an OME-Zarr is a folder"
            raise DualglandError(Kind.NOT_A_FILE, path, found, way_out=way_out)
    elif os.path.islink(path) or not (_is_zarr(path) or not os.listdir(path)):
        found = "is a folder that is no OME-Zarr; it is not replaced"
        raise DualglandError(Kind.CONFLICT, path, found, way_out="give another name")
    read_from = tuple(read_from)
    refuse_source(path, read_from)
    whole = Path(os.path.realpath(path))
    for source in read_from:
        if Path(os.path.realpath(source)).is_relative_to(whole):
            found = f"the source ({source}) lies in it; it would be replaced"
            raise DualglandError(Kind.CONFLICT, path, found, way_out="give another name")
    _refuse_unwritable(folder, path)


def _is_zarr(folder: Path) -> bool:
    """Whether zarr's metadata lie in a folder, whatever its name."""
    return any(os.path.lexists(folder / mark) for mark in METADATA)


def refuse_folder(folder: Path, names: Iterable[str], read_from: Iterable[Path]) -> None:
    """Refuse a folder, there or to be made, in which files of some names cannot be written.

    Parameters
    ----------
    folder : pathlib.Path
    names : iterable of str
        Of the files.
    read_from : iterable of pathlib.Path
        What is read, as :func:`~napari_dualgland.read` takes it.

    Raises
    ------
    DualglandError
        As of :func:`refuse_file`.
    """
    if os.path.lexists(folder) and not os.path.isdir(folder):
        way_out = "give the name of a folder"
        raise DualglandError(Kind.NOT_A_FILE, folder, "this is a file", way_out=way_out)
    missing = [p for p in (folder.absolute(), *folder.absolute().parents) if not os.path.isdir(p)]
    there = missing[-1].parent if missing else folder.absolute()
    for lacking in missing:
        refuse_long_name(lacking.name, there, folder)
    if missing and os.path.lexists(missing[-1]):
        raise DualglandError(Kind.NOT_A_FILE, folder, f"{missing[-1]} is no folder")
    read_from = tuple(read_from)
    for name in names:
        if not missing:
            refuse_place(folder / name)
        refuse_source(folder / name, read_from)
    _refuse_unwritable(there, folder)


def refuse_source(path: Path, read_from: Iterable[Path]) -> None:
    """Refuse to write what is read from, by whatever name, or into an OME-Zarr.

    Parameters
    ----------
    path : pathlib.Path
        Where the result is to go.
    read_from : iterable of pathlib.Path
        What is read, as :func:`~napari_dualgland.read` takes it.

    Raises
    ------
    DualglandError
        Of kind ``conflict``.
    """
    for source in read_from:
        for file in files_behind(source):
            if _is_same(path, file):
                found = f"this is the source ({file}), never overwritten; it would be replaced"
                raise DualglandError(Kind.CONFLICT, path, found, way_out="give another name")
    inside = Path(os.path.realpath(path)).parents
    for folder in inside:
        if is_ome_zarr(folder):
            found = f"lies in {folder}, an OME-Zarr"
            raise DualglandError(Kind.CONFLICT, path, found, way_out="write beside it")


def refuse_ending(path: Path, endings: tuple[str, ...] = OME_TIFF) -> None:
    """Refuse a name that says another format.

    Parameters
    ----------
    path : pathlib.Path
    endings : tuple of str
        Of the formats that hold all of a result.

    Raises
    ------
    DualglandError
        Of kind ``bad-value``.
    """
    if not path.name.lower().endswith(endings):
        found = f"the name must end in {', '.join(endings[:-1])} or {endings[-1]}"
        way_out = f"call it {path.name.partition('.')[0] or 'result'}{endings[0]}"
        raise DualglandError(Kind.BAD_VALUE, path, found, way_out=way_out)


def refuse_result(path: Path, read_from: Iterable[Path]) -> None:
    """Refuse a place for an OME-TIFF or an OME-Zarr, whichever its name says.

    Parameters
    ----------
    path : pathlib.Path
    read_from : iterable of pathlib.Path
        What is read, as :func:`~napari_dualgland.read` takes it.

    Raises
    ------
    DualglandError
        As of :func:`refuse_file`; of kind ``not-installed`` where zarr is lacking.
    """
    refuse_ending(path, (*OME_TIFF, *OME_ZARR))
    if path.name.lower().endswith(OME_ZARR):
        require_zarr(path)
        refuse_zarr(path, read_from)
    else:
        refuse_file(path, read_from)


def _is_same(path: Path, other: Path) -> bool:
    """Whether two paths are one file: by a link, or another spelling."""
    try:
        return os.path.samefile(path, other)
    except (OSError, ValueError):  # one of them is not there, so nothing of it is replaced
        return False


def _refuse_unwritable(folder: Path, out: Path) -> None:
    """Refuse a folder in which no file can be made, by making one that has no name."""
    if os.path.isfile(out) and not os.access(out, os.W_OK):
        way_out = "make it writable, or give another name"
        raise DualglandError(Kind.UNWRITABLE, out, "may not be written to", way_out=way_out)
    try:
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"x")
            probe.flush()
    except OSError as error:
        kind, found = reason(folder, error)
        raise DualglandError(kind, out, found, way_out="choose another") from error
