"""How a chosen field of view is written down: as the file it came from, or as open layers.

Where the layers came from files, code reads those files and needs no napari. Where they did
not, the Python names the open layers, and there is no shell line to give.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from napari_dualgland.errors import DualglandError
from napari_dualgland.io.hpa import parse_name
from napari_dualgland.io.layer_tag import tag_of
from napari_dualgland.stack import ROLES
from napari_dualgland.widgets.field.source import Source

FROM_NAPARI = [
    "# In napari, with the same layers open.",
    "from napari import current_viewer",
]


def input_path(source: Source) -> Path | None:
    """Return the file that a program can read to get the same stack, None if there is none.

    Members of one Human Protein Atlas set stand for the set.
    """
    paths = source.paths
    if not paths or channels_of(source) is None:
        return None
    if len(paths) == 1:
        return paths[0]
    names = [parse_name(path.name) for path in paths]
    one_folder = len({path.parent for path in paths}) == 1
    if one_folder and all(names) and len({name.stem for name in names if name}) == 1:
        return paths[0]
    return None


def required_path(source: Source) -> Path:
    """Return that file for a shell line.

    Raises
    ------
    DualglandError
        If there is none.
    """
    path = input_path(source)
    if path is None:
        raise DualglandError(
            "these layers come from no file that the command line could read; save them first, "
            "or copy as Python"
        )
    return path


def beside(path: Path, ending: str) -> Path:
    """Return where a result goes: beside the input, never over it."""
    name = parse_name(path.name)
    stem = name.stem if name else path.name.removesuffix(".gz").rsplit(".", 1)[0]
    return path.with_name(f"{stem.removesuffix('.ome')}{ending}")


def channels_of(source: Source) -> dict[str, Any] | None:
    """Return the mapping to give with the file; empty where the file tells the same itself.

    None where nothing says which channel of the file a layer is.
    """
    if source.one_layer:
        return dict(source.positions or {})
    told = {role: tag_of(layer) for role, layer in source.layers.items()}
    if set(told) == set(ROLES) and all(told[role].role == role for role in ROLES):
        return {}
    names = {role: known.channel for role, known in told.items()}
    return names if all(names.values()) else None


def channels_option(source: Source) -> list[str]:
    """Return the words of a shell line that say which channel is what; none where needless."""
    channels = channels_of(source)
    if not channels:
        return []
    return ["--channels", ",".join(f"{role}={key}" for role, key in channels.items())]


def read_line(source: Source, path: Path) -> str:
    """Return the line of Python that reads the file into ``stack``."""
    channels = channels_of(source)
    mapping = f", channels={channels!r}" if channels else ""
    return f"stack = read({str(path)!r}{mapping})"


def layer_lines(source: Source) -> list[str]:
    """Return the lines of Python that read the open layers into ``stack``."""
    layers = ", ".join(f"{r!r}: layers[{x.name!r}]" for r, x in source.layers.items())
    more = f", {source.channel_axis}, {dict(source.positions or {})!r}" if source.one_layer else ""
    return [
        "layers = current_viewer().layers",
        f"source = Source({{{layers}}}{more})",
        "stack = source.stack()",
    ]
