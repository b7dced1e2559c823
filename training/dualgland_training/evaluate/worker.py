"""Fills every image in every case with one method, in a process of its own.

Apart, so that its peak of memory is its own; it scores nothing, for scoring needs memory
too. What it writes is read by :mod:`dualgland_training.evaluate.scoring` and thrown away.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import typer

from dualgland_training.evaluate.cases import HeldOut, images_of, mask_of, read_images
from dualgland_training.evaluate.methods import Method, fill_with, find_method
from dualgland_training.trainer.stopping import LIFELINE, follow_starter
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.frozen import FrozenModel
from napari_dualgland.typing import AnyArray, BoolArray


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
    if sys.platform == "win32":
        return float(psutil.Process().memory_info().peak_wset) / 2**20
    import resource  # which Windows does not have

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if sys.platform == "darwin":
        return peak / 2**20  # bytes there, KiB elsewhere
    # On Linux getrusage counts what the parent held when it started us, and it is heavy.
    status = Path("/proc/self/status")
    if status.is_file():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return peak / 1024


def _run_method(name: str, job: Job, folder: Path) -> None:
    """Write ``<case>-<image>.npz`` for every fill and ``run.json`` with seconds and memory."""
    method = find_method(name)
    held = read_images(job.data, job.held, job.cells, job.quick)
    # Once for nothing: imports and weights are not what is measured.
    first = next(iter(held.values()))[:, :64, :64]
    fill_with(method, first, np.broadcast_to(np.eye(*first.shape[1:]) > 0, first.shape))
    start = peak = peak_memory()
    seconds: dict[str, dict[str, float]] = {}
    for i, case in enumerate(job.cases):
        seconds[case] = {}
        for number, title in images_of(case, held):
            file = folder / f"{i}-{number}.npz"
            if not file.is_file():
                _fill(method, title, case, held[title], mask_of(case, held[title], number), file)
            with np.load(file) as kept:
                seconds[case][title] = float(kept["seconds"])
                peak = max(peak, float(kept["peak_mib"]))
    memory = {"start_mib": start, "peak_mib": peak}
    (folder / "run.json").write_text(json.dumps({"seconds": seconds, "memory": memory}))


def _fill(
    method: Method, title: str, case: str, image: AnyArray, missing: BoolArray, file: Path
) -> None:
    """Write one fill, and what it took, so that an evaluation that is cut off goes on from it."""
    began = time.perf_counter()
    fill = fill_with(method, image, missing)
    arrays = {"estimate": fill.estimate, "seconds": np.array(time.perf_counter() - began)}
    if not np.array_equal(fill.estimate[~missing], image[~missing]):
        found = "changed observed pixels"
        raise DualglandError(Kind.MISMATCH, method.name, found, part=f"{title}, {case}")
    if fill.deviation is not None:
        arrays["deviation"] = fill.deviation
        arrays["reach"] = np.array([[r.shape, r.scale] for r in fill.reach])
    arrays |= {f"sample{n}": s for n, s in enumerate(fill.samples)}
    arrays["peak_mib"] = np.array(peak_memory())
    passing = file.with_suffix(".part.npz")
    np.savez(passing, **arrays)  # type: ignore[arg-type]
    passing.replace(file)


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
