"""What the dock says after an export."""

from __future__ import annotations

from pathlib import Path

from napari_dualgland.io.writing import Plan
from napari_dualgland.legible import legible
from napari_dualgland.memory import in_words


def written_words(plan: Plan) -> str:
    """Return what was written where."""
    first, count = plan.files[0].path, len(plan.files)
    more = "" if count == 1 else f" and {count - 1} more files"
    size = in_words(sum(_size_of(file.path) for file in plan.files))
    where = f"{legible(plan.field)} in {legible(str(first.parent))}"
    return f"{legible(first.name)}{more} ({size}) of {where}"


def _size_of(path: Path) -> int:
    inside = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in inside if file.is_file())
