"""What the plugin adds to every start of napari: its manifest is found, read and indexed.

``python benchmarks/discovery.py`` starts Python afresh, imports npe2 and has it discover all
plugins, as napari does before it shows a window, once with the plugin and once without; the two
in turn, so that whatever else the machine does hits both. Processor time of the process. Writes
``results/discovery.md``.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Annotated

import npe2
import typer

from napari_dualgland.model.device import processor_name

HERE = Path(__file__).parent
PLUGIN = "napari-dualgland"
START = f"""
import importlib.metadata, sys, time
import npe2
found = importlib.metadata.distributions
without = lambda **k: (d for d in found(**k) if d.metadata["Name"] != "{PLUGIN}")
everything = lambda **k: (d for d in found(**k) if d.metadata["Name"])
importlib.metadata.distributions = everything if sys.argv[1] == "with" else without
begun = time.process_time()
npe2.PluginManager.instance().discover()
print(1000 * (time.process_time() - begun), "{PLUGIN}" in npe2.PluginManager.instance())
print(*(m for m in sys.modules if m.startswith("napari_dualgland")))
"""


def start(which: str) -> float:
    """Return what discovery takes in a new process, in ms."""
    command = [sys.executable, "-c", START, which]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    took, there = said[0].split()
    assert there == str(which == "with"), "installed?"
    assert not said[1:] or set(said[1].split()) <= {"napari_dualgland"}, said[1]
    return float(took)


def main(repeats: Annotated[int, typer.Option(help="How often.")] = 5) -> None:
    """Measure in pairs and write the table."""
    start("with")  # files are read from the disk once
    pairs = [(start("with"), start("without")) for _ in range(repeats)]
    added = [a - b for a, b in pairs]
    lines = [
        "# What the plugin adds to the start of napari",
        "",
        f"Discovery of all plugins by npe2 {npe2.__version__} in a new process, with this one and "
        f"without; processor time in ms, {processor_name()}, in turn (`python "
        "benchmarks/discovery.py`). No more of the plugin than its top module is imported then.",
        "",
        "| | with | without | added |",
        "|---|---:|---:|---:|",
        *(f"| {i} | {a:.0f} | {b:.0f} | {a - b:.0f} |" for i, (a, b) in enumerate(pairs, 1)),
        f"| median | {median(a for a, _ in pairs):.0f} | {median(b for _, b in pairs):.0f} "
        f"| {median(added):.0f} |",
    ]
    (HERE / "results" / "discovery.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
