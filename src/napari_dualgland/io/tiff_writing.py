"""OME-TIFF out: the stack, what of it is estimated, how sure, and by what, in one file.

Everything goes through frame by frame and tile by tile, so that a lazy result is computed
once and never held whole. Deflate, with the integer predictor and without the
floating-point one, is what every TIFF reader opens.
"""

from __future__ import annotations

import contextlib
import logging
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from napari_dualgland._version import __version__
from napari_dualgland.io.frame_store import (
    TILE,
    FrameStore,
    Part,
    halved,
    read_frame,
    tiles_of,
)
from napari_dualgland.provenance import Provenance
from napari_dualgland.stack import Stack

if TYPE_CHECKING:
    import tifffile

    from napari_dualgland.io.ome_writing import OmeImage

log = logging.getLogger(__name__)

PYRAMID_ABOVE = 4096
"""A plane with a longer side gets reduced copies, halved until both sides are ≤ 1024."""
_SMALLEST = 1024
_BIGTIFF_ABOVE = 3 * 2**30


def never_stopped() -> None:
    """Go on: nobody wants it to stop."""


def write_parts(
    stack: Stack,
    parts: Sequence[Part],
    provenance: Provenance | None,
    path: Path,
    pause: Callable[[], None] = never_stopped,
) -> None:
    """Write images of the size and placement of a stack as one OME-TIFF.

    Axes are written in the order T, Z, C, Y, X, as OME wants them: a stack whose axes stand
    in another order comes back transposed to that one, with the same axes and content. The
    mask of an imputation is a further image ``missing`` (uint8, 255 where a pixel is estimated,
    0 where it was measured), the uncertainty a further image ``uncertainty`` (float32, in the
    units of the intensities), plausible pictures further images ``sample 1``, ``sample 2`` …,
    the provenance a map annotation of the OME-XML.

    Parameters
    ----------
    stack : Stack
        Sizes, channels, pixel size and metadata of all the images.
    parts : sequence of Part
        At least one.
    provenance : Provenance or None
        Goes into the OME-XML.
    path : pathlib.Path
        Any name; the caller renames it when all is well.
    pause : callable
        Called before every page; it raises where a person wants it to stop.
    """
    # Here and not above: ome-types takes a second to import, and not every session writes.
    from napari_dualgland.io.ome_writing import build_ome_xml

    images, pages = _layout(stack, parts)
    xml = build_ome_xml(stack, images, provenance, _creator())
    _write_pages(path, stack, parts, pages, xml, pause)


def sources(stack: Stack) -> list[Path]:
    """Return what a stack was read from."""
    return [Path(source) for source in (stack.source, *stack.files) if source]


def _creator() -> str:
    return f"napari-dualgland {__version__}"


def _layout(
    stack: Stack, parts: Sequence[Part]
) -> tuple[list[OmeImage], list[tuple[int, int, int, int]]]:
    """Return the images with their IFDs, and (t, z, part, c) of every page in file order.

    All parts of a frame lie together: they often share their computation.
    """
    from napari_dualgland.io.ome_writing import OmeImage, pixel_type

    ifds: list[dict[tuple[int, int, int], int]] = [{} for _ in parts]
    pages: list[tuple[int, int, int, int]] = []
    for t, z in stack.frames():
        for p, part in enumerate(parts):
            for c in range(part.data.shape[2]):
                ifds[p][t, z, c] = len(pages)
                pages.append((t, z, p, c))
    for part in parts:
        pixel_type(part.dtype, stack.name)
    return [OmeImage(p.name, p.dtype, i) for p, i in zip(parts, ifds, strict=True)], pages


def _write_pages(
    path: Path,
    stack: Stack,
    parts: Sequence[Part],
    pages: Sequence[tuple[int, int, int, int]],
    xml: str,
    pause: Callable[[], None],
) -> None:
    import tifffile

    total = sum(part.nbytes for part in parts)
    frame: list[FrameStore] = []
    at = None
    description: bytes | None = xml.encode()
    with (
        contextlib.ExitStack() as opened,
        tifffile.TiffWriter(path, bigtiff=total * 4 // 3 > _BIGTIFF_ABOVE) as tif,
    ):
        for t, z, p, c in pages:
            pause()
            if at != (t, z):
                opened.close()
                frame = read_frame(parts, t, z, path.parent, opened)
                at = (t, z)
            _write_page(tif, stack, parts[p], frame[p], c, description, path.parent)
            description = None


def _write_page(
    tif: tifffile.TiffWriter,
    stack: Stack,
    part: Part,
    store: FrameStore,
    c: int,
    description: bytes | None,
    folder: Path,
) -> None:
    height, width = store.shape[1:]
    levels = levels_of(height, width)
    size = stack.pixel_size
    with contextlib.ExitStack() as scratch:
        for level in range(levels + 1):
            step = 2**level
            tiled = max(store.shape[1:]) > TILE
            tif.write(
                tiles_of(store, c) if tiled else store[c, 0, store.shape[1]],
                shape=store.shape[1:],
                dtype=part.dtype,
                photometric="minisblack",
                tile=(TILE, TILE) if tiled else None,
                rowsperstrip=None if tiled else store.shape[1],
                compression="zlib",
                predictor=2 if part.dtype.kind in "ui" and part.dtype.itemsize <= 2 else None,
                subifds=levels if level == 0 and levels else None,
                subfiletype=1 if level else 0,
                description=description if level == 0 else None,
                metadata=None,
                software=_creator() if level == 0 else False,
                resolution=(1e4 / size.x / step, 1e4 / size.y / step) if size else None,
                resolutionunit="CENTIMETER" if size else None,
            )
            if level < levels:
                store, c = halved(store, c, part, folder), 0
                scratch.callback(store.close)


def levels_of(height: int, width: int) -> int:
    """Return how many reduced copies a plane gets; none if it is small.

    Parameters
    ----------
    height, width : int
        Of the plane, in pixels.

    Returns
    -------
    int
    """
    if max(height, width) <= PYRAMID_ABOVE:
        return 0
    return math.ceil(math.log2(max(height, width) / _SMALLEST))
