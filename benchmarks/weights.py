"""Hold a generator's weights against those that ship: may they take their place?

``python benchmarks/weights.py CANDIDATE.safetensors --data FOLDER`` lets both fill the same
holes in the same crops of every set of images that the long run looks at, without rehearsing
or learning inside the image, and writes ``results/weights.json`` and ``.md``: gains paired per
crop with 95 % bootstrap intervals. The verdict is by validation images alone. Held-out images
and the other atlas stand beside it, to be seen and not to be chosen by.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer

from ablations import figures_of
from dualgland_training.data.split import read_split
from dualgland_training.evaluate.comparison import gain
from dualgland_training.evaluate.markdown import signed
from dualgland_training.evaluate.report import write_report
from dualgland_training.generator.validation import (
    decibels,
    draw_validation,
    estimate,
    watched_sources,
)
from napari_dualgland.model.device import processor_name
from napari_dualgland.model.generator import Generator, load_generator
from napari_dualgland.model.weights import read_card
from napari_dualgland.typing import Float64Array
from recipe_on_data import open_recipe

HERE = Path(__file__).parent
RECIPE = HERE.parent / "training" / "recipes" / "long.yaml"
SEED = 77
"""Of crops and holes; another than that of the curve, by which checkpoints are picked."""

SAMPLED = ("box, all channels", "thick, all channels", "box, protein only")
"""Cases in which plausible pictures are looked at."""

Crops = dict[str, tuple[torch.Tensor, torch.Tensor]]


def gains_of(models: dict[str, Generator], drawn: Crops) -> dict[str, dict[str, Float64Array]]:
    """Return by case how far each model is ahead of the prior, dB, for every hurt channel."""
    table: dict[str, dict[str, Float64Array]] = {}
    for case, (target, missing) in drawn.items():
        table[case] = {}
        for name, model in models.items():
            evidence, said = estimate(model, target, missing)
            ours, prior = (decibels(x, target, missing) for x in (said.mean, evidence.prior))
            table[case][name] = (ours - prior).double().numpy()
    return table


def differences(table: dict[str, dict[str, Float64Array]]) -> dict[str, Any]:
    """Return the figures of a set: both models over the prior, and their difference."""
    rows = {
        case: {
            "shipped": float(row["shipped"].mean()),
            "candidate": float(row["candidate"].mean()),
            "difference": gain(row["candidate"], row["shipped"]),
        }
        for case, row in table.items()
    }
    rows["mean of all"] = {
        name: float(np.mean([row[name].mean() for row in table.values()]))
        for name in ("shipped", "candidate")
    } | {"difference": _mean_gain(table)}
    return rows


def _mean_gain(table: dict[str, dict[str, Float64Array]]) -> dict[str, float]:
    """Return the mean difference over families, its interval from draws within each."""
    rng = np.random.default_rng(0)
    parts = [row["candidate"] - row["shipped"] for row in table.values()]
    drawn = np.mean([p[rng.integers(0, p.size, (2000, p.size))].mean(1) for p in parts], axis=0)
    low, high = np.percentile(drawn, [2.5, 97.5])
    mean = float(np.mean([p.mean() for p in parts]))
    return {"mean": mean, "low": float(low), "high": float(high), "blocks": sum(map(len, parts))}


def verdict(rows: dict[str, Any]) -> tuple[bool, str]:
    """Say whether the candidate is ahead in the mean and behind in no family of validation."""
    mean = rows["mean of all"]["difference"]
    behind = [case for case, row in rows.items() if row["difference"]["mean"] < 0]
    if mean["low"] <= 0:
        return False, "not ahead in the mean"
    if behind:
        return False, f"ahead in the mean, and behind in {', '.join(behind)}"
    return True, "ahead in the mean and behind in no family"


def markdown(report: dict[str, Any]) -> str:
    """Return the table for people."""
    sets = list(report["sets"])
    lines = [
        "# A candidate's weights against those that ship",
        "",
        f"`{report['candidate']}` (sha256 {report['sha256']}…) against `generator` "
        f"(sha256 {report['shipped']}…), both by themselves: no rehearsing, no learning inside the "
        f"image. {report['crops']} crops of 128² in every set and family, the same for both; dB, "
        "paired per crop and hurt channel, 95 % bootstrap intervals "
        "(`python benchmarks/weights.py`).",
        "",
        f"**{report['verdict']}** on the images kept for validation.",
        "",
        "Candidate over shipped:",
        "",
        "| damage | " + " | ".join(sets) + " |",
        "|---|" + "---|" * len(sets),
    ]
    for case in report["sets"][sets[0]]:
        cells = [signed(report["sets"][name][case]["difference"], 2) for name in sets]
        lines.append(f"| {case} | " + " | ".join(cells) + " |")
    lines += ["", "Candidate over the prior (shipped over the prior):", ""]
    lines += ["| damage | " + " | ".join(sets) + " |", "|---|" + "---:|" * len(sets)]
    for case in report["sets"][sets[0]]:
        rows = [report["sets"][name][case] for name in sets]
        cells = [f"{row['candidate']:+.2f} ({row['shipped']:+.2f})" for row in rows]
        lines.append(f"| {case} | " + " | ".join(cells) + " |")
    lines += ["", f"Besides, on validation images ({'; '.join(SAMPLED)}):", ""]
    lines += ["| figure | shipped | candidate | difference |", "|---|---:|---:|---|"]
    for name, row in report["figures"].items():
        lines.append(
            f"| {name} | {row['shipped']:.4f} | {row['candidate']:.4f} | "
            f"{signed(row['difference'], 4)} |"
        )
    return "\n".join(lines) + "\n"


def main(
    candidate: Annotated[Path, typer.Argument(help="A model's .safetensors, its card beside it.")],
    data: Annotated[Path, typer.Option(help="Folder of the atlas collection.")],
    crops: Annotated[int, typer.Option(help="Of each set and family.")] = 48,
    out: Annotated[Path, typer.Option(help="Folder of the report.")] = HERE / "results",
) -> None:
    """Compare, write the table, and say the verdict."""
    torch.set_num_threads(1)
    config = open_recipe(RECIPE, data)
    sets = watched_sources(read_split(config, typer.echo), config)
    models = {"shipped": load_generator("generator"), "candidate": load_generator(str(candidate))}
    tables: dict[str, dict[str, dict[str, Float64Array]]] = {}
    for name, sources in sets.items():
        tables[name] = gains_of(models, draw_validation(sources, crops, 128, SEED))
        typer.echo(f"{name}: done")
    chosen = [table for name, table in tables.items() if name.startswith("validation")]
    together = {
        case: {m: np.concatenate([table[case][m] for table in chosen]) for m in models}
        for case in chosen[0]
    }
    rows = {"validation, all": differences(together)}
    rows |= {name: differences(table) for name, table in tables.items()}
    kept = tuple(s for name, part in sets.items() if name.startswith("validation") for s in part)
    drawn = draw_validation(kept, crops, 128, SEED)
    looked = {
        name: figures_of(model, {case: drawn[case] for case in SAMPLED})[0]
        for name, model in models.items()
    }
    passes, words = verdict(rows["validation, all"])
    card, shipped = read_card(str(candidate))[0], read_card("generator")[0]
    report = {
        "candidate": card.name,
        "sha256": str(card.sha256)[:12],
        "shipped": str(shipped.sha256)[:12],
        "processor": processor_name(),
        "crops": crops,
        "passes": passes,
        "verdict": words,
        "sets": rows,
        "figures": {
            key: {name: float(np.nanmean(part[key])) for name, part in looked.items()}
            | {"difference": gain(looked["candidate"][key], looked["shipped"][key])}
            for key in looked["shipped"]
        },
    }
    write_report(out / "weights", report, markdown)
    typer.echo(words)


if __name__ == "__main__":
    typer.run(main)
