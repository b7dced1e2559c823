"""Large TIFFs as dask arrays, a plane or a part of a plane at a time.

tifffile's own lazy route needs zarr, which is no base dependency. All that is needed here
is to decode the tiles or strips that a region touches, and to say in one line which file
is damaged when one of them does not decode.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.files import decoding, regular
from napari_dualgland.memory import require

if TYPE_CHECKING:
    import dask.array as da
    import tifffile

_WHOLE = 2048**2
"""A plane up to this size is one chunk; a larger one is cut along its tiles or strips …"""
_CHUNK = 512**2
"""… into chunks of at least so many pixels, if they are that large."""


@dataclass(frozen=True)
class _Plane:
    """Where one plane lies: its file and the offset of its IFD, or of its bare pixels.

    ``sample`` counts planes that share an IFD: that is how channels are often stored. ``part``
    is what a message calls it.
    """

    path: str
    offset: int
    part: str
    sample: int = 0


class TiffPlanes:
    """An array over the planes of a TIFF series that decodes what a slice asks for.

    Holds paths and offsets and no open file, so that dask may send it to other processes.
    """

    def __init__(self, series: tifffile.TiffPageSeries, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self.ndim = len(shape)
        keyframe = series.keyframe
        self.dtype = np.dtype(series.dtype).newbyteorder("=")
        self._stored = self.dtype.newbyteorder(keyframe.parent.byteorder)
        self._bare = series.dataoffset is not None
        self._planes = list(_locate(series, math.prod(shape[:-2])))
        self.segment = (1, shape[-1]) if self._bare else tuple(keyframe.chunks[-2:])

    def __getitem__(self, index: tuple[slice, ...]) -> npt.NDArray[Any]:
        *lead, rows, columns = (
            range(*s.indices(n)) for s, n in zip(index, self.shape, strict=True)
        )
        size = [len(r) for r in (*lead, rows, columns)]
        require(math.prod(size) * self.dtype.itemsize, self._planes[0].path)
        out = np.empty(size, self.dtype)
        for place in np.ndindex(*out.shape[:-2]):
            at = tuple(r[i] for r, i in zip(lead, place, strict=True))
            number = int(np.ravel_multi_index(at, self.shape[:-2])) if at else 0
            self._read(self._planes[number], rows, columns, out[place])
        return out

    def _read(self, plane: _Plane, rows: range, columns: range, out: npt.NDArray[Any]) -> None:
        if not out.size:
            return
        regular(Path(plane.path), "TIFF")
        if not self._bare:
            _decode_region(plane, rows, columns, out)
            return
        # Not mapped into memory: a map of a file that is cut off meanwhile kills the process.
        width = self.shape[-1]
        start = plane.offset + rows.start * width * self._stored.itemsize
        with decoding(plane.path, "TIFF", plane.part):
            read = np.fromfile(plane.path, self._stored, len(rows) * width, offset=start)
            whole = read.reshape(len(rows), width)
        out[:] = whole[:, columns.start : columns.stop]


def as_dask(series: tifffile.TiffPageSeries, shape: tuple[int, ...]) -> da.Array | None:
    """Return a series as a dask array of the given shape.

    None where the samples of a pixel lie together, as in RGB, so that there are no planes.

    Parameters
    ----------
    series : tifffile.TiffPageSeries
    shape : tuple of int
        Its axes; the last two are Y and X.

    Returns
    -------
    dask.array.Array or None

    Raises
    ------
    DualglandError
        If a strip or tile, which can only be decoded whole, is too large for the memory.
    """
    import dask.array as da

    keyframe = series.keyframe
    if keyframe.shape[-2:] != shape[-2:] or keyframe.shaped[1] != 1 or keyframe.shaped[4] != 1:
        return None
    there = len(series.pages) * keyframe.shaped[0]
    if series.dataoffset is None and there != math.prod(shape[:-2]):
        return None
    planes = TiffPlanes(series, shape)
    chunk = _chunk_of(shape[-2:], planes.segment)
    at_once = math.prod(chunk) + (0 if series.dataoffset is not None else math.prod(planes.segment))
    place = keyframe.parent.filehandle.path
    require(at_once * planes.dtype.itemsize, place, " × ".join(map(str, chunk)) + " pixels of it")
    chunks = (*(1,) * (len(shape) - 2), *chunk)
    return da.from_array(  # type: ignore[no-any-return,no-untyped-call]
        planes,
        chunks=chunks,
        name=False,
        asarray=False,
        fancy=False,
        meta=np.empty((0,) * len(shape), planes.dtype),
    )


def _locate(series: tifffile.TiffPageSeries, count: int) -> Iterator[_Plane]:
    keyframe = series.keyframe
    if series.dataoffset is not None:
        plane_bytes = series.nbytes // count
        path = keyframe.parent.filehandle.path
        for i in range(count):
            yield _Plane(path, series.dataoffset + i * plane_bytes, f"plane {i + 1}")
        return
    for i, page in enumerate(series.pages):
        if page is None:  # a check for completeness goes before; a lone caller gets a clear end
            place = keyframe.parent.filehandle.path
            raise DualglandError(Kind.DAMAGED, place, "is not there", part=f"plane {i + 1}")
        for sample in range(keyframe.shaped[0]):
            path = page.parent.filehandle.path
            yield _Plane(path, page.offset, page_name(page), sample)


def page_name(page: tifffile.TiffPage | tifffile.TiffFrame) -> str:
    """Return what a page is called: ``page 3``, or ``page 3, resolution 2`` of a pyramid."""
    index = page.treeindex
    return f"page {index[0] + 1}" + "".join(f", resolution {i + 1}" for i in index[1:])


def _chunk_of(plane: tuple[int, ...], segment: tuple[int, ...]) -> tuple[int, int]:
    if math.prod(plane) <= _WHOLE:
        return plane[0], plane[1]
    side = math.isqrt(_CHUNK)
    columns = min(plane[1], segment[1] * max(1, side // segment[1]))
    rows = segment[0] * max(1, -(-_CHUNK // columns) // segment[0])
    return min(plane[0], rows), columns


def _decode_region(plane: _Plane, rows: range, columns: range, out: npt.NDArray[Any]) -> None:
    for segment, y, x, height, width in _segments(plane, rows, columns):
        block = np.s_[
            max(y, rows.start) - rows.start : min(y + height, rows.stop) - rows.start,
            max(x, columns.start) - columns.start : min(x + width, columns.stop) - columns.start,
        ]
        into = out[block]
        top, left = max(rows.start - y, 0), max(columns.start - x, 0)
        part = segment if segment.ndim == 0 else segment[top:, left:]
        out[block] = part if part.ndim == 0 else part[: into.shape[0], : into.shape[1]]


def _segments(
    plane: _Plane, rows: range, columns: range
) -> Iterator[tuple[npt.NDArray[Any], int, int, int, int]]:
    """Yield the strips or tiles that a region touches, decoded, with their place and size.

    A part that the file leaves out is a single value.
    """
    import tifffile

    with decoding(plane.path, "TIFF", plane.part), tifffile.TiffFile(plane.path) as tif:
        tif.filehandle.seek(plane.offset)
        page = tifffile.TiffPage(tif, 0)
        page.init_decode()
        height, width = page.chunks[-2:]
        across, down = math.ceil(page.imagewidth / width), math.ceil(page.imagelength / height)
        for i in range(rows.start // height, (rows.stop - 1) // height + 1):
            for j in range(columns.start // width, (columns.stop - 1) // width + 1):
                number = (plane.sample * down + i) * across + j
                tif.filehandle.seek(page.dataoffsets[number])
                count = page.databytecounts[number]
                encoded = tif.filehandle.read(count) if count else None
                segment, (_, _, y, x, _), _ = page.decode(
                    encoded, number, jpegtables=page.jpegtables
                )
                pixels = np.asarray(page.nodata) if segment is None else segment[0, ..., 0]
                yield pixels, y, x, height, width
