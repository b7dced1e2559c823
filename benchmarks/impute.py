"""Our fills against the classical ones, side by side: quality, time and memory.

``python benchmarks/impute.py [--model NAME ...]`` damages a field and cells that no model
has been trained on, with every family of damage, lets every method fill the same holes,
and writes ``benchmarks/results/impute.json`` and ``.md``. Each method runs in a process of
its own, so that its peak of memory is its own. The pixels are read from the atlas
collection beside the repository and never written.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import tifffile
import typer

from dualgland_training.damage import draw_damage
from dualgland_training.data import read_field, shrink
from napari_dualgland.model.weights import read_card
from napari_dualgland.stack import ROLES, Channel, Stack

HERE = Path(__file__).parent
DATA = HERE.parents[1] / "shared" / "data" / "hpa"
CLASSICAL = ("mean", "Telea", "Navier–Stokes", "biharmonic")

CASES: dict[str, tuple[str, tuple[int, ...] | None]] = {
    "box, all channels": ("box", None),
    "scratches, all channels": ("scratches", None),
    "dropped lines, all channels": ("lines", None),
    "thick, all channels": ("thick", None),
    "random, all channels": ("random", None),
    "saturated, all channels": ("saturated", None),
    "box, protein only": ("box", (1,)),
    "scratches, protein only": ("scratches", (1,)),
    "thick, protein only": ("thick", (1,)),
    "random, protein only": ("random", (1,)),
    "box, microtubules only": ("box", (0,)),
    "box, nucleus only": ("box", (2,)),
    "box, er only": ("box", (3,)),
}
NATIVE = ("box, all channels", "scratches, all channels", "box, protein only")
"""Cases that are also run, and timed, on the field at its full 2048² pixels."""

BLOCK = 256
FLOOR = 1 / 12
"""Mean squared error of rounding to whole grey levels; nothing can be closer."""

Image = npt.NDArray[Any]


def images(card_recipe: dict[str, Any], cells: int) -> dict[str, Image]:
    """Return the held-out images by name, (4, Y, X) uint8: fields at two sizes, and cells."""
    held = card_recipe["data"]
    found: dict[str, Image] = {}
    for field in held["held_out_fields"]:
        whole = read_field(DATA, field)
        found[f"field {field[:8]}, 0.08 µm"] = whole
        found[f"field {field[:8]}, 0.16 µm"] = np.rint(shrink(whole, 2)).astype(np.uint8)
    rows = (DATA / "cells.csv").read_text().splitlines()[1:]
    groups = {row.split(",")[0]: row.split(",")[2] for row in rows}
    chosen = [f for f, g in groups.items() if g in held["held_out_groups"]]
    for name in chosen[:: max(1, len(chosen) // cells)][:cells]:
        found[f"cell {groups[name]} {name}"] = tifffile.imread(DATA / "cells" / name)
    return found


def mask_of(case: str, image: Image, seed: int) -> npt.NDArray[np.bool_]:
    """Return the damage of a case to an image, (4, Y, X)."""
    family, channels = CASES[case]
    return draw_damage(image, family, np.random.default_rng(seed), channels, 1.0)


def fill_with(method: str, image: Image, missing: Image) -> Image:
    """Fill with one method; the lost pixels are zeroed first, so that none can peek."""
    damaged = np.where(missing, 0, image).astype(image.dtype)
    if method in CLASSICAL:
        from napari_dualgland.classical import FILLS

        return np.clip(np.rint(FILLS[method](damaged, missing)), 0, 255).astype(np.uint8)
    from napari_dualgland import impute

    stack = Stack(damaged, "CYX", tuple(Channel(r, r) for r in ROLES))
    return np.asarray(impute(stack, missing, model=method).stack.data)


def block_errors(filled: Image, truth: Image, missing: Image) -> list[float]:
    """Return the mean squared error inside the hole of each 256² block with signal."""
    errors = []
    for y in range(0, truth.shape[1], BLOCK):
        for x in range(0, truth.shape[2], BLOCK):
            part = (slice(None), slice(y, y + BLOCK), slice(x, x + BLOCK))
            hole = missing[part]
            # 64 pixels: fewer make no figure. 4 grey levels: below is empty background.
            if hole.sum() < 64 or truth[part][hole].mean() < 4:
                continue
            error = (filled[part].astype(float) - truth[part].astype(float))[hole]
            errors.append(max(float(np.square(error).mean()), FLOOR))
    return errors


def run_method(method: str, recipe: dict[str, Any], cells: int, out: Path) -> None:
    """Fill every image in every case with one method; write errors, seconds and memory."""
    held = images(recipe, cells)
    # Once for nothing: imports and weights are not what is measured.
    small = np.broadcast_to(np.eye(64, dtype=bool), (4, 64, 64))
    fill_with(method, next(iter(held.values()))[:, :64, :64], small)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result: dict[str, Any] = {}
    for case in CASES:
        result[case] = {}
        for number, (name, image) in enumerate(held.items()):
            if "0.08" in name and case not in NATIVE:
                continue
            missing = mask_of(case, image, seed=number)
            started = time.perf_counter()
            filled = fill_with(method, image, missing)
            seconds = time.perf_counter() - started
            assert np.array_equal(filled[~missing], image[~missing])
            result[case][name] = {
                "mse": block_errors(filled, image, missing),
                "seconds": seconds,
                "missing": float(missing.mean()),
            }
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result["memory"] = {"start_mib": before / 1024, "peak_mib": peak / 1024}
    out.write_text(json.dumps(result))


def decibels(result: dict[str, Any], case: str, kind: str) -> npt.NDArray[np.float64]:
    """Return the PSNR (range 255) of every block of the images of a kind."""
    mse = [e for name, r in result[case].items() if name.startswith(kind) for e in r["mse"]]
    return 10 * np.log10(255**2 / np.array(mse))


def interval(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of the mean, seeded."""
    rng = np.random.default_rng(0)
    means = values[rng.integers(0, values.size, (2000, values.size))].mean(1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def gain(ours: Any, theirs: Any) -> dict[str, float]:
    """Return mean, interval and median of a paired difference in dB."""
    difference = ours - theirs
    low, high = interval(difference)
    return {
        "mean": float(difference.mean()),
        "low": low,
        "high": high,
        "median": float(np.median(difference)),
        "blocks": int(difference.size),
    }


def summarise(results: dict[str, Any], ours: str) -> dict[str, Any]:
    """Return PSNR per kind of image and case, and our gains over the others."""
    table: dict[str, Any] = {}
    for kind in ("field", "cell"):
        table[kind] = {}
        for case in CASES:
            values = {m: decibels(r, case, kind) for m, r in results.items()}
            best = max(CLASSICAL, key=lambda m: float(values[m].mean()))
            table[kind][case] = {
                "psnr": {m: float(v.mean()) for m, v in values.items()},
                "best_classical": best,
                "gain_over_best_classical": gain(values[ours], values[best]),
                "gain_over_prior": gain(values[ours], values["prior"]),
            }
    table["seconds"] = {
        case: {
            m: sum(v["seconds"] for n, v in r[case].items() if "0.08" in n)
            for m, r in results.items()
        }
        for case in NATIVE
    }
    table["memory"] = {m: r["memory"] for m, r in results.items()}
    return table


def markdown(table: dict[str, Any], ours: str, setting: dict[str, Any]) -> str:
    """Return the table for people."""
    methods = list(next(iter(table["field"].values()))["psnr"])
    lines = [
        "# Hole quality against the classical fills",
        "",
        f"Made by `python benchmarks/impute.py` with `{ours}` (sha256 {setting['sha256'][:12]}…). "
        "PSNR in dB (range 255) inside the hole, mean over 256² blocks that hold signal; gains are "
        "paired per block, with their 95 % bootstrap interval. None of these images, nor any "
        "cell of their groups, was trained on. One field: its blocks share one exposure, so the "
        "interval tells how sure the gain is *on this field*.",
    ]
    titles = {
        "field": "Held-out field, whole, at 0.16 µm (some cases at 0.08 too)",
        "cell": "Held-out cells",
    }
    for kind, title in titles.items():
        lines += ["", f"## {title}", ""]
        lines.append("| damage | " + " | ".join(methods) + " | over best classical | over prior |")
        lines.append("|---" * (len(methods) + 3) + "|")
        for case, row in table[kind].items():
            gains = [
                f"{g['mean']:+.2f} ({g['low']:+.2f} to {g['high']:+.2f})"
                for g in (row["gain_over_best_classical"], row["gain_over_prior"])
            ]
            psnr = [f"{row['psnr'][m]:.2f}" for m in methods]
            lines.append(f"| {case} | " + " | ".join(psnr + gains) + " |")
    lines += ["", "## Seconds for the whole field (4 × 2048²)", ""]
    lines += ["| damage | " + " | ".join(methods) + " |", "|---" * (len(methods) + 1) + "|"]
    for case, row in table["seconds"].items():
        lines.append(f"| {case} | " + " | ".join(f"{row[m]:.1f}" for m in methods) + " |")
    peaks = [f"{table['memory'][m]['peak_mib']:.0f}" for m in methods]
    lines.append("| *peak memory of the process, MiB* | " + " | ".join(peaks) + " |")
    lines += ["", f"Measured on {setting['machine']}, {setting['threads']} CPU thread(s)."]
    return "\n".join(lines) + "\n"


def main(
    model: Annotated[str, typer.Option(help="What is held against the others.")] = "generator",
    cells: Annotated[int, typer.Option(help="Held-out cells to fill.")] = 20,
    out: Annotated[Path, typer.Option(help="Folder for the tables.")] = HERE / "results",
    threads: Annotated[int, typer.Option(help="CPU threads of every method.")] = 2,
    child: Annotated[str, typer.Option(hidden=True)] = "",
    recipe_of: Annotated[str, typer.Option(hidden=True)] = "",
) -> None:
    """Compare and write the tables."""
    card, _ = read_card(recipe_of or model)
    if child:
        run_method(child, card.recipe, cells, out)
        return
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for method in (*CLASSICAL, "prior", model):
            part = Path(folder) / "part.json"
            subprocess.run(
                [
                    *(sys.executable, __file__, "--child", method, "--recipe-of", model),
                    *("--cells", str(cells), "--out", str(part)),
                ],
                check=True,
                env=os.environ | {"OMP_NUM_THREADS": str(threads)},
            )
            results[method] = json.loads(part.read_text())
            typer.echo(f"{method} done")
    setting = {
        "model": card.name,
        "sha256": card.sha256 or "",
        "machine": platform.processor() or platform.machine(),
        "threads": threads,
    }
    table = summarise(results, model)
    out.mkdir(exist_ok=True)
    (out / "impute.json").write_text(json.dumps({"setting": setting, **table}, indent=1) + "\n")
    (out / "impute.md").write_text(markdown(table, model, setting))


if __name__ == "__main__":
    typer.run(main)
