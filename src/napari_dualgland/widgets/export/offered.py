"""The formats that are offered for a result, and the names that are proposed for its files."""

from __future__ import annotations

from dataclasses import dataclass

from napari_dualgland.io.writing import FORMATS


@dataclass(frozen=True)
class Offered:
    """A format in the picker.

    Attributes
    ----------
    name, about : str
        What a person is shown.
    endings : tuple of str
        Of file names; empty for a folder.
    has_options : bool
        Whether there is a fill to choose, and what goes along.
    suffix : str
        Of proposed names; empty for that of the result.
    """

    name: str
    about: str
    endings: tuple[str, ...]
    has_options: bool = False
    suffix: str = ""

    def named(self, stem: str) -> str:
        """Return a file's name without or with an ending as one with an ending of this format."""
        if not self.endings or stem.lower().endswith(self.endings):
            return stem
        known = [e for f in (*FIELD, CSV) for e in f.endings if stem.lower().endswith(e)]
        longest = max(known, key=len, default="")
        return (stem[: -len(longest)] if longest else stem) + self.endings[0]


FIELD = tuple(Offered(f.name, f.about, f.endings, True) for f in FORMATS)
CSV = Offered(
    "CSV", "A row per cell, for any spreadsheet, pandas or R.", (".csv",), suffix="_cells"
)
FOLDER = Offered(
    "Folder with table, cells, maps and picture",
    "cells.csv, cells.tif, maps.ome.tif and overlay.png: the table, the labels of the cells, how "
    "probable each of the 19 places is for every pixel, and the coloured picture.",
    (),
)
MAPS = Offered(
    "OME-TIFF",
    "Compartments, how probable each is for every pixel, and the boundary map, as channels.",
    (".ome.tif", ".ome.tiff"),
)
SET_POINTS = Offered(
    "CSV of set points",
    "The balance of every cell, channel and compartment, for any spreadsheet, pandas or R.",
    (".csv",),
    suffix="_set_points",
)
OFFERED = {
    "field": FIELD,
    "localization": (FOLDER, CSV),
    "boundaries": (MAPS, SET_POINTS),
    "cells": (CSV,),
}
"""By what kind of thing is exported."""
