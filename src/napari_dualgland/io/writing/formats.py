"""The formats in which fields are written, and which of them a name stands for."""

from __future__ import annotations

from pathlib import Path

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.io.writing.format import Format
from napari_dualgland.io.writing.hpa_set import HpaFiles
from napari_dualgland.io.writing.imagej import ImageJTiff
from napari_dualgland.io.writing.ome_tiff import OmeTiff
from napari_dualgland.io.writing.ome_zarr import OmeZarr

FORMATS: tuple[Format, ...] = (OmeTiff(), ImageJTiff(), OmeZarr(), HpaFiles())
"""In the order in which a person is offered them."""


def format_of(path: Path) -> Format:
    """Return the format that a name stands for.

    Raises
    ------
    DualglandError
        If its ending is none that is written.
    """
    name = path.name.lower()
    fitting = [(e, f) for f in FORMATS for e in f.endings if name.endswith(e) and name != e]
    if fitting:
        return max(fitting, key=lambda pair: len(pair[0]))[1]
    endings = [ending for f in FORMATS for ending in f.endings]
    found = f"the name must end in {', '.join(endings[:-1])} or {endings[-1]}"
    raise DualglandError(Kind.BAD_VALUE, path, found, way_out="the ending says the format")
