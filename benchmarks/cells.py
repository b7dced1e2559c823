"""How well nuclei and cells are found: by eye on real fields, by truth on simulated ones.

``python benchmarks/cells.py`` finds the cells of the real fields and of some real single
cells beside the repository, and of simulated fields, and writes
``benchmarks/results/cells.json`` and ``.md``. The pixels themselves are never written.

What an eye has counted stands in this file, for nobody can compute it: **nuclei**, those
that the border cuts among them, were counted by eye on the DNA channel with microtubules
and ER at hand; a lobed nucleus is one, and so is one that has gone to pieces within one
cell. *Missed*, *split*, *merged* and *false* were then counted by eye on the outlines over
the same pictures: nuclei without an outline, nuclei (or remains of one) cut into several,
outlines around two nuclei, and outlines around none. They hold for the outlines that were
looked at; where the count found no longer is the one that was seen, the table says so.

On simulated fields a nucleus or cell is found if a label overlaps its truth by an
intersection over union (IoU) of at least 0.5; cells whose nucleus lies beyond the border
are not asked for, and what is smaller than 10 µm² is left out on both sides. On real
single cells the mask (all that is not exactly 0 in any channel) is held against the union
of the cells found.

None of this is held out: thresholds were chosen while looking at the five real fields and
at two of the four simulated ones. The single cells were only ever measured.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tifffile
import typer
from scipy import ndimage

from dualgland_training.evaluate.report import write_report
from dualgland_training.simulate import simulate_field
from missing import DATA, HERE, fields, prepare
from napari_dualgland.localization.cells import Cells, find_cells
from napari_dualgland.typing import LabelArray

FIELD_UM, CELL_UM = 0.08, 0.13
"""Pixel sizes of the real fields and of the single cells, in µm."""

COUNTED_BY = "by eye, before any outline was drawn; mistakes by eye on the outlines"
BY_EYE = {
    # nuclei counted, then what is wrong with the outlines; "seen" is what was found then.
    "5c27": {"nuclei": 8, "seen": 8, "missed": 0, "split": 0, "merged": 0, "false": 0},
    "a34d": {"nuclei": 18, "seen": 18, "missed": 0, "split": 0, "merged": 0, "false": 0},
    "a7fa": {"nuclei": 11, "seen": 10, "missed": 0, "split": 0, "merged": 1, "false": 0},
    "b6a4": {"nuclei": 10, "seen": 10, "missed": 0, "split": 0, "merged": 0, "false": 0},
    "f0ac": {"nuclei": 45, "seen": 45, "missed": 0, "split": 1, "merged": 1, "false": 0},
}
MITOTIC = (
    "Of the three cells of b6a4 that are flagged as mitotic, one is by eye (a plate); the two "
    "others, cut by the border, are condensed and bright, but look like dying cells."
)
SINGLE_CELLS = 60
SIMULATED = ((0.16, 768), (0.32, 384))
"""Pixel size in µm and side in pixels: one field of view, two magnifications."""
SEEDS = range(100, 104)
SMALLEST = 10.0
"""Pieces of less than so many µm² are left out of the comparison with the truth."""

log = logging.getLogger("benchmarks.cells")


def nuclei_of(cells: Cells) -> LabelArray:
    """Return the nuclei with a label each: those of one cell do not touch."""
    single = np.zeros_like(cells.nuclei)
    last = 0
    for label, window in enumerate(ndimage.find_objects(cells.nuclei), start=1):
        if window is not None:
            own, count = ndimage.label(cells.nuclei[window] == label)
            single[window][own > 0] = own[own > 0] + last
            last += count
    return single


def real_fields() -> list[dict[str, Any]]:
    """Count the nuclei and cells of the real fields."""
    rows = []
    for name, frame in fields():
        start = time.process_time()
        cells = find_cells(frame, FIELD_UM)
        seconds = time.process_time() - start
        rows.append(
            {
                "field": name,
                "side": frame.shape[1],
                "nuclei_found": int(nuclei_of(cells).max()),
                "cells_found": int(cells.labels.max()),
                "mitotic": len(cells.mitotic),
                "cpu_s": seconds,
                "by_eye": BY_EYE[name],
            }
        )
        log.info("%s: %s", name, rows[-1])
    return rows


def overlaps(
    found: LabelArray, truth: LabelArray, smallest: float
) -> tuple[int, int, int, list[float]]:
    """Return hits, the numbers found and true, and the IoU of every hit."""
    sizes_f, sizes_t = np.bincount(found.ravel()), np.bincount(truth.ravel())
    pairs, shared = np.unique(np.stack([found.ravel(), truth.ravel()]), axis=1, return_counts=True)
    (f, t), inside = pairs, (pairs > 0).all(axis=0)
    iou = shared / (sizes_f[f] + sizes_t[t] - shared)
    keep = inside & (iou >= 0.5) & (sizes_t[t] >= smallest)
    count = int((sizes_f[1:] >= smallest).sum()), int((sizes_t[1:] >= smallest).sum())
    return int(keep.sum()), *count, [float(v) for v in iou[keep]]


def simulated() -> list[dict[str, Any]]:
    """Hold what is found in simulated fields against their truth."""
    rows = []
    for pixel_um, side in SIMULATED:
        for without in ((), (0,), (3,), (0, 3), (2,)):
            totals: dict[str, list[Any]] = {"nuclei": [0, 0, 0, []], "cells": [0, 0, 0, []]}
            for seed in SEEDS:
                field = simulate_field((side, side), pixel_um, seed=seed)
                frame = field.data.astype(np.float32)
                frame[list(without)] = np.nan
                seen = np.isin(field.cells, np.unique(field.nuclei))
                cells = find_cells(frame, pixel_um)
                for what, found, truth in (
                    ("nuclei", nuclei_of(cells), field.nuclei),
                    ("cells", cells.labels, np.where(seen, field.cells, 0)),
                ):
                    new = overlaps(found, truth, SMALLEST / pixel_um**2)
                    totals[what] = [a + b for a, b in zip(totals[what], new, strict=True)]
            for what, (hits, found_n, true_n, iou) in totals.items():
                rows.append(
                    {
                        "pixel_um": pixel_um,
                        "absent": [
                            ("microtubules", "protein", "nucleus", "er")[c] for c in without
                        ],
                        "what": what,
                        "hits": hits,
                        "found": found_n,
                        "true": true_n,
                        "mean_iou": float(np.mean(iou)) if iou else float("nan"),
                    }
                )
                log.info("%s", rows[-1])
    return rows


def single_cells() -> list[dict[str, Any]]:
    """Count what is found in pictures of one real cell each."""
    paths = sorted((DATA / "cells").glob("*.tif"))
    chosen = np.random.default_rng(4).permutation(len(paths))[:SINGLE_CELLS]
    rows = []
    for i in sorted(chosen):
        frame = tifffile.imread(paths[i])
        cells = find_cells(frame, CELL_UM)
        mask, found = (frame > 0).any(axis=0), cells.labels > 0
        largest = np.bincount(cells.labels.ravel(), minlength=2)[1:].argmax() + 1
        one = cells.labels == largest
        rows.append(
            {
                "file": paths[i].name,
                "cells": int(cells.labels.max()),
                "nuclei": int(nuclei_of(cells).max()),
                "iou_all": float((mask & found).sum() / (mask | found).sum()),
                "iou_largest": float((mask & one).sum() / (mask | one).sum()),
            }
        )
    return rows


def table(
    fields: list[dict[str, Any]], truth: list[dict[str, Any]], singles: list[dict[str, Any]]
) -> str:
    """Return all figures as Markdown."""
    lines = ["# Finding nuclei and cells", "", *(__doc__ or "").split("\n\n")[2:]]
    lines += ["", f"## Real fields; counted {COUNTED_BY}", ""]
    lines += [
        "| field | nuclei by eye | found | missed | split | merged | false | cells | mitotic "
        "| CPU s |"
    ]
    lines += ["|---" * 10 + "|"]
    for row in fields:
        eye = row["by_eye"]
        marks = " | ".join(str(eye[key]) for key in ("missed", "split", "merged", "false"))
        stale = "" if eye["seen"] == row["nuclei_found"] else f" (not the {eye['seen']} seen)"
        lines.append(
            f"| {row['field']} | {eye['nuclei']} | {row['nuclei_found']}{stale} | {marks} "
            f"| {row['cells_found']} | {row['mitotic']} | {row['cpu_s']:.1f} |"
        )
    lines += ["", MITOTIC, "", "## Simulated fields, IoU at least 0.5", ""]
    lines += ["| µm / pixel | absent | what | true | precision | recall | mean IoU of hits |"]
    lines += ["|---" * 7 + "|"]
    for row in truth:
        if row["found"]:
            precision, recall = row["hits"] / row["found"], row["hits"] / row["true"]
            lines.append(
                f"| {row['pixel_um']} | {' and '.join(row['absent']) or 'none'} | {row['what']} "
                f"| {row['true']} | {precision:.2f} | {recall:.2f} | {row['mean_iou']:.2f} |"
            )
    count = np.array([row["cells"] for row in singles])
    both = [np.array([row[key] for row in singles]) for key in ("iou_all", "iou_largest")]
    lines += ["", f"## Real single cells, {len(singles)} drawn by lot", ""]
    lines += ["| none found | one | two | more | median IoU, all found | median IoU, the largest |"]
    lines += ["|---" * 6 + "|"]
    shares = [(count == 0).sum(), (count == 1).sum(), (count == 2).sum(), (count > 2).sum()]
    medians = " | ".join(f"{np.median(v):.2f}" for v in both)
    lines.append("| " + " | ".join(str(int(s)) for s in shares) + f" | {medians} |")
    return "\n".join(lines) + "\n"


def main(
    out: Annotated[Path, typer.Option(help="Folder of the tables.")] = HERE / "results",
) -> None:
    """Measure, and write cells.json and cells.md."""
    prepare()
    fields, truth, singles = real_fields(), simulated(), single_cells()
    figures = {"fields": fields, "simulated": truth, "single_cells": singles}
    write_report(out / "cells", figures, lambda _: table(fields, truth, singles))


if __name__ == "__main__":
    typer.run(main)
