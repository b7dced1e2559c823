"""What damage and fills do to counts, areas and intensities of cells: a thin caller.

``python benchmarks/measurements.py [options of dualgland evaluate]`` writes
``benchmarks/results/measurements.json`` and ``.md`` for the shipped model. The pixels are read
from the atlas collection beside the repository and never written.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent

if __name__ == "__main__":
    module = [sys.executable, "-m", "dualgland_training.evaluate", "--measurements"]
    data = ROOT.parent / "shared" / "data" / "hpa"
    given = ["--out", str(HERE / "results"), "--data", str(data)]
    sys.exit(subprocess.call([*module, *given, *sys.argv[1:]]))
