"""The command line, ``dualgland``: the verbs of the Python API with the same parameter objects.

Nothing is loaded here: what takes a second to load is loaded in :func:`main`, where Ctrl-C is
answered already.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from napari_dualgland.cli.stopping import at_once, handled

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 a bug, 2 refused, 130 interrupted."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    with handled(at_once(as_json="--json" in words), last=arguments is None):
        from napari_dualgland.cli.app import run

        code = run(words)
    raise SystemExit(code)
