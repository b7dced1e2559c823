"""What threads cost on a shared machine: one and two, spinning and asleep, idle and beside a load.

``python benchmarks/threads.py [--data FOLDER] [--side N] [--cap SECONDS]`` imputes a small
held-out crop with 5 % missing in boxes in processes of their own, as the machine is and beside
four busy processes, and once from two threads of one process, as two docks do. It counts
CPU-seconds of the filling alone, after a first small one. Writes ``results/threads.json``, ``.md``.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from napari_dualgland.threads import COUNTS, WAITS
from speed_fills import stack_of
from speed_scenes import boxes, field_of

HERE = Path(__file__).parent
DATA = HERE.parents[1] / "shared" / "data" / "hpa"
BUSY = 4
ONE, TWO = {"OMP_NUM_THREADS": "1"}, {"OMP_NUM_THREADS": "2"}
SPINNING = {"GOMP_SPINCOUNT": "300000"}  # as GCC's OpenMP does unasked
SETTINGS: Mapping[str, tuple[Mapping[str, str], int]] = {
    "1 thread": (ONE, 1),
    "2 threads, asleep (the policy)": (TWO, 1),
    "2 threads, spinning (as before)": ({**TWO, **SPINNING}, 1),
    "two callers of 1 thread": (ONE, 2),
    "two callers of 2 threads, asleep": (TWO, 2),
    "two callers of 2 threads, spinning": ({**TWO, **SPINNING}, 2),
}
"""Name → environment, and how many fill at the same time in one process."""
OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "prior": {"model": "prior", "rehearse": False},
    "no-adapt": {"adapt": False},
}


@contextlib.contextmanager
def busy(count: int) -> Iterator[None]:
    """Keep so many other processes busy meanwhile."""
    others = [subprocess.Popen([sys.executable, "-c", "while 1: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def seconds_of(
    setting: str, fill: str, load: int, side: int, cap: float, data: Path
) -> dict[str, float] | None:
    """Return the CPU- and wall-seconds of a fill in a process of its own.

    Parameters
    ----------
    setting, fill : str
        Of :data:`SETTINGS` and :data:`OPTIONS`.
    load : int
        Busy processes beside it.
    side : int
        Of the crop.
    cap : float
        Seconds after which it is ended.
    data : pathlib.Path
        The atlas collection.

    Returns
    -------
    dict or None
        ``cpu`` and ``wall``; None if it took longer.
    """
    more, callers = SETTINGS[setting]
    kept = {k: v for k, v in os.environ.items() if k not in (*COUNTS, *WAITS)}
    words = [sys.executable, __file__, "--child", fill, str(side), str(callers), str(data)]
    with subprocess.Popen(
        words, env=kept | dict(more), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        patience = threading.Timer(10 * cap, child.kill)  # for what is not measured
        patience.start()
        child.stdout.readline()
        with busy(load):
            clock = threading.Timer(cap, child.kill)
            clock.start()
            child.stdin.write("\n")
            child.stdin.flush()
            said = child.stdout.readline()
            clock.cancel()
        patience.cancel()
    return json.loads(said) if said else None


def child(fill: str, side: int, callers: int, data: Path) -> None:
    """Fill once for nothing, wait to be told, fill, and say what it took."""
    from napari_dualgland import impute

    image = field_of(data, side)
    missing = boxes(side, 0.05)

    def run(image: Any, missing: Any) -> None:
        impute(stack_of(np.where(missing, 0, image)), missing, seed=1, **OPTIONS[fill])

    run(image[:, :64, :64], missing[:, :64, :64] | (np.eye(64) > 0))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    # The first caller is the thread that has computed before: GCC's OpenMP stops spinning once it
    # has made more threads than there are cores, which a new caller's threads bring about.
    others = [threading.Thread(target=run, args=(image, missing)) for _ in range(callers - 1)]
    cpu, wall = time.process_time(), time.perf_counter()
    for other in others:
        other.start()
    run(image, missing)
    for other in others:
        other.join()
    took = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}
    sys.stdout.write(json.dumps({name: round(took[name], 2) for name in took}) + "\n")


def markdown(report: dict[str, Any]) -> str:
    """Return the table for people."""

    def cell(took: dict[str, float] | None) -> str:
        return f"> cap of {report['cap']:.0f} s of wall time" if took is None else f"{took['cpu']}"

    lines = [
        "# Threads on a shared machine",
        "",
        f"Made by `python benchmarks/threads.py` on {report['cores']} cores of an "
        f"{report['processor']}, on which other work ran all the while. CPU-seconds of filling a "
        f"4 × {report['side']}² crop with 5 % missing in boxes; two callers fill it twice. *As it "
        f"was*: beside that other work alone; *beside {BUSY} busy*: and beside {BUSY} processes "
        "that never rest. `asleep` is what the package sets where the user sets nothing "
        "(`dualgland doctor` shows it).",
    ]
    for fill, rows in report["seconds"].items():
        head = ["threads", "as it was", f"beside {BUSY} busy"]
        lines += ["", f"## {fill}", "", f"| {' | '.join(head)} |", "|---|---|---|"]
        lines += [f"| {name} | {' | '.join(map(cell, took))} |" for name, took in rows.items()]
    return "\n".join(lines) + "\n"


def main(
    data: Annotated[Path, typer.Option(help="The atlas collection.")] = DATA,
    side: Annotated[int, typer.Option(help="Of the crop.")] = 256,
    cap: Annotated[float, typer.Option(help="Seconds of wall time for one fill.")] = 30,
) -> None:
    """Measure, and write the table."""
    from napari_dualgland.model.device import processor_name

    report: dict[str, Any] = {"processor": processor_name(), "cores": os.cpu_count()}
    report |= {"side": side, "cap": cap, "seconds": {}}
    for fill in OPTIONS:
        rows = report["seconds"][fill] = {}
        # What spins is shown once: it runs into the cap.
        for setting in (s for s in SETTINGS if fill == "prior" or "spinning" not in s):
            rows[setting] = [seconds_of(setting, fill, n, side, cap, data) for n in (0, BUSY)]
            sys.stdout.write(f"{fill}, {setting}: {rows[setting]}\n")
            sys.stdout.flush()
    (HERE / "results" / "threads.json").write_text(json.dumps(report, indent=1) + "\n")
    (HERE / "results" / "threads.md").write_text(markdown(report))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), Path(sys.argv[5]))
    else:
        typer.run(main)
