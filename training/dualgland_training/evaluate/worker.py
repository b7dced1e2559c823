"""Fills every image in every case with one method, in a process of its own.

Apart, so that its peak of memory is its own; it scores nothing, for scoring needs memory
too. What it writes is read by :mod:`dualgland_training.evaluate.scoring` and thrown away.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import typer

from dualgland_training.evaluate.cases import HeldOut, images_of, mask_of, read_images
from dualgland_training.evaluate.methods import fill_with, find_method
from dualgland_training.trainer.stopping import LIFELINE, follow_starter
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.frozen import FrozenModel


class Job(FrozenModel):
    """What every method is given alike."""

    data: Path
    held: HeldOut
    cells: int
    quick: bool
    cases: tuple[str, ...]
    threads: int


def peak_memory() -> float:
    """Return the most memory that this process has held, MiB."""
    # On Linux getrusage counts what the parent held when it started us, and it is heavy.
    status = Path("/proc/self/status")
    if status.is_file():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _run_method(name: str, job: Job, folder: Path) -> None:
    """Write ``<case>-<image>.npz`` for every fill and ``run.json`` with seconds and memory."""
    method = find_method(name)
    held = read_images(job.data, job.held, job.cells, job.quick)
    # Once for nothing: imports and weights are not what is measured.
    first = next(iter(held.values()))[:, :64, :64]
    fill_with(method, first, np.broadcast_to(np.eye(*first.shape[1:]) > 0, first.shape))
    start = peak_memory()
    seconds: dict[str, dict[str, float]] = {}
    for i, case in enumerate(job.cases):
        seconds[case] = {}
        for number, title in images_of(case, held):
            image = held[title]
            missing = mask_of(case, image, seed=number)
            began = time.perf_counter()
            fill = fill_with(method, image, missing)
            seconds[case][title] = time.perf_counter() - began
            if not np.array_equal(fill.estimate[~missing], image[~missing]):
                found = "changed observed pixels"
                raise DualglandError(Kind.MISMATCH, name, found, part=f"{title}, {case}")
            arrays = {"estimate": fill.estimate}
            if fill.deviation is not None:
                arrays["deviation"] = fill.deviation
                arrays["reach"] = np.array([[r.shape, r.scale] for r in fill.reach])
            arrays |= {f"sample{n}": s for n, s in enumerate(fill.samples)}
            np.savez(folder / f"{i}-{number}.npz", **arrays)  # type: ignore[arg-type]
    memory = {"start_mib": start, "peak_mib": peak_memory()}
    (folder / "run.json").write_text(json.dumps({"seconds": seconds, "memory": memory}))


def start(name: str, job: Job, folder: Path) -> None:
    """Run one method in a process of its own and wait for it.

    Parameters
    ----------
    name : str
        Of the method.
    job : Job
        What it is given.
    folder : pathlib.Path
        Where it writes.

    Raises
    ------
    DualglandError
        If it failed, with the last line that it said.
    """
    command = [sys.executable, "-m", "dualgland_training.evaluate.worker", name]
    with subprocess.Popen(
        [*command, job.model_dump_json(), str(folder)],
        env=os.environ | {"OMP_NUM_THREADS": str(job.threads), LIFELINE: "stdin"},
        stdin=subprocess.PIPE,  # closes with us, however we end
        stderr=subprocess.PIPE,
        text=True,
    ) as worker:
        assert worker.stderr is not None
        said = worker.stderr.read()  # not communicate(): it would close the standard input
    if worker.returncode:
        last = (said.strip().splitlines() or [f"exit code {worker.returncode}"])[-1]
        way_out = "leave it out or see to that first"
        raise DualglandError(Kind.UNSUPPORTED, name, f"failed: {last}", way_out=way_out)


def _main(name: str, job: str, folder: Path) -> None:
    """Run one method on a job given as JSON."""
    follow_starter()
    _run_method(name, Job.model_validate_json(job), folder)


if __name__ == "__main__":
    typer.run(_main)
