"""All fields of view below a folder, in the order of their names."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from napari_dualgland.batch.manifest import MANIFEST
from napari_dualgland.batch.stacks import FoundStack, StackOptions
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.io.hpa import is_litter, parse_name
from napari_dualgland.io.sources import files_behind
from napari_dualgland.io.zarr import is_ome_zarr
from napari_dualgland.stack import ROLES

_TIFFS = (".tif", ".tiff", ".tif.gz", ".tiff.gz")
_OME = ".ome"
_COMPANIONS = ("mask", "missing", "imputed", "cells", "labels", "boundaries")
"""At the end of a name: not an image of its own, where that image lies beside it."""


def stacks_in(folder: Path, options: StackOptions, aside: Path | None) -> Iterator[FoundStack]:
    """Yield the stacks below a folder.

    Parameters
    ----------
    folder : pathlib.Path
        Absolute.
    options : StackOptions
        What holds for all of them.
    aside : pathlib.Path or None
        A folder that is not searched; nor is one that a batch has written.

    Yields
    ------
    FoundStack
        A folder that cannot be read is among them, with its error.

    Raises
    ------
    DualglandError
        If there is none.
    """
    empty = True
    # Raising where a folder cannot be read would end the walk, and cost all that come after it.
    unread: list[OSError] = []
    for place, folders, names in os.walk(folder, onerror=unread.append):
        here = Path(place)
        if here == aside or (here != folder and MANIFEST in names):
            folders.clear()
            continue
        zarrs = [name for name in sorted(folders) if is_ome_zarr(here / name)]
        folders[:] = sorted(f for f in folders if f not in zarrs and not is_litter(f))
        for files in (*((here / name,) for name in zarrs), *_fields(here, names)):
            empty = False
            yield _stack(files, options)
    for error in unread:
        yield _unreadable(error)
    if empty and not unread:
        expected = "sets of <id>_red|green|blue|yellow files, TIFFs or OME-Zarrs"
        raise DualglandError(Kind.NOT_THERE, folder, "holds no stack", expected=expected)


def _unreadable(error: OSError) -> FoundStack:
    found = f"cannot be read ({error.strerror})"
    told = DualglandError(Kind.UNREADABLE, error.filename, found)
    return FoundStack.refused(Path(error.filename), told)


def _stack(files: tuple[Path, ...], options: StackOptions) -> FoundStack:
    name = parse_name(files[0].name)
    path = files[0] if name is None else files[0].with_name(name.stem)
    return FoundStack(path=path, files=files, options=options)


def _fields(folder: Path, names: Iterable[str]) -> Iterator[tuple[Path, ...]]:
    """Yield the files of each field in one folder: of a set in the order of its roles."""
    sets: dict[str, list[tuple[int, Path]]] = {}
    single: list[Path] = []
    for name in sorted(names):
        member = parse_name(name)
        if member is not None:
            known = sets.setdefault(member.stem, [])
            known.append((ROLES.index(member.role), folder / name))
        elif name.lower().endswith(_TIFFS) and not is_litter(name):
            single.append(folder / name)
    beside = companions(single)
    fields = {files[0][1]: tuple(path for _, path in files) for files in map(sorted, sets.values())}
    seen: set[Path] = set()
    for path in single:
        if path in beside or path in seen:
            continue
        # Others may belong to it; only an OME-TIFF says so, and only a look inside tells.
        others = files_behind(path) if _OME in path.name.lower() else (path,)
        fields[path] = tuple(file for file in others if os.path.lexists(file))
        seen.update(fields[path])
    for first in sorted(fields):
        yield fields[first]


def companions(paths: Iterable[Path]) -> set[Path]:
    """Return those of some paths that are a mask, or a result, of another of them."""
    paths = list(paths)
    stems = {(path.parent, _stem(path)) for path in paths}
    found = set()
    for path in paths:
        of, _, last = _stem(path).rpartition("_")
        if last.lower() in _COMPANIONS and (path.parent, of) in stems:
            found.add(path)
    return found


def _stem(path: Path) -> str:
    name = path.name
    for ending in (".gz", ".tif", ".tiff", _OME):
        if name.lower().endswith(ending):
            name = name[: -len(ending)]
    return name
