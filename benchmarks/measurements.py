"""What damage and fills do to counts, areas and intensities of cells: a thin caller.

``python benchmarks/measurements.py [options of dualgland evaluate]`` writes
``benchmarks/results/measurements.json`` and ``.md`` for the shipped model. The pixels are read
from the atlas collection beside the repository and never written.
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
    given = ["--measurements", "--out", str(HERE / "results"), "--data", str(data)]
    sys.argv[1:1] = given
    runpy.run_module(module, run_name="__main__", alter_sys=True)
