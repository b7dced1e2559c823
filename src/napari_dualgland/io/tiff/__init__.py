"""TIFF in its many dialects: OME-TIFF, ImageJ hyperstacks, tifffile's own, plain pages.

tifffile decodes. Here its first series becomes a stack: the chain of pages is walked and the
files that belong to it are looked at before tifffile sees them (``pages``, ``described``,
``opening``), that all the pixels are there is checked before anybody starts to work on them
(``completeness``), one image is chosen and decoded (``series``, ``pixels``), and what the file
says of itself is told (``headers``, ``imagej``).
"""

from napari_dualgland.io.tiff.completeness import check_complete
from napari_dualgland.io.tiff.opening import is_tiff, opened
from napari_dualgland.io.tiff.pixels import decoded
from napari_dualgland.io.tiff.reading import LAZY_BYTES, look_at_tiff, read_pyramid, read_tiff
from napari_dualgland.io.tiff.series import COLOURS

__all__ = [
    "COLOURS",
    "LAZY_BYTES",
    "check_complete",
    "decoded",
    "is_tiff",
    "look_at_tiff",
    "opened",
    "read_pyramid",
    "read_tiff",
]
