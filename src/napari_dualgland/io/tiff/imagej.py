"""What ImageJ says of its hyperstacks: sizes in units, labels of slices, colours of channels."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from napari_dualgland.io.pixel_sizes import Said
from napari_dualgland.stack import Channel

_PLACE = re.compile(r"(?:[czt]:\d+/\d+\s*)+(?:- (?P<title>.*))?", re.IGNORECASE)
"""Bio-Formats' label of a slice, ``c:1/4 z:1/3 - title of the image``."""
_ORDERS = ("czt", "ctz", "zct", "ztc", "tcz", "tzc")


def sizes(said: Mapping[str, Any], across: Mapping[str, Said]) -> dict[str, Said]:
    """Return what ImageJ says of the pixel size, for its one door.

    Parameters
    ----------
    said : mapping
        What ImageJ says; ``unit`` is that of all axes that name no own.
    across : mapping
        What the tags say of Y and X.

    Returns
    -------
    dict
        By axis, the number and its unit.
    """
    found = dict(across)
    if "Y" in found and said.get("yunit"):
        found["Y"] = (found["Y"][0], str(said["yunit"]))
    found["Z"] = (said.get("spacing"), str(said.get("zunit") or said.get("unit", "")))
    return found


def kept(said: Mapping[str, Any]) -> dict[str, str]:
    """Return text and numbers as they are; curves and overlays are ImageJ's drawing."""
    return {
        key: value if isinstance(value, str) else json.dumps(value)
        for key, value in said.items()
        if _is_plain(value)
    }


def _is_plain(value: Any) -> bool:
    items = value if isinstance(value, (list, tuple)) else [value]
    return all(isinstance(item, (str, int, float)) for item in items)


def channels(said: Mapping[str, Any], count: int) -> tuple[Channel, ...]:
    """Name channels by the labels of their first slices, colour them by their tables.

    Parameters
    ----------
    said : mapping
        What ImageJ says.
    count : int
        How many channels the image has.

    Returns
    -------
    tuple of Channel
    """
    names = _names(said, count)
    return tuple(
        Channel(name or f"channel {i}", None, _color(said.get("LUTs"), i))
        for i, name in enumerate(names)
    )


def _names(said: Mapping[str, Any], count: int) -> list[str]:
    labels = said.get("Labels")
    labels = labels if isinstance(labels, (list, tuple)) else ()
    order = str(said.get("order", "czt")).lower()
    before = (order if order in _ORDERS else "czt").partition("c")[0]
    lengths = [said.get({"z": "slices", "t": "frames"}[axis], 1) for axis in before]
    step = math.prod(n for n in lengths if isinstance(n, int) and n > 0)
    firsts = [str(labels[i * step]) if i * step < len(labels) else "" for i in range(count)]
    titles = [_PLACE.fullmatch(_first_line(label)) for label in firsts]
    if any(titles):  # all slices bear the title of the image, unless somebody has named them
        told = [(title and title["title"]) or "" for title in titles]
        return told if len({*told}) == count else [""] * count
    return [_name(label) for label in firsts]


def _first_line(label: str) -> str:
    return label.replace("\r", "\n").partition("\n")[0].strip()


def _name(label: str) -> str:
    """Return the name in a label: its first line; what follows, and ``key=value``, are notes."""
    line = _first_line(label)
    return "" if "=" in line else line


def _color(tables: Any, channel: int) -> str | None:
    """Return the colour of the brightest value; None where the table is none of ImageJ's."""
    if not isinstance(tables, (list, tuple)) or channel >= len(tables):
        return None
    table = np.asarray(tables[channel])
    if table.ndim != 2 or table.shape[0] != 3 or table.dtype != np.uint8 or not table.size:
        return None
    return "#{:02X}{:02X}{:02X}".format(*table[:, -1])
