"""OME-TIFF: one file with everything in it, which every reader opens."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from typing_extensions import override

from napari_dualgland.io.targets import OME_TIFF
from napari_dualgland.io.tiff_writing import write_parts
from napari_dualgland.io.writing.content import Content
from napari_dualgland.io.writing.format import Format
from napari_dualgland.io.writing.planned import PlannedFile
from napari_dualgland.io.writing.words import all_in_one


class OmeTiff(Format):
    """Writes :mod:`napari_dualgland.io.tiff_writing`'s files."""

    name = "OME-TIFF"
    endings = OME_TIFF
    about = (
        "One file with image, mask, uncertainty and history inside; opens in napari, Fiji "
        "(Bio-Formats), QuPath and OMERO."
    )

    @override
    def refuse(self, content: Content, path: Path) -> None:
        """Refuse what the format cannot hold; see :class:`.format.Format`."""
        # Here and not above: ome-types takes a second to import, and a dock opens at once.
        from napari_dualgland.io.ome_writing import pixel_type

        for part in content.parts:
            pixel_type(part.dtype, content.stack.name)

    @override
    def files(self, content: Content, path: Path) -> list[PlannedFile]:
        """Return what will be written; see :class:`.format.Format`."""
        return [all_in_one(content, path, content.axes)]

    @override
    def fill(self, content: Content, beside: Mapping[Path, Path]) -> None:
        """Write it; see :class:`.format.Format`."""
        (place,) = beside.values()
        write_parts(content.stack, content.parts, content.stack.provenance, place, content.pause)
