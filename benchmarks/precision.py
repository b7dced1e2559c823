"""What imputing in bfloat16 changes and what it saves, beside float32.

``python benchmarks/precision.py --data FOLDER`` lets the shipped generator fill the same holes
in both precisions, on held-out cells and a held-out field, one thread, and writes
``results/precision.json`` and ``.md``.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import torch
import typer

from dualgland_training.data.split import read_split
from dualgland_training.evaluate.report import write_report
from dualgland_training.generator.validation import decibels, draw_validation, watched_sources
from napari_dualgland.model.device import processor_name
from napari_dualgland.model.evidence import gather_evidence
from napari_dualgland.model.filler import load_filler
from napari_dualgland.model.precision import has_bfloat16
from recipe_on_data import open_recipe

HERE = Path(__file__).parent
RECIPE = HERE.parent / "training" / "recipes" / "long.yaml"
CPU = torch.device("cpu")


@torch.inference_mode()
def main(
    data: Annotated[Path, typer.Option(help="Folder of the atlas collection.")],
    crops: Annotated[int, typer.Option(help="Of each set and kind of damage.")] = 24,
    out: Annotated[Path, typer.Option(help="Folder of the report.")] = HERE / "results",
) -> None:
    """Fill in both precisions, and write the table."""
    torch.set_num_threads(1)
    config = open_recipe(RECIPE, data, watched=("test",))
    sets = watched_sources(read_split(config, typer.echo), config)
    fillers = {name: load_filler("generator", CPU, name) for name in ("fp32", "bf16")}
    seconds = dict.fromkeys(fillers, 0.0)
    rows: dict[str, dict[str, float]] = {}
    for kind, sources in sets.items():
        for case, (target, missing) in draw_validation(sources, crops, 128, seed=5).items():
            evidence, said = gather_evidence(target, missing), {}
            for name, filler in fillers.items():
                began = time.process_time()
                said[name] = filler.fill(evidence).mean
                seconds[name] += time.process_time() - began
            apart = 255 * (said["bf16"] - said["fp32"]).abs()[missing]
            psnr = {n: float(decibels(m, target, missing).mean()) for n, m in said.items()}
            rows[f"{kind}: {case}"] = {
                "PSNR": psnr["bf16"] - psnr["fp32"],
                "mean": float(apart.mean()),
                "largest": float(apart.max()),
            }
    report: dict[str, Any] = {
        "processor": processor_name(),
        "bfloat16 in hardware": has_bfloat16(CPU),
        "crops": crops,
        "CPU-seconds": seconds,
        "ratio": seconds["fp32"] / seconds["bf16"],
        "cases": rows,
    }
    write_report(out / "precision", report, markdown)


def markdown(report: dict[str, Any]) -> str:
    """Return the table for people."""
    has = "has" if report["bfloat16 in hardware"] else "has not"
    lines = [
        "# Imputing in bfloat16 and in float32",
        "",
        f"The shipped generator on {report['crops']} crops of 128² in every case, one thread of an "
        f"{report['processor']}, which {has} bfloat16 in hardware: float32 takes "
        f"**{report['ratio']:.2f} times** as long (the network alone, without its prior). "
        "Differences of bfloat16 from float32 (`python benchmarks/precision.py`):",
        "",
        "| images and damage | PSNR, dB | mean, grey levels of 255 | largest |",
        "|---|---:|---:|---:|",
    ]
    lines += [
        f"| {case} | {row['PSNR']:+.4f} | {row['mean']:.3f} | {row['largest']:.2f} |"
        for case, row in report["cases"].items()
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    typer.run(main)
