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

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.files import decoding, regular
from napari_dualgland.io.hpa_record import check_alike, read_recorded
from napari_dualgland.io.pictures import one_channel, read_picture
from napari_dualgland.io.tiff import COLOURS, read_tiff
from napari_dualgland.memory import require
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
    if match is None or is_litter(name) or _COMPOSITE.fullmatch(match["stem"]):
        return None
    return HpaName(match["stem"], _ROLE_OF[match["color"].lower()], match["ending"].lower())


def is_litter(name: str) -> bool:
    """Whether a file is one that systems leave beside a person's own, such as ``._id_red.tif``."""
    return name.startswith(".") or name.lower() in ("thumbs.db", "desktop.ini")


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
                Kind.AMBIGUOUS,
                path,
                f"holds {len(stems)} HPA sets ({some})",
                way_out=f"give one, as {path / stems[0]}",
            )
        prefix = _by_prefix(path)
        if prefix is None:
            raise DualglandError(
                Kind.NOT_THERE,
                path,
                "the folder holds no HPA set",
                expected="<id>_red|green|blue|yellow.png, .jpg, .tif or .tif.gz",
                way_out="for a TIFF, give the file itself",
            )
        return prefix
    name = parse_name(path.name)
    if path.exists() and name is not None:
        return _collect(path.parent, name.stem, name.kind)
    prefix = _by_prefix(path)
    if prefix is None:
        raise DualglandError(Kind.NOT_THERE, path, "no such file, folder or HPA set")
    return prefix


def list_sets(folder: Path) -> list[str]:
    """Return the ids of all sets in a folder, sorted."""
    return sorted({name.stem for f in _listed(folder) if (name := parse_name(f.name))})


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
    recorded = read_recorded(found.folder, found.stem, [p.name for p in found.files.values()])
    if recorded is not None:
        return recorded
    members: dict[str, Stack] = {}
    for role in (role for role in ROLES if role in found.files):
        members[role] = read_member(found.files[role])
        if len(members) == 1 and isinstance(members[role].data, np.ndarray):
            # The others are of this size too, and all are copied once into one stack.
            require(int(members[role].data.nbytes) * (2 * len(found.files) - 1), found.files[role])
    check_alike(members)
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
        notes=tuple(dict.fromkeys(notes)),
    )


def read_member(path: Path) -> Stack:
    """Read one file of a set: a single channel, its role told by its name.

    Raises
    ------
    DualglandError
        If it is no regular file, cannot be read, or holds more than one channel.
    """
    name = parse_name(path.name)
    regular(path, "file of a set")
    stack = read_tiff(path) if name and ".tif" in name.kind else read_picture(path)
    names = tuple(channel.name for channel in stack.channels)
    single = one_channel(stack) if len(names) == 1 or names in COLOURS else None
    if single is None:
        colour = names in COLOURS
        raise DualglandError(
            Kind.WRONG_CONTENT,
            path,
            f"{'is a colour picture' if colour else 'holds an image'} of {len(names)} channels",
            expected="one channel, as the colour at the end of its name says",
            way_out="give it another name, and it is read as an image of its own",
        )
    if name is None:
        return single
    described_at = single.channels[0].described_at
    channel = Channel(name.role, name.role, ROLE_COLORS[name.role], described_at)
    return replace(single, channels=(channel,), name=name.stem)


def _by_prefix(path: Path) -> HpaSet | None:
    stem = path.name.rstrip("_")
    if not stem or not path.parent.is_dir() or stem not in list_sets(path.parent):
        return None
    return _collect(path.parent, stem, None)


def members_of(folder: Path, stem: str) -> list[Path]:
    """Return the files of a set, in whatever formats.

    Parameters
    ----------
    folder : pathlib.Path
    stem : str
        What the files of the set share.

    Returns
    -------
    list of pathlib.Path
    """
    parsed = [(file, parse_name(file.name)) for file in _listed(folder)]
    return [file for file, name in parsed if name is not None and name.stem == stem]


def _listed(folder: Path) -> list[Path]:
    with decoding(folder, "folder"):
        return sorted(folder.iterdir())


def _collect(folder: Path, stem: str, kind: str | None) -> HpaSet:
    """Gather the files of a set; ``kind`` chooses where a field is there in two formats."""
    found: dict[str, dict[str, Path]] = {}
    for file in members_of(folder, stem):
        if name := parse_name(file.name):
            found.setdefault(name.role, {})[name.kind] = file
    files = {}
    for role in (role for role in ROLES if role in found):
        by_kind = found[role]
        if len(by_kind) == 1:
            files[role] = next(iter(by_kind.values()))
        elif kind in by_kind:
            files[role] = by_kind[kind]
        else:
            several = ", ".join(sorted(f.name for f in by_kind.values()))
            raise DualglandError(
                Kind.AMBIGUOUS,
                folder / stem,
                f"{role} is there more than once ({several})",
                part=role,
                way_out="name the file of the format that you want",
            )
    return HpaSet(stem, folder, files)
