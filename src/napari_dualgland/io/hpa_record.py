"""A set of pictures that this program has written: with masks and history, by its record.

Pictures say nothing of themselves; the record beside them says which files belong to them and
how estimated pixels came to be. Pictures that have come to lie beside them are left out; where
there are no others it says nothing.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.files import regular
from napari_dualgland.io.own_images import with_images
from napari_dualgland.io.pictures import one_channel, read_picture
from napari_dualgland.io.record import KEY, Record
from napari_dualgland.io.tiff import read_tiff
from napari_dualgland.stack import Stack, from_canonical, to_canonical
from napari_dualgland.typing import LazyArray

_MOST_INFO = 2**26
"""Bytes of a record, which is read whole."""


def info_of(folder: Path, stem: str) -> Path:
    """Return where the record of a set lies.

    Parameters
    ----------
    folder : pathlib.Path
    stem : str
        What the files of the set share.

    Returns
    -------
    pathlib.Path
    """
    return folder / f"{stem}_info.json"


def record_of(folder: Path, stem: str) -> Record | None:
    """Return the record of a set; None if there is none, or it is none of ours.

    Parameters
    ----------
    folder : pathlib.Path
    stem : str
        What the files of the set share.

    Returns
    -------
    Record or None
    """
    path = info_of(folder, stem)
    try:
        if not path.is_file() or path.stat().st_size > _MOST_INFO:
            return None
        said = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return Record.parsed(said[KEY]) if isinstance(said, dict) and KEY in said else None


def read_recorded(folder: Path, stem: str, chosen: Collection[str]) -> Stack | None:
    """Return a set as it was written; None if there is no record of it.

    Parameters
    ----------
    folder : pathlib.Path
    stem : str
        What the files of the set share.
    chosen : collection of str
        Names of the files that are wanted.

    Returns
    -------
    Stack or None
        An :class:`~napari_dualgland.results.Imputation` where it was one.

    Raises
    ------
    DualglandError
        If a file cannot be read, or they do not belong together.
    """
    record = record_of(folder, stem)
    names = () if record is None else record.files.get("image", ())
    others = sorted({*chosen} - {*names})
    if record is None or len(names) != len(record.channels) or len(others) == len({*chosen}):
        return None
    there = _wanted(folder, record, chosen)
    planes = {names[i]: _plain(folder / names[i]) for i in there}
    check_alike(planes)
    said = record.as_header()
    stack = Stack(
        data=_joined([*planes.values()], record.axes),
        axes=record.axes,
        channels=tuple(record.channels[i] for i in there),
        pixel_size=said.pixel_size,
        time_step=said.time_step,
        name=stem,
        source=str(folder / stem),
        files=tuple(str(folder / names[i]) for i in there),
        kind=said.kind,
        provenance=said.provenance,
        header=said.besides,
    )
    beside: dict[str, Stack | None] = {}
    for what, files in record.files.items():
        if what != "image":
            paths = [folder / files[i] for i in there if i < len(files)]
            whole = len(paths) == len(there) and all(path.is_file() for path in paths)
            data = _joined([_plain(path) for path in paths], record.axes) if whole else None
            beside[what] = None if data is None else replace(stack, data=data)
    stack, notes = with_images(stack, beside)
    if others:
        names_none = f"{info_of(folder, stem).name} names no such file of the field"
        notes = [*notes, f"{', '.join(others)}: left out; {names_none}"]
    return replace(stack, notes=(*stack.notes, *notes))


def _wanted(folder: Path, record: Record, chosen: Collection[str]) -> list[int]:
    """Return the channels that are wanted.

    Those without a role have no name of the atlas; they come with the whole set alone.
    """
    names, roles = record.files["image"], [channel.role for channel in record.channels]
    there = [i for i, name in enumerate(names) if (folder / name).is_file()]
    whole = all(names[i] in chosen for i in there if roles[i])
    return [i for i in there if names[i] in chosen or (whole and roles[i] is None)]


def _plain(path: Path) -> Stack:
    """Return a file of one channel: its pixels and no more."""
    regular(path, "file of a set")
    stack = read_picture(path) if path.suffix.lower() == ".png" else read_tiff(path)
    return stack if len(stack.channels) == 1 else one_channel(stack) or stack


def _joined(members: list[Stack], axes: str) -> LazyArray:
    """Return channels as the pixels of a stack with such axes."""
    whole = np.concatenate([to_canonical(m.data, m.axes) for m in members], axis=2)
    joined: LazyArray = from_canonical(whole, axes)
    return joined


def check_alike(members: Mapping[str, Stack]) -> None:
    """Blame the member that is unlike the others."""
    for what, values in (
        ("axes", {role: m.axes for role, m in members.items()}),
        ("size", {role: " × ".join(map(str, m.shape)) for role, m in members.items()}),
        ("dtype", {role: str(m.dtype) for role, m in members.items()}),
        ("pixel size", {role: m.pixel_size for role, m in members.items() if m.pixel_size}),
    ):
        counts = Counter(values.values()).most_common()
        if len(counts) > 1:
            usual, odd = counts[0][0], counts[-1][0]
            blamed = next(members[role] for role, value in values.items() if value == odd)
            other = next(members[role] for role, value in values.items() if value == usual)
            raise DualglandError(
                Kind.MISMATCH,
                blamed.where,
                f"{what} is {odd}, but {usual} in {other.where}",
                part=what,
                expected="that the files of a set agree",
            )
