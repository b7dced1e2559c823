"""What was freed goes back to the system."""

from __future__ import annotations

import subprocess
import sys

import pytest

FREED = """
import numpy as np, psutil
from napari_dualgland.memory import give_back
resident = lambda: psutil.Process().memory_info().rss >> 20
give_back()
before = resident()
many = [np.ones(7000) for _ in range(4000)]  # too small to be mapped each by itself
held = resident()
pinned = many[-1]
del many
give_back()
print(held - before, resident() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other allocators give back by themselves")
def test_what_was_freed_is_given_back():
    done = subprocess.run([sys.executable, "-c", FREED], capture_output=True, text=True, check=True)
    held, kept = map(int, done.stdout.split())
    assert held > 200
    assert kept < 20
