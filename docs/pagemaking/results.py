"""The page that lists what has been measured: every file of ``benchmarks/results``."""

from __future__ import annotations

import re

from pagemaking.places import RESULTS

INTRODUCTION = """\
# All tables

What was measured, as the benchmarks wrote it; none of these pages was written by hand. Each says
by which command it is made again. The figures that matter most stand [in one page](../measured.md).

"""


def overview() -> str:
    """Return the page, with the title of each file."""
    told = []
    for path in sorted(RESULTS.glob("*.md")):
        title = re.search(r"^# (.+)$", path.read_text(), re.M)
        told.append(f"- [{title[1] if title else path.stem}]({path.name}) (`{path.stem}`)")
    return INTRODUCTION + "\n".join(told) + "\n"
