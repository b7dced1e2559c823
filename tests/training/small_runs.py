"""Minuscule training runs on the bundled sample, in this process or as a person starts them."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
import yaml

from dualgland_training.runs import read_run, start_run
from dualgland_training.trainer.loop import Training
from dualgland_training.trainer.objective import Objective
from napari_dualgland.sample import sample_path

CREDIT = "Simulated for the tests; no microscope took these pictures."

RECIPE: dict[str, Any] = {
    "name": "small",
    "widths": [8, 8, 8],
    "depths": [1, 1, 1],
    "crop": 32,
    "sources": 2,
    "crops_per_source": 2,
    "steps": 9,
    "warmup": 2,
    "log_every": 2,
    "checkpoint_every": 3,
    "validate_every": 9,
    "validation_crops": 1,
    "pictures": 1,
    "threads": 1,
    "device": "cpu",
    "precision": "fp32",
    "discriminator_width": 8,
    "data": {"images": [str(sample_path("dualgland_whole.ome.tif"))], "credit": CREDIT},
}
"""Every loss at its own weight; the game begins at step 2."""

TRAIN = (sys.executable, "-m", "dualgland_training", "train")

BYTECODE = tempfile.TemporaryDirectory(prefix="dualgland-")

LONGEST = 240
"""Seconds after which a run hangs; on a busy machine the slowest takes a fifth of that."""


def write_recipe(folder: Path, **options: Any) -> Path:
    """Write the small recipe with some options of the first level changed."""
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(RECIPE | options))
    return path


def environment(**more: str) -> dict[str, str]:
    """Return an environment in which a run keeps to one thread.

    The runs share what Python compiles: torch anew for each of them takes longer than they do.
    """
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    if len(kept) < len(os.environ):
        kept["PYTHONPYCACHEPREFIX"] = BYTECODE.name  # who asks for none wants it in no folder
    return kept | {"OMP_NUM_THREADS": "1", **more}


def run(recipe: Path, out: Path, *, resume: bool = False, **options: Any) -> Training[Any]:
    """Train to the end in this process."""
    training: Training[Any] = start_run(read_run(recipe, **options), out, resume=resume)
    training.run()
    return training


def train(*words: object) -> subprocess.CompletedProcess[str]:
    """Run the training command to its end."""
    return subprocess.run(
        [*TRAIN, *map(str, words)],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=False,
    )


def wait_for(path: Path, process: subprocess.Popen[Any]) -> None:
    """Wait until a file lies there, as long as the process that should write it lives."""
    until = time.monotonic() + LONGEST
    while not path.exists():
        assert process.poll() is None, "the run ended by itself"
        assert time.monotonic() < until, f"{path.name} was not written"
        time.sleep(0.01)


def train_and_kill(recipe: Path, out: Path, at: str) -> None:
    """Run the training command and kill it once a checkpoint has appeared."""
    command = [*TRAIN, str(recipe), "--out", str(out)]
    with subprocess.Popen(command, env=environment(), stderr=subprocess.DEVNULL) as process:
        wait_for(out / at, process)
        process.send_signal(signal.SIGKILL)


def assert_spawned_workers_draw_the_same(objective: Objective[Any]) -> None:
    """Hand over what is drawn as a worker gets it that starts from nothing, and draw."""
    draws = objective.batches()
    there = pickle.loads(pickle.dumps(draws))
    for one, other in zip(draws.draw_one(3), there.draw_one(3), strict=True):
        assert torch.equal(one, other)


def read_events(out: Path) -> list[dict[str, Any]]:
    """Return the events of a run; fails where a line is no JSON, or JSON of another kind."""

    def refuse(number: str) -> None:
        raise ValueError(f"{number} is no JSON")

    lines = (out / "events.jsonl").read_text().splitlines()
    return [json.loads(line, parse_constant=refuse) for line in lines]
