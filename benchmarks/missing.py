"""How well missing pixels are found, and how little that is whole is taken for missing.

``python benchmarks/missing.py`` looks at the fields of the atlas collection beside the
repository as they are, then damages a part of each with every family of damage, set to 0
and to the dtype's maximum, and counts. It writes ``benchmarks/results/missing.json`` and
``.md``. The pixels themselves are never written.

Two thirds of the numbers are a definition, so here it is. A damaged pixel **carries
signal around it** if the observed pixels around it (in the smallest of the windows of 9,
33 and 129 pixels that holds at least a tenth of observed ones) have a mean above the
background by a tenth of the channel's range, both taken from the intact image: background
is its 5th percentile, range reaches to its 99.9th. *Recall* is the share of such pixels
that is found; *recall, all* is that of all damaged pixels, most of which lie over a
background of the very value that they were set to. *Precision* is the share of found
pixels that are damaged; *false* the share of undamaged pixels that are found.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tifffile
import typer
from scipy import ndimage
from skimage.io import imread

from dualgland_training.data.collection import read_field
from dualgland_training.data.damage import draw_damage
from dualgland_training.data.source import shrink
from dualgland_training.evaluate.report import write_report
from napari_dualgland.missing import find_missing
from napari_dualgland.stack import ROLES, Channel, Stack
from napari_dualgland.typing import AnyArray, BoolArray

HERE = Path(__file__).parent
DATA = HERE.parents[1] / "shared" / "data" / "hpa"
FAMILIES = ("box", "scratches", "lines", "saturated", "thick", "random")
ASKED = ("box", "scratches", "lines", "saturated")
"""Families of which at least 95 % is asked; the others are reported beside them."""
CHOSEN_ON = ("5c27", "a34d", "f0ac", "b6a4")
"""Fields on which thresholds were looked at; the remaining one was only ever measured."""
SIDE = 1024
"""Side of the part of each field that is damaged."""
LOOKED_AT = 80
"""So many single channels, drawn with seed 5, were looked at while thresholds were chosen."""
WINDOWS = (9, 33, 129)

log = logging.getLogger("benchmarks.missing")


def prepare() -> None:
    """Show what is logged, and refuse to go on without real fields."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if not DATA.is_dir():
        raise typer.BadParameter(f"{DATA} is not there; the benchmark needs real fields")


def fields(folder: str = "fields") -> Iterator[tuple[str, AnyArray]]:
    """Yield the short name and the (C, Y, X) pixels of every field in a folder."""
    for red in sorted((DATA / folder).glob("*_red.png")):
        name = red.name.removesuffix("_red.png")
        yield name[:4], read_field(DATA, name, folder)


def found_in(image: AnyArray) -> BoolArray:
    """Return what is found missing in a (C, Y, X) image."""
    names = ROLES if len(image) == 4 else [str(i) for i in range(len(image))]
    stack = Stack(image, "CYX", tuple(Channel(name) for name in names))
    return np.asarray(find_missing(stack))


def signal_around(plane: AnyArray, damage: BoolArray) -> BoolArray:
    """Return the pixels with observed signal around them; see the top of this file."""
    observed = (~damage).astype(np.float32)
    values = plane.astype(np.float32)
    around = np.full(plane.shape, np.nan, dtype=np.float32)
    for side in WINDOWS:
        share = ndimage.uniform_filter(observed, side, mode="constant")
        mean = ndimage.uniform_filter(values * observed, side, mode="constant")
        take = np.isnan(around) & (share > 0.1)
        around[take] = mean[take] / share[take]
    background, top = np.percentile(plane, [5, 99.9])
    return np.asarray(around > background + 0.1 * (top - background))


def busiest(image: AnyArray, side: int = SIDE) -> AnyArray:
    """Return the part of a field with most signal: of an empty corner nothing can be told."""
    steps = [range(0, s - side + 1, side // 2) for s in image.shape[1:]]
    places = [(y, x) for y in steps[0] for x in steps[1]]
    y, x = max(places, key=lambda p: float(image[:, p[0] : p[0] + side, p[1] : p[1] + side].mean()))
    return image[:, y : y + side, x : x + side]


def damaged(image: AnyArray, family: str, value: int, seed: int) -> tuple[AnyArray, BoolArray]:
    """Return a damaged copy of a (C, Y, X) image and its mask."""
    rng = np.random.default_rng(seed)
    # Fields are at 0.08 µm, families are drawn for 0.16; a dropped line stays a line.
    scale = 1.0 if family == "lines" else 2.0
    mask = draw_damage(image.astype(np.float32), family, rng, scale=scale)
    hurt = image.copy()
    hurt[mask] = value
    return hurt, mask


def score(image: AnyArray, found: BoolArray, mask: BoolArray) -> list[dict[str, int]]:
    """Return the counts of every channel, from which all shares are made."""
    counts = []
    for plane, f, m in zip(image, found, mask, strict=True):
        seen = m & signal_around(plane, m)
        counts.append(
            {
                "signal": int(seen.sum()),
                "signal_found": int((seen & f).sum()),
                "damaged": int(m.sum()),
                "damaged_found": int((m & f).sum()),
                "whole": int((~m).sum()),
                "whole_found": int((f & ~m).sum()),
            }
        )
    return counts


def whole_and_damaged() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Measure every field as it is, and with every family of damage."""
    intact, hurt = [], []
    for seed, (name, image) in enumerate(fields()):
        start = time.process_time()
        found = found_in(image)
        seconds = time.process_time() - start
        for role, share in zip(ROLES, found.mean(axis=(1, 2)), strict=True):
            intact.append(
                {"field": name, "channel": role, "flagged": float(share), "cpu_s": seconds}
            )
        log.info("%s whole: %s", name, found.mean(axis=(1, 2)))
        part = busiest(image)
        for family in FAMILIES:
            for value in (0, 255):
                shown, mask = damaged(part, family, value, seed)
                for role, counts in zip(ROLES, score(part, found_in(shown), mask), strict=True):
                    row: dict[str, Any] = {
                        "field": name,
                        "channel": role,
                        "family": family,
                        "value": value,
                    }
                    hurt.append(row | counts)
            log.info("%s %s", name, family)
    return intact, hurt


def elsewhere(sample: int = 60) -> dict[str, list[float]]:
    """Measure what is flagged in other whole images.

    Single channels that were looked at while thresholds were chosen are left out; all
    references were looked at, and the cells served as a check only.
    """
    rng = np.random.default_rng(2025)

    def some(folder: str, pattern: str, count: int) -> list[Path]:
        paths = sorted((DATA / folder).glob(pattern))
        return [paths[i] for i in rng.permutation(len(paths))[:count]]

    shares: dict[str, list[float]] = {}
    shares["cells, background masked to 0"] = [
        float(found_in(tifffile.imread(p)).mean()) for p in some("cells", "*.tif", sample)
    ]
    shares["single channels, 512², 0.32 µm"] = []
    singles = sorted((DATA / "singles").glob("*.png"))
    seen = set(np.random.default_rng(5).choice(len(singles), LOOKED_AT, replace=False))
    unseen = [path for i, path in enumerate(singles) if i not in seen]
    for i in rng.permutation(len(unseen))[:sample]:
        path = unseen[i]
        plane = np.asarray(imread(path))
        plane = plane if plane.ndim == 2 else plane.max(axis=-1)
        shares["single channels, 512², 0.32 µm"].append(float(found_in(plane[None]).mean()))
    shares["references, thresholded and masked"] = [
        float(found_in(tifffile.imread(p)).mean()) for p in some("references", "*.tif", 15)
    ]
    for _, image in fields():
        part = busiest(image)
        for factor in (2, 4):
            small = np.rint(shrink(part, factor)).astype(np.uint8)
            key = f"fields shrunk {factor} times"
            shares.setdefault(key, []).append(float(found_in(small).mean()))
        sixteen = part.astype(np.uint16) * 257
        shares.setdefault("fields as uint16", []).append(float(found_in(sixteen).mean()))
        unit = part.astype(np.float32) / 255
        shares.setdefault("fields as float32, 0 to 1", []).append(float(found_in(unit).mean()))
    return shares


def _share(rows: list[dict[str, Any]], part: str, whole: str) -> float:
    total = sum(row[whole] for row in rows)
    return sum(row[part] for row in rows) / total if total else float("nan")


def _percent(value: float) -> str:
    return "–" if np.isnan(value) else f"{100 * value:.3g}"


def table(
    intact: list[dict[str, Any]], hurt: list[dict[str, Any]], other: dict[str, list[float]]
) -> str:
    """Return all figures as Markdown."""
    definition = (__doc__ or "").split("\n\n")[2]
    lines = ["# Finding missing pixels", "", definition, ""]
    lines += ["## Whole fields: pixels flagged, in %", ""]
    lines += ["| field | " + " | ".join(ROLES) + " | CPU s |", "|---" * 6 + "|"]
    names = list(dict.fromkeys(row["field"] for row in intact))
    for name in names:
        rows = [row for row in intact if row["field"] == name]
        shares = " | ".join(f"{100 * row['flagged']:.4f}" for row in rows)
        mark = "" if name in CHOSEN_ON else " (unseen)"
        lines.append(f"| {name}{mark} | {shares} | {rows[0]['cpu_s']:.1f} |")
    lines += ["", "## Damage on all channels: shares in %, pooled over fields and channels", ""]
    head = ["family", "set to", "recall", "recall, unseen field", "recall, all", "precision"]
    lines += ["| " + " | ".join([*head, "false"]) + " |", "|---" * 7 + "|"]
    for family in FAMILIES:
        for value in (0, 255):
            rows = [r for r in hurt if r["family"] == family and r["value"] == value]
            unseen = [r for r in rows if r["field"] not in CHOSEN_ON]
            hit = sum(r["damaged_found"] for r in rows)
            missed = sum(r["whole_found"] for r in rows)
            cells = (
                _share(rows, "signal_found", "signal"),
                _share(unseen, "signal_found", "signal"),
                _share(rows, "damaged_found", "damaged"),
                hit / max(hit + missed, 1),
                _share(rows, "whole_found", "whole"),
            )
            shown = " | ".join(_percent(c) for c in cells)
            lines.append(f"| {family} | {value} | {shown} |")
    lines += ["", "## Recall by field, families asked for, set to 0 / to 255, in %", ""]
    lines += ["| field | " + " | ".join(ASKED) + " |", "|---" * (1 + len(ASKED)) + "|"]
    for name in names:
        cells_by_family = []
        for family in ASKED:
            pair = []
            for value in (0, 255):
                rows = [
                    r
                    for r in hurt
                    if (r["field"], r["family"], r["value"]) == (name, family, value)
                ]
                pair.append(_percent(_share(rows, "signal_found", "signal")))
            cells_by_family.append(" / ".join(pair))
        lines.append(f"| {name} | " + " | ".join(cells_by_family) + " |")
    lines += ["", "## Other whole images: pixels flagged, in %", ""]
    lines += ["| images | number | median | mean | worst |", "|---|---|---|---|---|"]
    for key, flagged in other.items():
        stats = (np.median(np.array(flagged)), np.mean(np.array(flagged)), max(flagged))
        columns = " | ".join(f"{100 * s:.4f}" for s in stats)
        lines.append(f"| {key} | {len(flagged)} | {columns} |")
    return "\n".join(lines) + "\n"


def main(
    out: Annotated[Path, typer.Option(help="Folder of the tables.")] = HERE / "results",
) -> None:
    """Measure, and write missing.json and missing.md."""
    prepare()
    intact, hurt = whole_and_damaged()
    other = elsewhere()
    figures = {"whole": intact, "damaged": hurt, "elsewhere": other}
    write_report(out / "missing", figures, lambda _: table(intact, hurt, other))


if __name__ == "__main__":
    typer.run(main)
