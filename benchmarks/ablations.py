"""What each part of the gland losses is good for: the same short course without it.

``python benchmarks/ablations.py [--runs FOLDER]`` trains ``training/recipes/ablation.yaml`` as
it stands and with one term left out at a time (finished runs are not repeated), fills the
same holes in crops that were held out, and writes ``results/ablations.json`` and ``.md``:
differences to the full course, paired per crop, with 95 % bootstrap intervals.
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

WITHOUT: dict[str, dict[str, float]] = {
    "SG": {"salivary": 0},
    "J": {"jump": 0},
    "PG": {"pituitary": 0},
    "η": {"boundary": 0},
    "L_home": {"home": 0},
    "adversarial": {"adversarial": 0, "matching": 0},
}
"""Name of the term → what is set in ``losses`` to leave it out."""

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


def train(name: str, losses: dict[str, float], runs: Path) -> Path:
    """Train one course, or find it trained; return its weights."""
    folder = runs / name
    done = folder / f"{name}.safetensors"
    events = folder / "events.jsonl"
    if done.is_file() and '"finished"' in events.read_text():
        return done
    folder.mkdir(parents=True, exist_ok=True)
    options = yaml.safe_load(RECIPE.read_text())
    options["name"] = name
    options["losses"] |= losses
    for part, key in ((options, "start"), (options["data"], "root")):
        part[key] = str((RECIPE.parent / part[key]).resolve())
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
    courses = {"full": train("full", {}, runs)}
    for number, (term, losses) in enumerate(WITHOUT.items(), 1):
        courses[f"− {term}"] = train(f"without-{number}", losses, runs)
        typer.echo(f"without {term} done")
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
    full: dict[str, Float64Array] = {}
    table: dict[str, Any] = {}
    for name, weights in courses.items():
        figures, pictures = figures_of(load_generator(str(weights)), drawn)
        full = full or figures
        row: dict[str, Any] = {
            "FID": frechet_distance(judge, truths, pictures),
            "KID": kernel_distance(judge, truths, pictures),
            "means": {k: float(np.nanmean(v)) for k, v in figures.items()},
        }
        if name != "full":
            row["differences"] = {k: gain(v, full[k]) for k, v in figures.items()}
        table[name] = row
    report = {"recipe": RECIPE.name, "cases": CASES, "crops": CROPS, "courses": table}
    write_report(out / "ablations", report, lambda _: markdown(table))


def markdown(table: dict[str, Any]) -> str:
    """Return the table for people."""
    lines = [
        "# What each part of the loss is good for",
        "",
        f"Made by `python benchmarks/ablations.py`: `training/recipes/{RECIPE.name}` as it stands, "
        "and without one term at a time; same seed, batches and steps. Held-out crops of 128² "
        f"({CROPS} for each of: {'; '.join(CASES)}), filled by the network alone, without "
        "rehearsing. Differences to the full course are paired per crop, with 95 % bootstrap "
        "intervals; an interval on the worse side of 0 says that the term earns its place in that "
        "figure. FID and KID (our own judge) are one figure each and have no interval.",
        "",
        "| course | " + " | ".join(FIGURES) + " | FID | KID |",
        "|---|" + "---|" * (len(FIGURES) + 2),
    ]
    for name, row in table.items():
        if name == "full":
            cells = [f"{row['means'][k]:.{DIGITS.get(k, 3)}f}" for k in FIGURES]
        else:
            cells = [signed(row["differences"][k], DIGITS.get(k, 3)) for k in FIGURES]
        sets = f"{row['FID']:.3f} | {row['KID']:.4f}"
        lines.append(f"| {name} | " + " | ".join(cells) + f" | {sets} |")
    lines += ["", *(f"- *{name}*: {text}." for name, text in FIGURES.items())]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    typer.run(main)
