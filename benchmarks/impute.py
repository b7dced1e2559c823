"""Our fills against the classical ones, side by side: a thin caller of the evaluation.

``python benchmarks/impute.py [options of dualgland evaluate]`` writes
``benchmarks/results/impute.json``, ``.md`` and figures for the shipped model. The pixels
are read from the atlas collection beside the repository and never written.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent

if __name__ == "__main__":
    module = [sys.executable, "-m", "dualgland_training.evaluate", "--name", "impute"]
    data = ROOT.parent / "shared" / "data" / "hpa"
    log = ROOT / "training" / "recipes" / "long.events.jsonl"
    given = ["--out", str(HERE / "results"), "--data", str(data), "--log", str(log)]
    sys.exit(subprocess.call([*module, *given, "--threads", "2", *sys.argv[1:]]))
