"""What each part of the gland losses is good for: the same short course without it.

``python benchmarks/ablations.py [--runs FOLDER]`` trains ``training/recipes/ablation.yaml`` as
it stands, with one term left out at a time, and on fewer images, with two seeds each (finished
runs are not repeated), fills the same holes in crops that were held out, and writes
``results/ablations.json`` and ``.md``: differences to the full course, paired per crop, with 95 %
bootstrap intervals.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
import yaml

from dualgland_training import metrics
from dualgland_training.data.split import read_split
from dualgland_training.evaluate.comparison import gain
from dualgland_training.evaluate.markdown import signed
from dualgland_training.evaluate.report import write_report
from dualgland_training.generator.recipe import read_recipe
from dualgland_training.generator.validation import draw_validation, estimate
from dualgland_training.losses.pituitary import pair_loss
from dualgland_training.metrics.sets import frechet_distance, kernel_distance
from dualgland_training.perceptual.judge import load_judge
from napari_dualgland.model.compartments import soft_compartments
from napari_dualgland.model.generator import Generator, load_generator
from napari_dualgland.typing import Float64Array

HERE = Path(__file__).parent
RECIPE = HERE.parent / "training" / "recipes" / "ablation.yaml"

SEEDS = (20261201, 20261202)

LEFT_OUT = ("a7faf0b4-bb99-11e8-b2b9-ac1f6b6435d0", "f0ac7116-bb99-11e8-b2b9-ac1f6b6435d0")
"""Two of the four fields of full resolution."""

COURSES: dict[str, dict[str, Any]] = {
    "full": {},
    "− SG": {"losses": {"salivary": 0}},
    "− PG": {"losses": {"pituitary": 0}},
    "− adversarial": {"losses": {"adversarial": 0, "matching": 0}},
    "2 fields": {"data": {"shares": {"fields": 1.0}, "validation_fields": LEFT_OUT}},
    "4 fields": {"data": {"shares": {"fields": 1.0}}},
    "10 fields": {"data": {"shares": {"fields": 0.7, "fields512": 0.3}}},
}
"""Name of the course → what is set otherwise. What is kept for validation is not trained on, and
these courses are not chosen by anything."""

CASES = (
    "box, all channels",
    "thin, all channels",
    "thick, all channels",
    "box, protein only",
    "box, er only",
)
CROPS = 48
FIGURES = {
    "PSNR": "PSNR of the estimate, dB (more is better)",
    "rim": "false step of the estimate across the rim, % of the range (less is better)",
    "pairs": "L_pair of the estimate with η = 3, % of the range (less is better)",
    "set points": "|h − h of the truth| of the estimate, mean over compartments (less is better)",
    "sample PSNR": "PSNR of one plausible picture, dB",
    "sample texture": "|log₂ of a plausible picture's fine texture over the truth's| "
    "(less is better)",
}
DIGITS = {"set points": 5}


def train(name: str, changes: dict[str, Any], seed: int, runs: Path) -> Path:
    """Train one course, or find it trained; return its weights."""
    folder = runs / f"{name}-{seed}"
    done = folder / f"{name}.safetensors"
    events = folder / "events.jsonl"
    if done.is_file() and '"finished"' in events.read_text():
        return done
    folder.mkdir(parents=True, exist_ok=True)
    options = yaml.safe_load(RECIPE.read_text())
    data = options["data"] | changes.get("data", {})
    data["validation_fields"] = sorted(
        {*data["validation_fields"], *options["data"]["validation_fields"]}
    )
    data["root"] = str((RECIPE.parent / data["root"]).resolve())
    options |= {
        "name": name,
        "seed": seed,
        "losses": options["losses"] | changes.get("losses", {}),
        "data": data,
    }
    recipe = folder / "recipe.yaml"
    recipe.write_text(yaml.safe_dump(options))
    module = [sys.executable, "-m", "dualgland_training", "train"]
    subprocess.run([*module, str(recipe), "--out", str(folder), "--resume"], check=True)
    return done


@torch.no_grad()
def figures_of(
    network: Generator, drawn: dict[str, tuple[torch.Tensor, torch.Tensor]]
) -> tuple[dict[str, Float64Array], torch.Tensor]:
    """Return every figure per crop, all cases in a row, and one plausible picture of each."""
    assert network.texture is not None
    rows: list[list[float]] = []
    pictures = []
    for case, (target, missing) in drawn.items():
        _, said = estimate(network, target, missing)
        noise = torch.randn(target.shape, generator=torch.Generator().manual_seed(len(case)))
        deviation = torch.cat(
            [
                network.texture(f, n)
                for f, n in zip(said.features.split(12), noise.split(12), strict=True)
            ]
        )
        sample = torch.where(missing, said.mean + said.log_sigma.exp() * deviation, target)
        kinds = soft_compartments(target)
        error = torch.where(missing, said.mean - target, 0.0)
        pictures.append(sample)
        for i in range(len(target)):
            parts = (said.mean[i], sample[i], target[i])
            mean, one, truth = (part.numpy().astype(float) for part in parts)
            hole = missing[i].numpy()
            if truth[hole].std() < 0.02:  # an empty corner shows nothing
                continue
            few = slice(i, i + 1)
            rows.append(
                [
                    _decibels(mean, truth, hole),
                    100 * metrics.rim_jump(mean, truth, hole),
                    100 * float(pair_loss(error[few], missing[few], kinds[few])),
                    metrics.set_point_error(mean, truth, hole, kinds[i].numpy()),
                    _decibels(one, truth, hole),
                    abs(np.log2(max(1e-3, metrics.texture_ratio(one, truth, hole)))),
                ]
            )
    table = np.array(rows)
    return dict(zip(FIGURES, table.T, strict=True)), torch.cat(pictures)


def _decibels(fill: Float64Array, truth: Float64Array, hole: Any) -> float:
    return float(-10 * np.log10(np.square(fill[hole] - truth[hole]).mean() + 1e-4))


def main(
    runs: Annotated[Path, typer.Option(help="Where the courses are trained.")] = Path(
        "runs/ablations"
    ),
    out: Annotated[Path, typer.Option(help="Folder of the report.")] = HERE / "results",
) -> None:
    """Train what is not trained yet, measure, and write the table."""
    courses = {
        name: [train(f"course-{number}", changes, seed, runs) for seed in SEEDS]
        for number, (name, changes) in enumerate(COURSES.items())
    }
    torch.set_num_threads(1)
    split = read_split(read_recipe(RECIPE), typer.echo)
    held = tuple(s for s in split.test if all(s.known))
    # Half of the crops from the field, half from cells: there are more cells than fields.
    fields, cells = ([s for s in held if s.kind == kind] for kind in ("fields", "cells"))
    drawn = {}
    halves = [draw_validation(tuple(part), CROPS // 2, 128, seed=3) for part in (fields, cells)]
    for case in CASES:
        both = zip(*(half[case] for half in halves), strict=True)
        target, missing = (torch.cat(pair) for pair in both)
        drawn[case] = target, missing
    judge = load_judge("judge")
    truths = torch.cat([target for target, _ in drawn.values()])
    full: list[dict[str, Float64Array]] = []
    table: dict[str, Any] = {}
    for name, weights in courses.items():
        looked = [figures_of(load_generator(str(path)), drawn) for path in weights]
        figures = [found for found, _ in looked]
        full = full or figures
        sets = [
            (frechet_distance(judge, truths, made), kernel_distance(judge, truths, made))
            for _, made in looked
        ]
        row: dict[str, Any] = {
            "FID": [fid for fid, _ in sets],
            "KID": [kid for _, kid in sets],
            "means": {k: float(np.nanmean([f[k] for f in figures])) for k in FIGURES},
        }
        if name != "full":
            # Of a crop the mean over seeds: the interval is of crops, the seeds stand apart.
            row["differences"] = {
                k: gain(*(np.mean([f[k] for f in part], 0) for part in (figures, full)))
                for k in FIGURES
            }
            row["by seed"] = [
                float(np.nanmean(one["PSNR"] - other["PSNR"]))
                for one, other in zip(figures, full, strict=True)
            ]
        table[name] = row
    told = {"recipe": RECIPE.name, "seeds": SEEDS, "cases": CASES, "crops": CROPS}
    write_report(out / "ablations", told | {"courses": table}, lambda _: markdown(table))


def markdown(table: dict[str, Any]) -> str:
    """Return the table for people."""
    recipe = read_recipe(RECIPE)
    crops = recipe.steps * recipe.sources * recipe.crops_per_source
    lines = [
        "# What each part of the loss is good for, and what more images are",
        "",
        f"Made by `python benchmarks/ablations.py`: `training/recipes/{RECIPE.name}` as it stands "
        f"({recipe.steps:,} steps, {crops:,} crops of {recipe.crop}², from the start), without "
        f"one term at a time, and on fewer images, with {len(SEEDS)} seeds each. Held-out "
        f"crops of 128² ({CROPS} for each of: {'; '.join(CASES)}), filled by the network alone, "
        "without rehearsing. Differences to the full course are paired per crop, of means over "
        "seeds, with 95 % bootstrap intervals; an interval on the worse side of 0 says that the "
        "term earns its place in that figure. FID and KID (our own judge), and the difference of "
        "PSNR by itself, are given seed by seed.",
        "",
        "| course | " + " | ".join(FIGURES) + " | PSNR by seed | FID | 1000 × KID |",
        "|---|" + "---|" * (len(FIGURES) + 3),
    ]
    for name, row in table.items():
        if name == "full":
            cells = [f"{row['means'][k]:.{DIGITS.get(k, 3)}f}" for k in FIGURES]
        else:
            cells = [signed(row["differences"][k], DIGITS.get(k, 3)) for k in FIGURES]
        cells.append(", ".join(f"{x:+.3f}" for x in row.get("by seed", ())))
        cells.append(", ".join(f"{x:.3f}" for x in row["FID"]))
        cells.append(", ".join(f"{1000 * x:.1f}" for x in row["KID"]))
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    lines += ["", *(f"- *{name}*: {text}." for name, text in FIGURES.items())]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    typer.run(main)
