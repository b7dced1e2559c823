"""Write the figures in README and pages anew from the tables of ``benchmarks/results``.

``python docs/figures.py``, after a benchmark has been run.
"""

from __future__ import annotations

import sys

from pagemaking import figures
from pagemaking.places import DOCS, ROOT


def main() -> None:
    failed: list[str] = []
    for path in [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]:
        text = path.read_text()
        new = figures.renewed(text, lambda words, p=path: failed.append(f"{p}: {words}"))
        if new != text:
            path.write_text(new)
    if failed:
        sys.exit("\n".join(failed))


if __name__ == "__main__":
    main()
