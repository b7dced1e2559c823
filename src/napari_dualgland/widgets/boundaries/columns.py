"""What the tables of cells and of holes show, in the order in which people look for it."""

from __future__ import annotations

from qtpy.QtGui import QColor

from napari_dualgland.classes import COMPARTMENTS
from napari_dualgland.compartments.report import OUT
from napari_dualgland.stack import ROLES
from napari_dualgland.widgets.cells.table import Column
from napari_dualgland.widgets.field.roles import ROLE_LABELS

_SCORE = (
    "How far the {} is from usual in the {}, in spreads of annotated cells: beyond ±2 it is out of "
    "balance.\n+ brighter than usual there, − darker; — too little of it was measured."
)
_ABOVE, _BELOW, _FAINT, _FULL_AT = "#EE7733", "#4477AA", 0.75, 8.0
"""Colours of what is too bright and too dark for its place; opacity at most, and from where."""


def score_tint(score: float) -> QColor | None:
    """Return the colour behind a score, None for one that is in balance."""
    if abs(score) <= OUT:
        return None
    color = QColor(_ABOVE if score > 0 else _BELOW)
    color.setAlphaF(_FAINT * min(1.0, abs(score) / _FULL_AT))
    return color


def cell_columns(channel: str) -> list[Column]:
    """Return the columns of the table of cells, those of a channel first."""
    first = [
        Column("cell", "Cell", "Number of the cell in the layer “cells”, or the field.", "field"),
        Column("t", "T", "Frame, counted from 0.", "count"),
        Column("z", "Z", "Plane, counted from 0.", "count"),
        Column("out", "Out", "How many of its compartments are out of balance.", "count"),
    ]
    roles = [channel, *(role for role in ROLES if role != channel)]
    scores = [
        Column(
            (role, part),
            part.capitalize() if role == channel else f"{ROLE_LABELS[role]}: {part}",
            _SCORE.format(
                ROLE_LABELS[role].lower() if role == "protein" else ROLE_LABELS[role], part
            ),
            "score",
            score_tint,
        )
        for role in roles
        for part in COMPARTMENTS[:-1]
    ]
    last = [
        Column("area_um2", "Area / µm²", "Area of the cell.", "0"),
        Column("location", "Held against", "Whose set points it is held against."),
    ]
    return [*first, *scores, *last]


_SHOWN = ("score", score_tint)
HOLE_COLUMNS = (
    Column("hole", "Hole", "Number of the hole; scattered pixels are told together.", "scattered"),
    Column("t", "T", "Frame, counted from 0.", "count"),
    Column("z", "Z", "Plane, counted from 0.", "count"),
    Column("moved", "Moved by", "How far it moved the balance of that compartment.", *_SHOWN),
    Column("z_measured", "Before", "Spreads off, by what was measured.", *_SHOWN),
    Column("z_filled", "After", "Spreads off, with what was filled into this hole.", *_SHOWN),
    Column("cell", "Cell", "The cell that it moved most.", "count"),
    Column("channel", "Channel", "The channel whose balance it moved most."),
    Column("compartment", "Compartment", "The compartment that it moved most."),
    Column("area_um2", "Area / µm²", "Area of the hole.", "1"),
    Column("channels", "Filled in", "Channels that had the hole."),
    Column("cells", "Cells", "All cells that the hole lies in."),
)
