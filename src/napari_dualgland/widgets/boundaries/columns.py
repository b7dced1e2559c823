"""What the tables of cells and of holes show, in the order in which people look for it."""

from __future__ import annotations

from napari_dualgland.classes import COMPARTMENTS
from napari_dualgland.stack import ROLES
from napari_dualgland.widgets.boundaries.frame_table import Column
from napari_dualgland.widgets.field.roles import ROLE_LABELS

_SCORE = (
    "How far the {} is from usual in the {}, in spreads of annotated cells: beyond ±2 it is out of "
    "balance.\n+ brighter than usual there, − darker; — too little of it was measured."
)


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
        )
        for role in roles
        for part in COMPARTMENTS[:-1]
    ]
    last = [
        Column("area_um2", "Area / µm²", "Area of the cell.", "0"),
        Column("location", "Held against", "Whose set points it is held against."),
    ]
    return [*first, *scores, *last]


HOLE_COLUMNS = (
    Column("hole", "Hole", "Number of the hole; scattered pixels are told together.", "scattered"),
    Column("t", "T", "Frame, counted from 0.", "count"),
    Column("z", "Z", "Plane, counted from 0.", "count"),
    Column("moved", "Moved by", "How far it moved the balance of that compartment.", "score"),
    Column("z_measured", "Before", "Spreads off, by what was measured.", "score"),
    Column("z_filled", "After", "Spreads off, with what was filled into this hole.", "score"),
    Column("cell", "Cell", "The cell that it moved most.", "count"),
    Column("channel", "Channel", "The channel whose balance it moved most."),
    Column("compartment", "Compartment", "The compartment that it moved most."),
    Column("area_um2", "Area / µm²", "Area of the hole.", "1"),
    Column("channels", "Filled in", "Channels that had the hole."),
    Column("cells", "Cells", "All cells that the hole lies in."),
)
