"""A TIFF as a stack: axes by name, sizes in µm, names and colours, and the pixels."""

from __future__ import annotations

import logging
import math
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import tifffile

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.io.files import decoding
from napari_dualgland.io.lazy import as_dask, page_name
from napari_dualgland.io.ome import MISSING, SAMPLE, UNCERTAINTY, OmeHeader
from napari_dualgland.io.tiff.completeness import check_complete
from napari_dualgland.io.tiff.headers import header_of
from napari_dualgland.io.tiff.opening import examined, is_gzip, opened
from napari_dualgland.memory import require
from napari_dualgland.results import Imputation
from napari_dualgland.stack import (
    CANONICAL_AXES,
    Channel,
    Stack,
    from_canonical,
    to_canonical,
)

if TYPE_CHECKING:
    import dask.array as da

log = logging.getLogger(__name__)

LAZY_BYTES = 64 * 2**20
"""Images larger than this are read lazily."""
_RGB = ("red", "green", "blue")
COLOURS = frozenset({_RGB, (*_RGB, "alpha"), ("grey", "alpha")})
"""Names of the channels of a picture whose pixels hold several samples."""
_RGB_PHOTOMETRIC = (2, 6)  # as it is, or as JPEG stores it
_ALPHA = (1, 2)  # of extra samples; 0 is whatever


def read_tiff(path: Path, lazy: bool | None = None) -> Stack:
    """Read the first image of a TIFF; channels get no role unless the file is one of ours.

    Parameters
    ----------
    path : pathlib.Path
        ``.tif``, ``.tiff``, OME or ImageJ, or one of them gzipped. Of a set of files, each of
        which describes the images of all, the image that has planes in this one is read.
    lazy : bool, optional
        Give dask arrays; by default above 64 MB. Gzipped files are never lazy.

    Returns
    -------
    Stack
        An :class:`~napari_dualgland.results.Imputation` where the file was written from one.

    Raises
    ------
    DualglandError
        If the file is missing, empty, not a TIFF, truncated, too large for the memory, or its
        axes have no name; if a file that belongs to it is missing or damaged.
    """
    with examined(path) as found:
        tif = found.tif
        series = _own_series(path, tif)
        notes = [*found.notes, *check_complete(path, tif)]
        if lazy is None:
            lazy = series.nbytes > LAZY_BYTES
        lazy = lazy and not is_gzip(path)
        header = header_of(tif, found.described, series)
        axes, taken = _named_axes(path, series)
        pixels = _pixels(path, series, lazy)
        stack = _stack_of(path, pixels, axes, header, _components(series.keyframe))
        if found.described.files:
            stack = replace(stack, files=tuple(map(str, (path, *found.described.files))))
        stack, more = _own_images(path, tif, series, stack, header, lazy)
    notes += [*header.notes, *taken, *more]
    for note in notes:
        log.warning("%s: %s", path, note)
    return replace(stack, notes=tuple(notes))


def read_pyramid(path: Path) -> list[da.Array]:
    """Return all resolutions of the first image, largest first, as dask arrays."""
    with opened(path) as tif:
        series = _own_series(path, tif)
        levels = [as_dask(level, level.shape) for level in series.levels]
    return [level for level in levels if level is not None]


def decoded(path: Path, series: tifffile.TiffPageSeries) -> npt.NDArray[Any]:
    """Decode a series, if there is memory for it.

    Parameters
    ----------
    path : pathlib.Path
        For messages.
    series : tifffile.TiffPageSeries

    Returns
    -------
    numpy.ndarray
        In the byte order of the machine.

    Raises
    ------
    DualglandError
        If it is too large or damaged.
    """
    dtype = np.dtype(series.dtype)
    stored = dtype.newbyteorder(series.keyframe.parent.byteorder)
    copies = 1 if stored.isnative else 2
    segment = math.prod(series.keyframe.chunks) * dtype.itemsize
    require(copies * series.nbytes + segment, path, f"{_times(series.shape)} pixels of {dtype}")
    try:
        with decoding(path, "TIFF"):
            array = series.asarray()
    except DualglandError:
        _blame_page(path, series)
        raise
    return np.asarray(array).astype(array.dtype.newbyteorder("="), copy=False)


def _blame_page(path: Path, series: tifffile.TiffPageSeries) -> None:
    """Raise DualglandError for the first page that cannot be decoded, in the file that it is in."""
    for page in series.pages:
        if page is not None:
            handle = page.parent.filehandle
            with decoding(handle.path or path, "TIFF", page_name(page)):
                if handle.closed:
                    handle.open()
                page.asarray()


def _times(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))


def _own_series(path: Path, tif: tifffile.TiffFile) -> tifffile.TiffPageSeries:
    """Return the first series that has a plane in the file that was asked for.

    Every file of a set of several positions describes them all.
    """
    if not tif.series:
        raise DualglandError(Kind.EMPTY, path, "the TIFF holds no image")
    series = next((s for s in tif.series if _is_in(path, s)), tif.series[0])
    shape = series.get_shape(squeeze=False)
    if 0 in shape:
        found = f"the image is empty ({_times(shape)}); there is no pixel to read"
        raise DualglandError(Kind.EMPTY, path, found)
    keyframe, found = series.keyframe, ""
    if keyframe.dtype is None:
        found = f"pixels of {keyframe.bitspersample} bits, sample format {keyframe.sampleformat}"
    elif keyframe.compression not in tifffile.TIFF.DECOMPRESSORS:
        found = f"compression {int(keyframe.compression)}"
    if found:
        raise DualglandError(
            Kind.UNSUPPORTED, path, f"holds {found}, which cannot be read", way_out="convert it"
        )
    return series


def _is_in(path: Path, series: tifffile.TiffPageSeries) -> bool:
    return any(
        page is not None and os.path.abspath(page.parent.filehandle.path) == os.path.abspath(path)
        for page in series.pages
    )


def _named_axes(path: Path, series: tifffile.TiffPageSeries) -> tuple[str, list[str]]:
    """Return the axes of a series in our letters, and what had to be taken on trust."""
    axes = str(series.axes)
    unnamed = [a for a in axes if a not in CANONICAL_AXES]
    if not unnamed:
        return axes, []
    if len(unnamed) > 1 or "C" in axes:
        raise DualglandError(
            Kind.UNSUPPORTED,
            path,
            f"axes {axes} of size {_times(series.shape)} are not some of T, Z, C, Y, X",
            part="axes",
            way_out="save it as OME-TIFF with named axes",
        )
    if unnamed == ["S"]:
        return axes.replace("S", "C"), []
    count = series.shape[axes.index(unnamed[0])]
    note = f"the file does not say what its {count} planes are; they are taken as channels"
    return axes.replace(unnamed[0], "C"), [note]


def _pixels(path: Path, series: tifffile.TiffPageSeries, lazy: bool) -> npt.NDArray[Any] | da.Array:
    if lazy:
        pixels = as_dask(series, series.shape)
        if pixels is not None:
            return pixels
        log.warning("%s: colour planes are read at once, not lazily", path)
    return decoded(path, series)


def _stack_of(
    path: Path,
    pixels: npt.NDArray[Any] | da.Array,
    axes: str,
    header: OmeHeader,
    components: tuple[str, ...],
) -> Stack:
    # A file of ours also says which axes of length 1 its source had.
    wanted = header.axes or ""
    if set(axes) <= set(wanted) <= set(CANONICAL_AXES) and len({*wanted}) == len(wanted):
        pixels, axes = from_canonical(to_canonical(pixels, axes), wanted), wanted
    count = pixels.shape[axes.index("C")] if "C" in axes else 1
    channels = header.channels
    if len(channels) != count:
        names = components if len(components) == count else ()
        channels = tuple(Channel(names[i] if names else f"channel {i}") for i in range(count))
    return Stack(
        data=pixels,
        axes=axes,
        channels=channels,
        pixel_size=header.pixel_size,
        time_step=header.time_step,
        name=_bare_name(path),
        source=str(path),
        kind=header.kind,
        provenance=header.provenance,
        header=header.besides,
    )


def _components(page: tifffile.TiffPage) -> tuple[str, ...]:
    """Return the names of the samples of a pixel; none where they are channels of their own."""
    colours = _RGB if page.photometric in _RGB_PHOTOMETRIC else ("grey",)
    extra = tuple(page.extrasamples or ())
    if len(extra) == 1 and extra[0] in _ALPHA:
        colours = (*colours, "alpha")
    several = len(colours) == page.samplesperpixel > 1
    return colours if several else ()


def _own_images(
    path: Path,
    tif: tifffile.TiffFile,
    taken: tifffile.TiffPageSeries,
    stack: Stack,
    header: OmeHeader,
    lazy: bool,
) -> tuple[Stack, list[str]]:
    """Add mask, uncertainty and samples of a file of ours; note other images left aside."""
    own: dict[str, Any] = {}
    samples: list[Any] = []
    aside = 0
    for series in tif.series:
        if series is taken:
            continue
        image, name = None, series.name or ""
        known = name in (MISSING, UNCERTAINTY) or name.startswith(f"{SAMPLE} ")
        if header.axes is not None and known:
            image = _like(stack, _pixels(path, series, lazy), str(series.axes))
        if image is None:
            aside += 1
        elif name in (MISSING, UNCERTAINTY):
            own[name] = image
        else:
            samples.append(image)
    notes = []
    if aside:
        number = next(i for i, series in enumerate(tif.series) if series is taken)
        which = "the first" if number == 0 else f"image {number + 1}, which is in this file,"
        notes.append(f"the file holds {aside + 1} images; {which} was taken")
    if MISSING in own:
        missing, uncertainty = own[MISSING] > 0, own.get(UNCERTAINTY)
        return Imputation.of(stack, missing, uncertainty, tuple(samples)), notes
    return stack, notes


def _like(stack: Stack, image: Any, axes: str) -> Any:
    """Return an image with the axes of the stack; None where it does not fit."""
    if set(axes) - set(CANONICAL_AXES):
        return None
    sizes = dict(zip(axes, image.shape, strict=True))
    if any(sizes[axis] != 1 for axis in {*axes} - {*stack.axes}):
        return None
    image = from_canonical(to_canonical(image, axes), stack.axes)
    return image if image.shape == stack.shape else None


def _bare_name(path: Path) -> str:
    name = path.name
    for ending in (".gz", ".tif", ".tiff", ".ome"):
        if name.lower().endswith(ending):
            name = name[: -len(ending)]
    return name or path.name
