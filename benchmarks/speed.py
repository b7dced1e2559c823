"""What a fill costs: ours beside the classical ones and a network of LaMa's size, in one run.

``python benchmarks/speed.py [--sides …] [--shares …] [--fills …]`` fills the held-out field at
several sizes and shares of holes, each in a process of its own with one thread, ended at a cap of
seconds or memory. ``results/speed.json`` is written after each, and what is in there is not done
again; the tables and plots are of all that is in there.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from speed_fills import NAMES
from speed_scenes import boxes, field_of, scratches
from speed_table import draw, markdown

HERE = Path(__file__).parent
RESULTS = HERE / "results"
DATA = HERE.parents[1] / "shared" / "data" / "hpa"
SIDES = "512,1024,2048,4096"
SHARES = "0.1,1,5,20"
SCRATCHES = 5.0
"""Per cent at which scratches are filled beside boxes."""


def key_of(family: str, side: int, share: float, fill: str) -> str:
    """Return what a cell is called in the JSON.

    Parameters
    ----------
    family : str
        ``boxes`` or ``scratches``.
    side : int
        Of the frame.
    share : float
        Per cent.
    fill : str
        Of :data:`speed_fills.NAMES`.

    Returns
    -------
    str
    """
    return f"{family} / {side} / {share:g} / {fill}"


def run_cell(fill: str, folder: Path, cap: float, memory: float) -> dict[str, Any]:
    """Fill in a process of its own, on one thread.

    Parameters
    ----------
    fill : str
        Of :data:`speed_fills.NAMES`.
    folder : pathlib.Path
        Holds ``image.npy`` and ``missing.npy``.
    cap : float
        CPU-seconds after which it is ended.
    memory : float
        GiB that it may have.

    Returns
    -------
    dict
        ``cpu`` and ``wall`` of the whole process, and what it told; ``over`` where it was ended.
    """
    told = folder / "told.json"
    told.unlink(missing_ok=True)

    threads = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS")}
    words = [sys.executable, str(HERE / "speed_fills.py"), fill, str(folder)]
    began = time.perf_counter()
    with (folder / "said").open("wb") as said:
        child = subprocess.Popen(words, env=os.environ | threads, stderr=said)
        resource.prlimit(child.pid, resource.RLIMIT_CPU, (int(cap), int(cap) + 5))
        resource.prlimit(child.pid, resource.RLIMIT_DATA, (int(memory * 2**30),) * 2)
        _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    row = {"cpu": used.ru_utime + used.ru_stime, "wall": time.perf_counter() - began}
    if child.returncode == 0:
        row |= json.loads(told.read_text())
        return {name: round(value, 3) for name, value in row.items()}
    last = (folder / "said").read_text(errors="replace")
    if row["cpu"] >= cap - 1:
        return {"over": f"> {cap:g} s"}
    # Without memory, libraries raise, abort or are killed.
    if child.returncode < 0 or any(w in last.lower() for w in ("memory", "alloc")):
        return {"over": f"> {memory:g} GiB"}
    raise RuntimeError(f"{fill} failed: {last[-2000:]}")


def main(
    sides: Annotated[str, typer.Option(help="Sides, comma between.")] = SIDES,
    shares: Annotated[str, typer.Option(help="Shares of holes, per cent.")] = SHARES,
    fills: Annotated[str, typer.Option(help="Names, semicolon between.")] = ";".join(NAMES),
    cap: Annotated[float, typer.Option(help="CPU-seconds for one fill.")] = 300,
    memory: Annotated[float, typer.Option(help="GiB for one fill.")] = 5,
    data: Annotated[Path, typer.Option(help="The atlas collection.")] = DATA,
    out: Annotated[Path, typer.Option(help="Folder of the report.")] = RESULTS,
) -> None:
    """Fill what is not yet filled, and write tables and plots."""
    from napari_dualgland.model.device import processor_name

    wanted = [name.strip() for name in fills.split(";")]
    if unknown := set(wanted) - set(NAMES):
        raise typer.BadParameter(f"no fill {', '.join(sorted(unknown))}; there are {NAMES}")
    file = out / "speed.json"
    report: dict[str, Any] = json.loads(file.read_text()) if file.is_file() else {"cells": {}}
    if report.setdefault("processor", processor_name()) != processor_name():
        raise typer.BadParameter(f"{file} is of another processor: {report['processor']}")
    cells: dict[str, Any] = report["cells"]
    for side in map(int, sides.split(",")):
        for share in map(float, shares.split(",")):
            for family in ("boxes", *(("scratches",) if share == SCRATCHES else ())):
                keys = {name: key_of(family, side, share, name) for name in wanted}
                left = {name: key for name, key in keys.items() if key not in cells}
                if not left:
                    continue
                draw_missing = boxes if family == "boxes" else scratches
                missing = draw_missing(side, share / 100)
                with tempfile.TemporaryDirectory() as passing:
                    np.save(Path(passing) / "image.npy", field_of(data, side))
                    np.save(Path(passing) / "missing.npy", missing)
                    for name, key in left.items():
                        row = run_cell(name, Path(passing), cap, memory)
                        cells[key] = row | {"missing": int(missing.sum())}
                        file.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")
                        sys.stdout.write(f"{key}: {row}\n")
                        sys.stdout.flush()
    (out / "speed.md").write_text(markdown(report))
    draw(cells, out)


if __name__ == "__main__":
    typer.run(main)
