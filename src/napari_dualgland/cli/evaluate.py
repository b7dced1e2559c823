"""``dualgland evaluate``: start the evaluation of the training module, as a process.

A process of its own, for the plugin never imports the training module; what it says on
the way goes to stderr, and the report that it leaves is the result.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_dualgland.cli.console import REFUSED
from napari_dualgland.cli.stopping import LIFELINE
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.legible import legible

if TYPE_CHECKING:
    from rich.console import Console

NAME, MEASUREMENTS = "evaluation", "measurements"
"""How the files of a report are called: of the whole, and of what it says of measurements."""


def run(out: Path, arguments: Sequence[str]) -> dict[str, Any]:
    """Evaluate with the arguments of the training module and return the report in short.

    Parameters
    ----------
    out : pathlib.Path
        Where the report goes.
    arguments : list of str
        Of ``python -m dualgland_training.evaluate``.

    Returns
    -------
    dict
        Paths and figures, ready for JSON.

    Raises
    ------
    DualglandError
        With the last line of the process, if it refused.
    RuntimeError
        If it failed otherwise, which is a bug.
    SystemExit
        If it was killed: with the code that a shell has for that.
    """
    name = MEASUREMENTS if f"--{MEASUREMENTS}" in arguments else NAME
    command = [sys.executable, "-m", "dualgland_training.evaluate", "--out", str(out)]
    last = ""
    with subprocess.Popen(
        [*command, "--name", name, *arguments],
        stdin=subprocess.PIPE,  # closes with us, however we end
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        env=os.environ | LIFELINE,
    ) as process:
        assert process.stderr is not None
        try:
            for line in process.stderr:
                last = line.strip() or last
                if last.endswith(" done"):
                    sys.stderr.write(f"{legible(last)}\n")
        except KeyboardInterrupt:
            process.terminate()
            raise
    if process.returncode < 0:
        sys.stderr.write(f"the evaluation was killed by signal {-process.returncode}\n")
        raise SystemExit(128 - process.returncode)
    if process.returncode == REFUSED:
        raise DualglandError(Kind.WRONG_CONTENT, "the evaluation", last)
    if process.returncode:
        raise RuntimeError(f"the evaluation ended with code {process.returncode}: {last}")
    report = json.loads((out / f"{name}.json").read_text(encoding="utf-8"))
    files = [str(out / f"{name}{end}") for end in (".json", ".md")]
    if name == MEASUREMENTS:
        return {
            "setting": report["setting"],
            "measurements": {part: report[part]["all damage"] for part in ("cells", "field")},
            "report": files,
        }
    return {
        "model": report["ours"],
        "setting": report["setting"],
        "gains": {
            kind: {
                case: {k: v for k, v in row.items() if k.startswith("gain")}
                for case, row in report["comparison"][kind].items()
            }
            for kind in ("field", "cell")
        },
        "calibration": report["calibration"],
        "report": files,
    }


def show(result: dict[str, Any], to: Console) -> None:
    """Show the result of :func:`run` to a person.

    Parameters
    ----------
    result : dict
        What :func:`run` returned.
    to : rich.console.Console
    """
    from rich.table import Table

    if MEASUREMENTS in result:
        table = Table("measured", "protein in cells", "cells found again", box=None, pad_edge=False)
        same, whole = (result[MEASUREMENTS][part] for part in ("cells", "field"))
        for way, row in whole.items():
            off = same.get(way, {}).get("protein in cells", {}).get("bias")
            again = row["cells found again"].get("median")
            told = (f"{off:+.1%}" if off is not None else "–", f"{again:.0%}" if again else "–")
            table.add_row(way, *told)
        to.print(table)
        to.print(f"whole report: {result['report'][1]}", soft_wrap=True)
        return
    table = Table("images", "damage", "over best classical", "over prior", box=None, pad_edge=False)
    for kind, cases in result["gains"].items():
        for case, row in cases.items():
            both = (row.get(f"gain_over_{other}", {}) for other in ("best_classical", "prior"))
            table.add_row(
                f"{kind}s",
                case,
                *(f"{g['mean']:+.2f} dB" if "mean" in g else "–" for g in both),
            )
    to.print(table)
    to.print(f"whole report: {result['report'][1]}", soft_wrap=True)
