"""A lab's own images for training: found by globs, read as the plugin reads, split whole.

Whatever ``napari_dualgland.read`` opens can be trained on. A file that cannot be used is
left out with a warning that says why; one odd file must not cost a night on a cluster.
"""

from __future__ import annotations

import csv
import glob
from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dualgland_training.config import TrainConfig
from dualgland_training.data import PARTS, Source, shrink
from napari_dualgland.errors import DualglandError
from napari_dualgland.imputation.normalise import measure
from napari_dualgland.io import read
from napari_dualgland.io.hpa import parse_name
from napari_dualgland.io.zarr import is_ome_zarr
from napari_dualgland.stack import ROLES, Stack

Warn = Callable[[str], None]

FACTORS = (1, 2, 4)
"""By how much an image may be shrunk, so that one field teaches several magnifications."""

COARSEST_UM = 0.35
"""Pixel size in µm beyond which nothing is shrunk: the program works up to 0.32."""

SMALLEST_SIDE = 256
"""Pixels; an image of unknown pixel size is not shrunk below it."""

_SPLIT_SALT = 0x73706C69


def name_of(path: Path) -> str:
    """Return what an image is called: the id of its set, or the file without its endings."""
    member = parse_name(path.name)
    return member.stem if member else path.name.split(".", 1)[0]


def find_images(config: TrainConfig, warn: Warn) -> list[Path]:
    """Return the images that the globs of a recipe match, one path for each set of four.

    Raises
    ------
    DualglandError
        If nothing matches at all.
    """
    found: dict[Any, Path] = {}
    for pattern in config.data.images:
        matched = sorted(glob.glob(str(config.base / Path(pattern).expanduser()), recursive=True))
        matched = matched or sorted(glob.glob(str(Path(pattern).expanduser()), recursive=True))
        if not matched:
            warn(f"no file matches {pattern}")
        for path in map(Path, matched):
            if any(parent in found for parent in path.parents):
                continue  # a part of an OME-Zarr that matched as a whole
            if is_ome_zarr(path):
                found.setdefault(path, path)
                continue
            # What else lies inside an OME-Zarr is no image by itself.
            if any(parent.suffix == ".zarr" for parent in path.parents):
                continue
            member = parse_name(path.name)
            if member is not None:
                found.setdefault((path.parent, member.stem), path)
            elif path.is_file():
                found.setdefault(path, path)
    if not found:
        raise DualglandError(
            f"no image matches {', '.join(config.data.images)}, neither from {config.base} "
            "nor from the working directory; check data: images: in the recipe"
        )
    return list(found.values())


def make_image_source(stack: Stack, name: str) -> Source:
    """Return a stack as a source: all planes, normalised together, at falling magnification.

    Raises
    ------
    DualglandError
        If pixels are missing or were filled in: what is not measured teaches nothing.
    """
    where = stack.source or stack.name
    if not stack.roles:
        raise DualglandError(f"{where}: no channel has a role; give data: channels:")
    if stack.imputed is not None and bool(np.asarray(stack.imputed).any()):
        raise DualglandError(f"{where}: holds imputed pixels; train on measured ones")
    data = np.asarray(stack.canonical())
    known = tuple(role in stack.roles for role in ROLES)
    planes = data[:, :, list(stack.roles.values())]
    if not np.isfinite(planes).all():
        raise DualglandError(f"{where}: has pixels that are NaN or infinite")
    scale = measure([planes[:, :, c].ravel() for c in range(planes.shape[2])])
    images = []
    for plane in planes.reshape(-1, *planes.shape[2:]):
        whole = np.zeros((len(ROLES), *plane.shape[1:]), np.float32)
        whole[list(known)] = scale.apply(plane)
        images += [shrink(whole, f).astype(np.float16) for f in _factors(stack, plane.shape[1:])]
    return Source(name, "images", tuple(images), known)


def _factors(stack: Stack, sides: tuple[int, ...]) -> list[int]:
    size = stack.pixel_size
    if size is not None:
        return [f for f in FACTORS if f == 1 or f * size.x <= COARSEST_UM]
    return [f for f in FACTORS if f == 1 or min(sides) // f >= SMALLEST_SIDE]


def _read_rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except OSError as error:
        raise DualglandError(f"{path}: cannot be read ({error.strerror})") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise DualglandError(f"{path}: is not a CSV file in UTF-8 ({error})") from None
    columns = {column for column in rows[0] if column} if rows else set()
    if not columns & {"glob", "path", "field"} or not columns & {"split", "group"}:
        raise DualglandError(
            f"{path}: a split file has a column glob, path or field, and a column split or "
            f"group; this one has {', '.join(sorted(map(str, columns))) or 'no row'}"
        )
    _check_rows(path, rows)
    return rows


def _check_rows(path: Path, rows: list[dict[str, str]]) -> None:
    """Refuse rows that say too little, or of one group two things."""
    part_of: dict[str, str] = {}
    for line, row in enumerate(rows, start=2):
        where = f"{path}, line {line}"
        if not any(row.get(column) for column in ("glob", "path", "field")):
            raise DualglandError(f"{where}: names no image")
        part, group = row.get("split"), row.get("group")
        if not part and not group:
            raise DualglandError(f"{where}: has neither a split nor a group")
        if not part:
            continue
        if part not in PARTS:
            raise DualglandError(f"{where}: split {part} is none of {', '.join(PARTS)}")
        if group and part_of.setdefault(group, part) != part:
            raise DualglandError(
                f"{where}: group {group} is {part} here and {part_of[group]} before; a group "
                "is held out whole or not at all"
            )


def _matches(row: Mapping[str, str], image: Path, folder: Path) -> bool:
    if row.get("field"):
        return row["field"] == name_of(image)
    pattern = row.get("glob") or row.get("path") or ""
    seen = {str(image), image.name, str(folder / image.name)}
    if image.is_absolute() or folder.is_absolute():
        seen.add(str(image.resolve()))
    return any(fnmatch(s, p) for s in seen for p in (pattern, str(folder / pattern)))


def draw_parts(groups: Iterable[str], config: TrainConfig) -> dict[str, str]:
    """Draw for every group whether it is trained on, looked at, or kept for the end."""
    names = sorted(set(groups))
    np.random.default_rng([config.seed, _SPLIT_SALT]).shuffle(names)
    count, options = len(names), config.data
    watched = round(options.validation_share * count)
    if count > 1 and options.validation_share > 0:
        watched = max(1, watched)
    tested = round(options.test_share * count)
    parts = ["validation"] * watched + ["test"] * tested
    return dict(zip(names, parts + ["train"] * (count - len(parts)), strict=False))


def assign_parts(images: list[Path], config: TrainConfig, warn: Warn) -> dict[Path, str]:
    """Say of each image whether it is for training, validation or test.

    Raises
    ------
    DualglandError
        If the split file cannot be read, lacks columns, or a row makes no sense.
    """
    if config.data.split is None:
        drawn = draw_parts(map(str, images), config)
        return {image: drawn[str(image)] for image in images}
    path = config.found(config.data.split)
    rows = _read_rows(path)
    row_of, idle = {}, dict(enumerate(rows, start=2))
    for image in images:
        hits = [line for line, r in enumerate(rows, start=2) if _matches(r, image, path.parent)]
        if hits:
            row_of[image] = rows[hits[0] - 2]
        for line in hits:
            idle.pop(line, None)
    if idle:
        # A mistyped name of a held-out image is the worst that can happen to a split.
        lines = ", ".join(map(str, list(idle)[:10]))
        warn(f"{path}: {len(idle)} rows match no image (line {lines})")
    if len(row_of) < len(images):
        warn(f"{path}: no row is of {len(images) - len(row_of)} images; they are left out")
    # What one row says of a group holds for all of it.
    said = {r["group"]: r["split"] for r in rows if r.get("group") and r.get("split")}
    undecided = {r["group"] for r in row_of.values() if not r.get("split")} - set(said)
    said |= draw_parts(undecided, config)
    return {i: r.get("split") or said[r["group"]] for i, r in row_of.items()}


def divided(source: Source) -> tuple[Source, Source]:
    """Divide an only image: its upper three quarters and its lowest quarter."""
    upper: list[npt.NDArray[np.float16]] = []
    lower: list[npt.NDArray[np.float16]] = []
    for image in source.images:
        cut = image.shape[1] * 3 // 4
        upper.append(image[:, :cut])
        lower.append(image[:, cut:])
    return (
        Source(f"{source.name}, upper", source.kind, tuple(upper), source.known),
        Source(f"{source.name}, lower", source.kind, tuple(lower), source.known),
    )


def read_images(config: TrainConfig, warn: Warn) -> dict[str, list[Source]]:
    """Read the images of a recipe's globs, by what they are for.

    An image that cannot be used is left out with a warning. An only image is divided.

    Raises
    ------
    DualglandError
        If nothing matches, or nothing is left to train on.
    """
    found = find_images(config, warn)
    part_of = assign_parts(found, config, warn)
    parts: dict[str, list[Source]] = {part: [] for part in PARTS}
    channels = {str(role): channel for role, channel in config.data.channels.items()}
    problems = []
    for path, part in part_of.items():
        try:
            stack = read(path, channels=channels or None)
            parts[part].append(make_image_source(stack, name_of(path)))
        except (DualglandError, OSError) as error:
            problems.append(" ".join(str(error).split()))
            warn(f"left out: {problems[-1]}")
    # Files that cannot be read may have been all of a part; what a split file holds out stays.
    for part in ("validation", "test") if config.data.split is None else ():
        if not parts["train"] and parts[part]:
            parts["train"].append(parts[part].pop())
    if not parts["train"]:
        why = f"; the first: {problems[0]}" if problems else ""
        raise DualglandError(
            f"of {len(found)} images none can be trained on ({len(problems)} cannot be used){why}"
        )
    if sum(map(len, parts.values())) == 1 and config.data.validation_share > 0:
        upper, lower = divided(parts["train"][0])
        parts["train"], parts["validation"] = [upper], [lower]
        warn("one image alone: its lowest quarter is looked at in validation")
    return parts
