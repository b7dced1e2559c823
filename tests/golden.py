"""Fingerprints of what the program gives for the sample stacks, to hold a change against.

Not a test: network outputs differ in their last bits between processors. On one machine,

    python tests/golden.py before.json        # on the commit before the change
    python tests/golden.py after.json         # on the commit after it
    python tests/golden.py --compare before.json after.json

names every output whose bytes are not what they were. ``--compare`` ends with code 1 if one
differs. One thread, so that sums are added up in one order; a few minutes.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tifffile
import torch

import napari_dualgland as dg

ROOT = Path(__file__).resolve().parents[1]
SAMPLES = ROOT / "sample_data"
DAMAGED = SAMPLES / "dualgland_damaged.ome.tif"
MASK = SAMPLES / "dualgland_damaged_mask.tif"
ZSTACK = SAMPLES / "dualgland_zstack.ome.tif"
ZMASK = SAMPLES / "dualgland_zstack_mask.tif"

RUNS: dict[str, dict[str, Any]] = {
    "prior": {"model": "prior", "rehearse": False, "adapt": False},
    "prior, rehearsed": {"model": "prior"},
    "generator, bare": {"rehearse": False, "adapt": False},
    "generator, rehearsed": {"adapt": False},
    "generator, fp32": {"adapt": False, "precision": "fp32"},
    "generator": {},
    "generator, samples": {"samples": 2, "seed": 7, "adapt": False},
    "generator, plausible": {"plausible": True, "seed": 7, "rehearse": False, "adapt": False},
    "generator, tiles": {"tile": 128, "adapt": False},
}
"""Options of ``impute`` by the name under which its outputs are noted."""


def fingerprint(array: Any) -> str:
    """Return the hash of an array's dtype, shape and values."""
    values = np.ascontiguousarray(np.asarray(array))
    head = f"{values.dtype.str}{values.shape}".encode()
    return hashlib.sha256(head + values.tobytes()).hexdigest()[:16]


def of_table(table: pd.DataFrame) -> str:
    """Return the hash of a table as CSV, every digit."""
    return hashlib.sha256(table.to_csv(float_format="%.17g").encode()).hexdigest()[:16]


def of_imputation(result: dg.Imputation) -> dict[str, str]:
    """Return the fingerprints of all that an imputation holds, and of what it says of itself."""
    found = {"stack": fingerprint(result.stack.data), "missing": fingerprint(result.missing)}
    if result.uncertainty is not None:
        found["uncertainty"] = fingerprint(result.uncertainty)
    found |= {f"sample {i}": fingerprint(s) for i, s in enumerate(result.samples)}
    said = result.provenance.model_dump(mode="json", exclude={"date", "options", "job"})
    return found | {"provenance": json.dumps(said, sort_keys=True)}


def of_localization(result: dg.Localization) -> dict[str, str]:
    """Return the fingerprints of cells, table and maps."""
    return {
        "cells": fingerprint(result.cells),
        "table": of_table(result.table),
        "maps": fingerprint(result.maps),
    }


def in_process() -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the outputs of the API."""
    damaged, zstack = dg.read(DAMAGED), dg.read(ZSTACK)
    yield "find_missing", {"mask": fingerprint(dg.find_missing(damaged))}
    mask, zmask = tifffile.imread(MASK), tifffile.imread(ZMASK)
    for name, options in RUNS.items():
        result = dg.impute(damaged, mask, **options)
        yield f"impute, {name}", of_imputation(result)
        if name == "generator, samples":
            with tempfile.TemporaryDirectory() as folder:
                path = dg.write(result, Path(folder) / "out.ome.tif")
                pages = {
                    f"series {i}, {s.name}": fingerprint(s.asarray())
                    for i, s in enumerate(tifffile.TiffFile(path).series)
                }
                again = dg.read(path)
                read_again = {
                    "data": fingerprint(again.data),
                    "imputed": fingerprint(again.imputed),
                    "channels": str(again.channels),
                }
            yield "file, pages", pages
            yield "file, read again", read_again
    three = dg.read(DAMAGED, channels={"microtubules": 0, "protein": 1, "nucleus": 2})
    yield "impute, three channels", of_imputation(dg.impute(three, mask, adapt=False))
    yield "impute, z-stack", of_imputation(dg.impute(zstack, zmask, adapt=False))
    yield "localize", of_localization(dg.localize(damaged))
    yield "localize, z-stack", of_localization(dg.localize(zstack))
    filled = dg.impute(damaged, mask, rehearse=False, adapt=False)
    yield "localize, imputed", of_localization(dg.localize(filled))


COMMANDS: dict[str, list[str]] = {
    "impute": ["impute", str(DAMAGED), "--missing", str(MASK), "--out", "out.ome.tif", "--json"],
    "impute, auto": ["impute", str(DAMAGED), "--out", "auto.ome.tif", "--json"],
    "impute, z-stack": [
        *("impute", str(ZSTACK), "--missing", str(ZMASK), "--out", "z.ome.tif", "--no-adapt"),
        *("--samples", "1", "--json"),
    ],
    "localize": ["localize", str(DAMAGED), "--out", "cells", "--json"],
    "localize, filled": ["localize", "out.ome.tif", "--out", "cells_filled", "--json"],
    "models": ["models", "--json"],
    "refused": ["impute", "nowhere.tif", "--out", "out.ome.tif", "--json"],
}
"""Arguments of the command line by the name under which its answer is noted."""

VOLATILE = ("date", "seconds", "took", "time")
"""Keys of an answer that differ from run to run."""


def without_moment(value: Any, folder: str) -> Any:
    """Return an answer less what differs from run to run and the folder it was run in."""
    if isinstance(value, dict):
        return {
            k: without_moment(v, folder)
            for k, v in value.items()
            if not any(word in k for word in VOLATILE)
        }
    if isinstance(value, list):
        return [without_moment(v, folder) for v in value]
    if isinstance(value, str):
        return value.replace(folder, "HERE").replace(str(ROOT), "ROOT")
    return value


def on_the_command_line() -> Iterator[tuple[str, dict[str, str]]]:
    """Yield what the commands answer and the pixels of the files that they leave."""
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        for name, arguments in COMMANDS.items():
            done = subprocess.run(
                [sys.executable, "-m", "napari_dualgland", *arguments],
                cwd=here,
                capture_output=True,
                text=True,
                check=False,
            )
            answer = without_moment(json.loads(done.stdout), str(here.resolve()))
            yield (
                f"command, {name}",
                {"code": str(done.returncode), "answer": json.dumps(answer, sort_keys=True)},
            )
        files = {
            p.relative_to(here).as_posix(): fingerprint(tifffile.imread(p))
            for p in sorted(here.rglob("*.tif"))
        }
        files |= {
            p.relative_to(here).as_posix(): of_table(pd.read_csv(p))
            for p in sorted(here.rglob("*.csv"))
        }
        yield "command, files", files


def compare(before: dict[str, dict[str, str]], after: dict[str, dict[str, str]]) -> list[str]:
    """Return a line for each output that is not what it was."""
    lines = []
    for name in sorted({*before, *after}):
        one, two = before.get(name, {}), after.get(name, {})
        for part in sorted({*one, *two}):
            if one.get(part) != two.get(part):
                lines.append(f"{name}: {part}\n  was {one.get(part)}\n  is  {two.get(part)}")
    return lines


def main() -> int:
    """Record, or compare two records."""
    if sys.argv[1] == "--compare":
        before, after = (json.loads(Path(p).read_text()) for p in sys.argv[2:4])
        lines = compare(before, after)
        outputs = sum(len(parts) for parts in before.values())
        sys.stdout.write("\n".join([*lines, f"{len(lines)} of {outputs} outputs differ"]) + "\n")
        return bool(lines)
    torch.set_num_threads(1)
    record: dict[str, dict[str, str]] = {}
    for outputs in (in_process(), on_the_command_line()):
        for name, parts in outputs:
            record[name] = parts
            Path(sys.argv[1]).write_text(json.dumps(record, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
