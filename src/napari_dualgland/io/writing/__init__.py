"""Results out: one plan, one guard and one registry for every format that a lab asks for.

A format says which files it would write and fills them; whether they may be written, what is
replaced, and that they are there whole or not at all, is decided here once for all of them.
"""

from napari_dualgland.io.writing.export import plan, write_result
from napari_dualgland.io.writing.format import Format
from napari_dualgland.io.writing.formats import FORMATS, format_of
from napari_dualgland.io.writing.options import WriteOptions
from napari_dualgland.io.writing.planned import Plan, PlannedFile

__all__ = [
    "FORMATS",
    "Format",
    "Plan",
    "PlannedFile",
    "WriteOptions",
    "format_of",
    "plan",
    "write_result",
]
