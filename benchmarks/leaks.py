"""Whether napari keeps memory of results that were deleted: one session, run after run.

``xvfb-run -a -s "-screen 0 1280x800x24" python benchmarks/leaks.py`` opens a field of 2048 x 2048,
runs Impute and Localize as a person does, deletes all that they made, and does so again and again
in one viewer. What is resident after each is what the allocator has not given back, and what is
still referred to; only the latter grows with every run. So the arrays that are alive are counted,
too. Writes ``results/leaks.md``.
"""

from __future__ import annotations

import gc
import os
import sys
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import psutil
import typer

from napari_dualgland.imputation.params import ImputeParams
from napari_dualgland.io.layer_tag import tag_of
from napari_session import CHANNELS, SIDE, Session, open_files

HERE = Path(__file__).parent
EXPECTED = {"imputed", "missing", "localization", "cells"}
"""Of what kinds the layers of both docks are."""
LARGE = 1 << 20
"""Bytes of an array that counts."""


def alive() -> tuple[float, float]:
    """Return what is resident and what large arrays hold, in MiB."""
    gc.collect()
    arrays = {id(x): x.nbytes for x in _arrays() if x.nbytes >= LARGE}
    resident = psutil.Process().memory_info().rss
    return resident / 2**20, sum(arrays.values()) / 2**20


def _arrays() -> list[np.ndarray]:
    """Return the arrays that Python's containers refer to, and those that these are views of."""
    found = [y for x in gc.get_objects() for y in gc.get_referents(x) if type(y) is np.ndarray]
    return [_owner(x) for x in found]


def _owner(array: np.ndarray) -> np.ndarray:
    return _owner(array.base) if isinstance(array.base, np.ndarray) else array


def run(session: Session) -> None:
    """Impute, localize, and delete all that was made."""
    for name in ("Impute", "Localize"):
        dock = session.dock(name)
        session.act(dock.run_bar.button.click)
        session.until(partial(getattr, dock, "idle"))
    made = [x for x in session.viewer.layers if x.name not in CHANNELS]
    kinds = {tag_of(x).kind for x in made}
    if not kinds >= EXPECTED:
        raise ValueError(f"{kinds}: {dock.run_bar.says.text()}")
    for layer in made:
        session.act(partial(session.viewer.layers.remove, layer))
    session.rest(2.0)


def main(runs: Annotated[int, typer.Option(help="How often.")] = 5) -> None:
    """Run, delete, count, and write the table."""
    with TemporaryDirectory() as folder:
        os.environ["NAPARI_CONFIG"] = f"{folder}/settings.yaml"
        os.environ["XDG_CONFIG_HOME"] = folder
        session = Session(Path(folder))
        open_files(session)
        session.dock("Impute").set_value(ImputeParams(model="prior", rehearse=False, tile=256))
        session.dock("Localize")
        counted = [alive()]
        for _ in range(runs):
            run(session)
            counted.append(alive())
            typer.echo(f"{counted[-1][0]:7.0f} MiB resident, {counted[-1][1]:6.1f} in arrays")
        session.viewer.close()  # type: ignore[no-untyped-call]
    rows = [f"| {i or 'before'} | {r:.0f} | {a:.1f} |" for i, (r, a) in enumerate(counted)]
    lines = [
        "# Memory after results were deleted",
        "",
        f"One napari session, a field of 4 x {SIDE}² (uint8); in each run Impute and Localize, "
        f"then all their layers deleted. Arrays: NumPy arrays of {LARGE >> 20} MiB and more that "
        f"are still referred to. Python {sys.version.split()[0]} (`python benchmarks/leaks.py`).",
        "",
        "| run | resident, MiB | in arrays, MiB |",
        "|---|---:|---:|",
        *rows,
    ]
    (HERE / "results" / "leaks.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
