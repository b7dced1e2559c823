"""Sets of four files, as the Human Protein Atlas hands them out.

One file per channel, told apart by the colour at the end of the name:
``<id>_red.png`` or ``<plate>_<well>_<field>_blue.jpg``. Anyone may hold three of the four,
or the same field twice in two formats; what is there is read, what is lacking is said.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from napari_dualgland.errors import DualglandError
from napari_dualgland.io.pictures import one_channel, read_picture
from napari_dualgland.io.tiff import read_tiff
from napari_dualgland.stack import ROLE_COLORS, ROLES, Channel, Stack

log = logging.getLogger(__name__)

SUFFIXES: Mapping[str, str] = {
    "microtubules": "red",
    "protein": "green",
    "nucleus": "blue",
    "er": "yellow",
}
"""The colour at the end of a file's name, by role."""

_ROLE_OF = {color: role for role, color in SUFFIXES.items()}
_COLORS = "red|green|blue|yellow"
_NAME = re.compile(
    rf"(?P<stem>.+)_(?P<color>{_COLORS})(?P<ending>\.png|\.jpe?g|\.tiff?(?:\.gz)?)",
    re.IGNORECASE,
)
# <id>_blue_red_green.jpg shows several channels in one picture; it is no member of a set.
_COMPOSITE = re.compile(rf"(?:.*_)?(?:{_COLORS})", re.IGNORECASE)


@dataclass(frozen=True)
class HpaName:
    """The parts of a member's file name: what all four share, its role, its format."""

    stem: str
    role: str
    kind: str


@dataclass(frozen=True)
class HpaSet:
    """The files of one field of view: its id, the folder, and a path by role."""

    stem: str
    folder: Path
    files: Mapping[str, Path]


def parse_name(name: str) -> HpaName | None:
    """Take the name of a file apart; None where it is not a member of a set."""
    match = _NAME.fullmatch(name)
    if match is None or _COMPOSITE.fullmatch(match["stem"]):
        return None
    return HpaName(match["stem"], _ROLE_OF[match["color"].lower()], match["ending"].lower())


def find_set(path: Path) -> HpaSet:
    """Find the set that a member, a common prefix or a folder stands for.

    Raises
    ------
    DualglandError
        If there is nothing of the kind, or more than one and nothing that chooses.
    """
    if path.is_dir():
        stems = list_sets(path)
        if len(stems) == 1:
            return _collect(path, stems[0], None)
        if stems:
            some = ", ".join(stems[:6]) + (", …" if len(stems) > 6 else "")
            raise DualglandError(
                f"{path}: holds {len(stems)} HPA sets ({some}); give one, as {path / stems[0]}"
            )
        prefix = _by_prefix(path)
        if prefix is None:
            raise DualglandError(
                f"{path}: the folder holds no HPA set (<id>_red|green|blue|yellow.png, "
                ".jpg, .tif, .tif.gz); for a TIFF, give the file itself"
            )
        return prefix
    name = parse_name(path.name)
    if path.exists() and name is not None:
        return _collect(path.parent, name.stem, name.kind)
    prefix = _by_prefix(path)
    if prefix is None:
        raise DualglandError(f"{path}: no such file, folder or HPA set")
    return prefix


def list_sets(folder: Path) -> list[str]:
    """Return the ids of all sets in a folder, sorted."""
    return sorted({name.stem for f in folder.iterdir() if (name := parse_name(f.name))})


def read_set(found: HpaSet) -> Stack:
    """Read the files of a set as one stack, channels in the order of ``ROLES``.

    Returns
    -------
    Stack
        Axes ``CYX`` (with Z or T where the files have them). Roles without a file are
        absent; ``notes`` says so. ``pixel_size`` is what the files say, else
        None: the same field is met at 0.08 and at 0.32 µm, so there is nothing to assume.

    Raises
    ------
    DualglandError
        If a file cannot be read, shows several channels, or differs in size or dtype.
    """
    members = {role: read_member(found.files[role]) for role in ROLES if role in found.files}
    _check_alike(members)
    first = next(iter(members.values()))
    axes = "C" + first.axes
    notes = [note for member in members.values() for note in member.notes]
    absent = [role for role in ROLES if role not in members]
    if absent:
        note = "no file for " + ", ".join(f"{role} (_{SUFFIXES[role]})" for role in absent)
        log.warning("%s: %s", found.folder / found.stem, note)
        notes.append(note)
    return Stack(
        data=np.stack([member.data for member in members.values()]),
        axes=axes,
        channels=tuple(Channel(role, role, ROLE_COLORS[role]) for role in members),
        pixel_size=next((m.pixel_size for m in members.values() if m.pixel_size), None),
        time_step=first.time_step,
        name=found.stem,
        source=str(found.folder / found.stem),
        files=tuple(str(found.files[role]) for role in members),
        notes=tuple(notes),
    )


def read_member(path: Path) -> Stack:
    """Read one file of a set: a single channel, its role told by its name."""
    name = parse_name(path.name)
    stack = read_tiff(path) if name and ".tif" in name.kind else read_picture(path)
    single = one_channel(stack)
    if single is None:
        raise DualglandError(
            f"{path}: is a colour picture of several channels; "
            "a file of an HPA set shows one (its colour stands at the end of the name)"
        )
    if name is None:
        return single
    channel = Channel(name.role, name.role, ROLE_COLORS[name.role])
    return replace(single, channels=(channel,), name=name.stem)


def _check_alike(members: Mapping[str, Stack]) -> None:
    (first_role, first), *others = members.items()
    for role, other in others:
        for what, a, b in (
            ("axes", first.axes, other.axes),
            ("size", " × ".join(map(str, first.shape)), " × ".join(map(str, other.shape))),
            ("dtype", str(first.dtype), str(other.dtype)),
            ("pixel size", first.pixel_size, other.pixel_size),
        ):
            if a != b and not (what == "pixel size" and None in (a, b)):
                raise DualglandError(
                    f"{other.source}: {what} is {b}, but {a} in {first.source}; "
                    f"the files of a set ({first_role}, {role}) must agree"
                )


def _by_prefix(path: Path) -> HpaSet | None:
    stem = path.name.rstrip("_")
    if not stem or not path.parent.is_dir() or stem not in list_sets(path.parent):
        return None
    return _collect(path.parent, stem, None)


def _collect(folder: Path, stem: str, kind: str | None) -> HpaSet:
    """Gather the files of a set; ``kind`` chooses where a field is there in two formats."""
    found: dict[str, dict[str, Path]] = {}
    for file in sorted(folder.iterdir()):
        name = parse_name(file.name)
        if name is not None and name.stem == stem:
            found.setdefault(name.role, {})[name.kind] = file
    files = {}
    for role in (role for role in ROLES if role in found):
        by_kind = found[role]
        if len(by_kind) == 1:
            files[role] = next(iter(by_kind.values()))
        elif kind in by_kind:
            files[role] = by_kind[kind]
        else:
            raise DualglandError(
                f"{folder / stem}: {role} is there more than once "
                f"({', '.join(sorted(f.name for f in by_kind.values()))}); "
                "name the file of the format that you want"
            )
    return HpaSet(stem, folder, files)
