"""Puts ``docs/`` on the path, as it is for the scripts in there."""

from __future__ import annotations

import sys
from pathlib import Path

# Last: nothing in there takes the place of another package.
sys.path.append(str(Path(__file__).parents[2] / "docs"))
