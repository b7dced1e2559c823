"""The split file: which images are trained on, looked at, or kept for the end.

Images of one group (a donor, a plate, an antibody) are held out together or not at all. Without
a file, parts are drawn by the seed.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatch
from pathlib import Path

import numpy as np

from dualgland_training.data.options import ImageRun
from dualgland_training.data.source import PARTS
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.files import decoding, regular
from napari_dualgland.io.hpa import parse_name
from napari_dualgland.runs.images import held_out

Warn = Callable[[str], None]

_SPLIT_SALT = 0x73706C69


def name_of(path: Path) -> str:
    """Return what an image is called: the id of its set, or the file without its endings."""
    member = parse_name(path.name)
    return member.stem if member else path.name.split(".", 1)[0]


def _read_rows(path: Path) -> list[dict[str, str]]:
    with (
        decoding(regular(path, "split file"), "CSV"),
        path.open(newline="", encoding="utf-8-sig") as file,
    ):
        rows = list(csv.DictReader(file))
    columns = {column for column in rows[0] if column} if rows else set()
    if not columns & {"glob", "path", "field"} or not columns & {"split", "group"}:
        raise DualglandError(
            Kind.WRONG_CONTENT,
            path,
            f"columns {', '.join(sorted(map(str, columns)))}" if columns else "no row",
            expected="a column glob, path or field, and a column split or group",
        )
    _check_rows(path, rows)
    return rows


def _check_rows(path: Path, rows: list[dict[str, str]]) -> None:
    """Refuse rows that say too little, or of one group two things."""
    part_of: dict[str, str] = {}
    for line, row in enumerate(rows, start=2):
        where = f"line {line}"
        if not any(row.get(column) for column in ("glob", "path", "field")):
            raise DualglandError(Kind.LACKING, path, "names no image", part=where)
        part, group = row.get("split"), row.get("group")
        if not part and not group:
            raise DualglandError(Kind.LACKING, path, "neither a split nor a group", part=where)
        if not part:
            continue
        if part not in PARTS:
            found = f"split {part} is none of {', '.join(PARTS)}"
            raise DualglandError(Kind.BAD_VALUE, path, found, part=where)
        if group and part_of.setdefault(group, part) != part:
            raise DualglandError(
                Kind.MISMATCH,
                path,
                f"group {group} is {part} here and {part_of[group]} before",
                part=where,
                expected="a group that is held out whole or not at all",
            )


def _matches(row: Mapping[str, str], image: Path, folder: Path) -> bool:
    if row.get("field"):
        return row["field"] == name_of(image)
    pattern = row.get("glob") or row.get("path") or ""
    seen = {str(image), image.name, str(folder / image.name)}
    if image.is_absolute() or folder.is_absolute():
        seen.add(str(image.resolve()))
    return any(fnmatch(s, p) for s in seen for p in (pattern, str(folder / pattern)))


def _draw_parts(groups: Iterable[str], config: ImageRun) -> dict[str, str]:
    """Draw for every group whether it is trained on, looked at, or kept for the end."""
    names = sorted(set(groups))
    np.random.default_rng([config.seed, _SPLIT_SALT]).shuffle(names)
    count, options = len(names), config.data
    watched, tested = held_out(count, options.validation_share, options.test_share)
    parts = ["validation"] * watched + ["test"] * tested
    return dict(zip(names, parts + ["train"] * (count - len(parts)), strict=False))


def assign_parts(images: list[Path], config: ImageRun, warn: Warn) -> dict[Path, str]:
    """Say of each image whether it is for training, validation or test.

    Parameters
    ----------
    images : list of pathlib.Path
        That were found.
    config : ImageRun
        Names the split file, or says what is drawn.
    warn : callable
        Told of rows and images that do not match.

    Returns
    -------
    dict
        Image → part.

    Raises
    ------
    DualglandError
        If the split file cannot be read, lacks columns, or a row makes no sense.
    """
    if config.data.split is None:
        drawn = _draw_parts(map(str, images), config)
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
    said |= _draw_parts(undecided, config)
    return {i: r.get("split") or said[r["group"]] for i, r in row_of.items()}
