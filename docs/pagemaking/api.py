"""The reference of the Python API: what ``__all__`` names, sorted by what it is."""

from __future__ import annotations

import inspect
from types import ModuleType

import napari_dualgland
from napari_dualgland import batch, jobs
from napari_dualgland.frozen import FrozenModel

INTRODUCTION = """\
# Python API

What `import napari_dualgland as dg` offers, from its docstrings; how it is used stands in
[scripts and the command line](../howto/scripting.md). Importing the package loads neither torch nor
Qt; what needs them loads them when it is called.

"""

OPTIONS = """
    options:
      members: []
"""


def reference() -> str:
    """Return the page of the package and of its jobs."""
    sections: dict[str, list[str]] = {
        "Functions": [],
        "Values": [],
        "Options": [],
        "Jobs": [],
        "Batch": [],
        "Constants": [],
    }
    for name in napari_dualgland.__all__:
        sections[_kind(napari_dualgland, name)].append(f"napari_dualgland.{name}")
    for name in jobs.__all__:
        sections["Jobs"].append(f"napari_dualgland.jobs.{name}")
    sections["Jobs"].append("napari_dualgland.progress.finish")
    for name in batch.__all__:
        sections["Batch"].append(f"napari_dualgland.batch.{name}")
    sections["Values"].append("napari_dualgland.errors.Kind")
    told = [INTRODUCTION]
    for title, names in sections.items():
        told.append(f"## {title}\n")
        told += [f"::: {name}\n" for name in names]
    return "\n".join(told)


def _kind(package: ModuleType, name: str) -> str:
    value = getattr(package, name)
    if inspect.isfunction(value):
        return "Functions"
    if not inspect.isclass(value):
        return "Constants"
    return "Options" if issubclass(value, FrozenModel) and name.endswith("Params") else "Values"
