"""Our fills against the classical ones, side by side: a thin caller of the evaluation.

``python benchmarks/impute.py [options of dualgland evaluate]`` writes
``benchmarks/results/impute.json``, ``.md`` and figures for the shipped model. The pixels
are read from the atlas collection beside the repository and never written.
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent

if __name__ == "__main__":
    module = "dualgland_training.evaluate"
    data = ROOT.parent / "shared" / "data" / "hpa"
    log = ROOT / "training" / "recipes" / "long.events.jsonl"
    given = ["--name", "impute", "--out", str(HERE / "results"), "--data", str(data)]
    sys.argv[1:1] = [*given, "--log", str(log), "--threads", "2"]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
