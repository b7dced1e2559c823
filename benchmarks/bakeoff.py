"""Weigh the candidates for the generator: the same batches, the same seconds of processor.

``python benchmarks/bakeoff.py --data FOLDER [--seconds 360]`` trains each from scratch with the
reconstruction loss alone on one thread, compares them on the images that the shipped recipe
keeps for validation (never on those held out for the final figures), and writes
``results/bakeoff.json`` and ``.md``; ``--only NAME`` (several times) takes some of them and
``--name`` calls the report otherwise. Processor time is counted and not time on the wall,
so that what else the machine does takes nothing from anyone.
"""

from __future__ import annotations

import copy
import json
import time
from pathlib import Path
from typing import Annotated, Any

import torch
import typer

from candidates import candidates
from dualgland_training.data.split import read_split
from dualgland_training.generator.batches import Batches
from dualgland_training.generator.recipe import TrainConfig
from dualgland_training.generator.validation import Validation
from dualgland_training.losses import reconstruction_loss
from napari_dualgland.model.generator import Generator, count_parameters
from napari_dualgland.model.precision import choose_precision
from recipe_on_data import open_recipe

HERE = Path(__file__).parent
RECIPE = HERE.parent / "training" / "recipes" / "generator.yaml"
WARMUP, LAST = 50, 0.02
"""Steps to the full learning rate, and the share of it that is left at the end."""


def train(
    model: Generator, batches: Batches, config: TrainConfig, seconds: float
) -> tuple[Generator, int]:
    """Train for so many seconds of processor time; return the moving average and the steps."""
    model = model.to(memory_format=torch.channels_last)
    half = choose_precision("auto", torch.device("cpu")) == "bf16"
    average = copy.deepcopy(model).requires_grad_(False)
    optimiser = torch.optim.AdamW(model.parameters(), config.learning_rate, (0.9, 0.99))
    spent, step = 0.0, 0
    while spent < seconds:
        # Drawing is the same for all; only what the candidate itself costs is counted.
        batch = batches.draw(step)
        began = time.process_time()
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            said = model(batch.evidence)
        terms = reconstruction_loss(
            said.mean, said.log_sigma, batch.prior, batch.target, batch.scored
        )
        loss = terms["relative"] + terms["absolute"] + 0.02 * terms["likelihood"]
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), config.clip)
        fall = max(LAST, 1 - spent / seconds)
        optimiser.param_groups[0]["lr"] = config.learning_rate * min(1, step / WARMUP) * fall
        optimiser.step()
        keep = min(0.99, (1 + step) / (10 + step))
        for ours, new in zip(average.parameters(), model.parameters(), strict=True):
            ours.lerp_(new.detach(), 1 - keep)
        spent += time.process_time() - began
        step += 1
    return average, step


def main(
    data: Annotated[Path, typer.Option(help="Folder of the atlas collection.")],
    seconds: Annotated[float, typer.Option(help="Of processor time for each candidate.")] = 360,
    only: Annotated[list[str] | None, typer.Option(help="Candidates; all if left out.")] = None,
    name: Annotated[str, typer.Option(help="Of the report.")] = "bakeoff",
    out: Annotated[Path, typer.Option(help="Folder of the report.")] = HERE / "results",
) -> None:
    """Train the candidates and write the table."""
    torch.set_num_threads(1)
    config = open_recipe(RECIPE, data).model_copy(update={"crop": 96, "reuse": 1})
    split = read_split(config, typer.echo)
    kept = tuple(source for source in split.validation if all(source.known))
    watched = Validation({"validation": kept}, 24, 128, torch.device("cpu"))
    table: dict[str, Any] = {}
    for candidate in only or candidates():
        torch.manual_seed(0)
        network = candidates()[candidate]
        model, steps = train(network, Batches(split.train, config), config, seconds)
        began = time.process_time()
        figures = watched.look(model)["validation"]
        table[candidate] = {
            "steps": steps,
            "parameters": count_parameters(model),
            "seconds per step": seconds / steps,
            "seconds to fill": time.process_time() - began,
            "cases": figures,
        }
        typer.echo(f"{candidate}: {steps} steps")
        report = {"seconds of processor each": seconds, "crop": 96, "candidates": table}
        (out / f"{name}.json").write_text(json.dumps(report, indent=1) + "\n")
        (out / f"{name}.md").write_text(markdown(table, seconds))


def markdown(table: dict[str, Any], seconds: float) -> str:
    """Return the table for people: gain over the prior per case, dB."""
    lines = [
        "# Candidates for the generator, side by side",
        "",
        f"Each trained from scratch for {seconds:.0f} s of processor time on one thread, on the "
        "same batches of 12 × 96², reconstruction loss alone. Gain over the secretory prior in dB "
        "(mean of 24 crops kept for validation); above 0 is ahead.",
        "",
        "| case | " + " | ".join(table) + " |",
        "|---|" + "---|" * len(table),
    ]
    for case in next(iter(table.values()))["cases"]:
        gains = [
            row["cases"][case]["generator"] - row["cases"][case]["prior"] for row in table.values()
        ]
        lines.append(f"| {case} | " + " | ".join(f"{gain:+.2f}" for gain in gains) + " |")
    means = [
        sum(c["generator"] - c["prior"] for c in row["cases"].values()) / len(row["cases"])
        for row in table.values()
    ]
    lines.append("| **mean** | " + " | ".join(f"**{mean:+.2f}**" for mean in means) + " |")
    for key, form in (("steps", "{}"), ("parameters", "{:,}"), ("seconds per step", "{:.2f}")):
        values = [form.format(row[key]) for row in table.values()]
        lines.append(f"| {key} | " + " | ".join(values) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    typer.run(main)
