"""Profile a step of training by its parts, in CPU-seconds on one thread.

``python benchmarks/training_step.py NAME --data FOLDER [--recipe R] [--isa avx2]`` trains some
steps of a recipe as ``dualgland train`` would, with a clock around every part, and adds a
column to ``results/training_step.json`` and ``.md``. ``--isa avx2`` keeps torch and oneDNN to
AVX2, as on a processor without AVX-512 and bfloat16. With ``PYTHONPATH`` set to ``src`` and
``training`` of another checkout that one is profiled: it must have the rooms that this one has.
"""

from __future__ import annotations

import functools
import importlib
import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import torch
import typer

from napari_dualgland.model.device import processor_name

HERE = Path(__file__).parent
RESULTS = HERE / "results"

AVX2 = {"ATEN_CPU_CAPABILITY": "avx2", "DNNL_MAX_CPU_ISA": "AVX2"}

DRAWN = 60
"""Batches that are drawn and left before the clock starts, so that what is reused is there."""

PARTS: tuple[tuple[str, str], ...] = (
    ("drawing crops", "generator.batches:draw_crops"),
    ("damage", "generator.batches:draw_damage"),
    ("couplings", "generator.batch:detail_moments"),
    ("evidence", "generator.batch:gather_evidence"),
    ("depth of holes", "generator.batch:distance_to_observed"),
    ("compartments", "generator.batch:soft_compartments"),
    ("turning what is reused", "generator.batches:turned"),
    ("generator, forward", "generator.objective:GeneratorObjective.generator.forward"),
    ("SG-Loss, forward", "generator.estimation:salivary_loss"),
    ("PG-Loss, forward", "generator.estimation:pituitary_loss"),
    ("reconstruction, forward", "generator.estimation:reconstruction_loss"),
    ("texture, forward", "generator.objective:GeneratorObjective.texture.forward"),
    ("perceptual network, forward", "perceptual.judge:Judge.features"),
    ("discriminator, forward", "generator.discriminator:Discriminator.forward"),
    ("spread, forward", "generator.game:spread_loss"),
    ("gradient penalty", "generator.game:gradient_penalty"),
    ("average of weights", "trainer.steps:AveragedModel.update_parameters"),
)
"""What a part is called, and where it stands in ``dualgland_training``."""


class Clock:
    """Counts CPU-seconds by part; what an inner part takes is not counted for the outer."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)
        self.inner: list[float] = []

    def around(self, label: Callable[[], str], function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function with the clock around it."""

        @functools.wraps(function)
        def timed(*words: Any, **named: Any) -> Any:
            self.inner.append(0.0)
            began = time.process_time()
            try:
                return function(*words, **named)
            finally:
                took = time.process_time() - began
                self.spent[label()] += took - self.inner.pop()
                if self.inner:
                    self.inner[-1] += took

        return timed

    def wrap(self, place: Any, name: str, label: str) -> None:
        """Put the clock around a function of a module or object."""
        setattr(place, name, self.around(lambda: label, getattr(place, name)))


def clocked(clock: Clock, training: Any) -> None:
    """Put the clock around every part."""
    for label, place in PARTS:
        module, _, path = place.partition(":")
        *owners, name = path.split(".")
        owner: Any = importlib.import_module(f"dualgland_training.{module}")
        if owners[:1] == ["GeneratorObjective"]:
            owner = getattr(training.objective, owners[1])
        elif owners:
            owner = getattr(owner, owners[0])
        clock.wrap(owner, name, label)
    now = ["generator"]
    descend = training._descend

    def told(name: str, *rest: Any) -> Any:
        now[0] = name
        return descend(name, *rest)

    training._descend = told
    torch.Tensor.backward = clock.around(  # type: ignore[method-assign]
        lambda: f"{now[0]}, losses and backward", torch.Tensor.backward
    )
    for optimiser in training.optimisers.values():
        clock.wrap(optimiser, "step", "optimisers")


def profile(recipe: Path, data: Path, steps: int) -> dict[str, Any]:
    """Train some steps from the recipe's start, or the random one, and return seconds a step."""
    from dualgland_training.generator.objective import GeneratorObjective
    from dualgland_training.generator.recipe import read_recipe
    from dualgland_training.trainer.prefetch import draw_ahead
    from dualgland_training.trainer.steps import Steps
    from napari_dualgland.model.precision import choose_by_time

    torch.set_num_threads(1)
    config = read_recipe(recipe, start=None)
    where = config.data.model_copy(update={"root": data.resolve()})
    config = config.model_copy(update={"data": where, "steps": 10_000})
    device = torch.device("cpu")
    precision, _ = choose_by_time(config.precision, device)
    objective = GeneratorObjective(config, device, precision, typer.echo)
    training, batches = Steps(objective, config), objective.batches()
    clock = Clock()
    # Late enough for the game to be played.
    first = 6000
    drawn = draw_ahead(batches, range(first, first + DRAWN + steps + 4), 0, device)
    for _ in range(DRAWN * (config.reuse > 1)):
        next(drawn)
    for step in range(4):  # kernels are prepared
        training.advance(next(drawn), first + step)
    clocked(clock, training)  # not before: a schedule wraps its optimiser in the first step
    began = time.process_time()
    for step in range(steps):
        training.advance(next(drawn), first + step)
    whole = time.process_time() - began
    parts = {label: seconds / steps for label, seconds in clock.spent.items()}
    parts["all else"] = whole / steps - sum(parts.values())
    crops = config.sources * config.crops_per_source
    return {
        "seconds": parts,
        "step": whole / steps,
        "crops": crops,
        "crops per CPU-second": crops * steps / whole,
        "precision": objective.precision,
        "steps": steps,
    }


def markdown(columns: dict[str, Any]) -> str:
    """Return the table for people."""
    order = [label for label, _ in PARTS]
    found = dict.fromkeys(label for column in columns.values() for label in column["seconds"])
    rest = [label for label in found if label not in order and label != "all else"]
    lines = [
        "# A step of training, part by part",
        "",
        "CPU-seconds a step of 12 crops of 128² on one thread "
        f"({next(iter(columns.values()))['processor']}), all losses, drawing included "
        "(`benchmarks/training_step.py`). Columns with AVX2 keep torch and oneDNN to it, as on a "
        "processor without AVX-512 and bfloat16; a real one is slower.",
        "",
        "| part | " + " | ".join(columns) + " |",
        "|---|" + "---:|" * len(columns),
    ]
    for label in [*(part for part in order if part in found), *rest, "all else"]:
        cells = [column["seconds"].get(label) for column in columns.values()]
        lines.append(
            f"| {label} | " + " | ".join("" if c is None else f"{c:.3f}" for c in cells) + " |"
        )
    whole = " | ".join(f"**{column['step']:.2f}**" for column in columns.values())
    speed = " | ".join(f"**{column['crops per CPU-second']:.1f}**" for column in columns.values())
    lines += [f"| **a step** | {whole} |", f"| **crops per CPU-second** | {speed} |"]
    lines.append("| precision | " + " | ".join(c["precision"] for c in columns.values()) + " |")
    lines.append("| commit | " + " | ".join(c["commit"] for c in columns.values()) + " |")
    return "\n".join(lines) + "\n"


def commit_of(module: str) -> str:
    """Return the commit of the checkout that a module comes from."""
    where = Path(str(importlib.import_module(module).__file__)).parent
    command = ["git", "-C", str(where), "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def main(
    name: Annotated[str, typer.Argument(help="Of the column.")],
    data: Annotated[Path, typer.Option(help="Folder of the atlas collection.")],
    recipe: Annotated[Path, typer.Option(help="Of the run that is profiled.")],
    steps: Annotated[int, typer.Option(help="That are counted.")] = 24,
    isa: Annotated[str, typer.Option(help="avx2: no instruction beyond it.")] = "",
) -> None:
    """Profile, and add a column to the table."""
    if isa and not AVX2.items() <= os.environ.items():
        # Both are read when torch is loaded.
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | AVX2)
    told = profile(recipe, data, steps)
    told |= {"commit": commit_of("dualgland_training"), "processor": processor_name()}
    table = RESULTS / "training_step.json"
    columns = json.loads(table.read_text()) if table.is_file() else {}
    columns[name] = told
    table.write_text(json.dumps(columns, indent=1) + "\n")
    (RESULTS / "training_step.md").write_text(markdown(columns))
    typer.echo(f"{name}: {told['step']:.2f} CPU-s a step")


if __name__ == "__main__":
    typer.run(main)
