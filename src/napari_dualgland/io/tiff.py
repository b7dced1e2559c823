"""TIFF in its many dialects: OME-TIFF, ImageJ hyperstacks, tifffile's own, plain pages.

tifffile decodes; here its series becomes a stack: axes by name, sizes in µm, channel names
and colours, what the file says besides, and a check that all the pixels are there before
anybody starts to work on them.
"""

from __future__ import annotations

import gzip
import io
import json
import logging
import math
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import tifffile

from napari_dualgland.errors import DualglandError
from napari_dualgland.io.lazy import as_dask
from napari_dualgland.io.ome import MISSING, SAMPLE, UNCERTAINTY, OmeHeader, parse_ome
from napari_dualgland.io.photometric import intensities, photometric_notes
from napari_dualgland.io.pixel_sizes import Said, believed, believed_step
from napari_dualgland.results import Imputation
from napari_dualgland.stack import (
    CANONICAL_AXES,
    Channel,
    Header,
    Stack,
    from_canonical,
    to_canonical,
)

if TYPE_CHECKING:
    import dask.array as da

log = logging.getLogger(__name__)

LAZY_BYTES = 64 * 2**20
"""Images larger than this are read lazily."""
_GZIP_LIMIT = 2**30
"""No channel of a field is larger; a gzip that swells beyond it is refused, not unpacked."""
_RESOLUTION_UNITS = {2: "inch", 3: "cm"}
_IMAGEJ = "ImageJ's header"


def is_tiff(path: Path) -> bool:
    """Whether a file is a TIFF by its name or its first bytes."""
    if path.name.lower().endswith((".tif", ".tiff", ".tif.gz", ".tiff.gz")):
        return True
    with path.open("rb") as file:
        return file.read(4) in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def read_tiff(path: Path, lazy: bool | None = None) -> Stack:
    """Read the first image of a TIFF; channels get no role unless the file is one of ours.

    Parameters
    ----------
    path : pathlib.Path
        ``.tif``, ``.tiff``, OME or ImageJ, or one of them gzipped.
    lazy : bool, optional
        Give dask arrays; by default above 64 MB. Gzipped files are never lazy.

    Returns
    -------
    Stack
        An :class:`~napari_dualgland.results.Imputation` where the file was written from one.

    Raises
    ------
    DualglandError
        If the file is missing, empty, not a TIFF, truncated, or its axes have no name.
    """
    with opened(path) as tif:
        series = _first_series(path, tif)
        check_complete(path, tif)
        if lazy is None:
            lazy = series.nbytes > LAZY_BYTES
        lazy = lazy and not path.name.lower().endswith(".gz")
        header = parse_ome(tif.ome_metadata) if tif.ome_metadata else _plain_header(tif)
        axes, notes = _named_axes(path, series)
        notes += [*header.notes, *photometric_notes(series)]
        stack = _stack_of(path, _pixels(path, series, lazy), axes, header)
        stack, more = _own_images(path, tif, stack, header, lazy)
    notes += more
    for note in notes:
        log.warning("%s: %s", path, note)
    return replace(stack, notes=tuple(notes))


def read_pyramid(path: Path) -> list[da.Array]:
    """Return all resolutions of the first image, largest first, as dask arrays."""
    with opened(path) as tif:
        series = _first_series(path, tif)
        levels = [as_dask(level, level.shape) for level in series.levels]
        return [intensities(level, series) for level in levels if level is not None]


@contextmanager
def opened(path: Path) -> Iterator[tifffile.TiffFile]:
    """Open a TIFF, gzipped or not; whatever a damaged one raises becomes one clear line."""
    try:
        size = path.stat().st_size
    except OSError as error:
        raise DualglandError(f"{path}: cannot be read ({error.strerror})") from error
    if size == 0:
        raise DualglandError(f"{path}: the file is empty (0 bytes)")
    try:
        with tifffile.TiffFile(_unpacked(path)) as tif:
            yield tif
    except (DualglandError, MemoryError):
        raise
    except tifffile.TiffFileError as error:
        raise DualglandError(f"{path}: is no TIFF, or a damaged one ({error})") from error
    except PermissionError as error:
        raise DualglandError(f"{path}: cannot be read ({error.strerror})") from error
    except Exception as error:  # tifffile and its decoders raise all sorts on damaged files
        raise DualglandError(f"{path}: the TIFF is damaged or truncated ({error})") from error


def check_complete(path: Path, tif: tifffile.TiffFile) -> None:
    """Raise DualglandError if pages or pixels that the file announces lie beyond its end.

    tifffile only logs the loss of pages and goes on with those that are left.

    Parameters
    ----------
    path : pathlib.Path
        For the message.
    tif : tifffile.TiffFile

    Raises
    ------
    DualglandError
        If something is lacking.
    """
    _chain_within(path, tif)
    announced = int((tif.imagej_metadata or {}).get("images", 1))
    if announced > len(tif.pages) and tif.series[0].kind != "imagej":
        raise DualglandError(
            f"{path}: the file is truncated, {len(tif.pages)} of {announced} planes are left; "
            "fetch or export it again"
        )
    for series in tif.series:
        expected = math.prod(series.get_shape(squeeze=False)) // max(series.keyframe.size, 1)
        there = sum(page is not None for page in series.pages)
        if series.dataoffset is not None:
            _within(path, series.keyframe, series.dataoffset + series.nbytes)
        elif there < expected:
            raise DualglandError(
                f"{path}: the file is truncated, {expected - there} of {expected} planes are "
                "not there; fetch or export it again"
            )
        for level in series.levels:
            for page in level.pages:
                if page is None or not len(page.dataoffsets):
                    continue
                segments = zip(page.dataoffsets, page.databytecounts, strict=True)
                _within(path, page, max(offset + count for offset, count in segments))


def _chain_within(path: Path, tif: tifffile.TiffFile) -> None:
    """Raise DualglandError if the last page points to a further one that is not there."""
    end = tif.pages.next_page_offset  # walks the chain
    if end is None:
        return
    tif.filehandle.seek(end)
    (onward,) = struct.unpack(tif.tiff.offsetformat, tif.filehandle.read(tif.tiff.offsetsize))
    if onward:
        _within(path, tif.pages.first, onward + 1)


def _within(path: Path, page: tifffile.TiffPage | tifffile.TiffFrame, end: int) -> None:
    size = page.parent.filehandle.size
    if end > size:
        raise DualglandError(
            f"{path}: the file is truncated, {end - size} bytes are lacking at its end; "
            "fetch or export it again"
        )


def _unpacked(path: Path) -> Path | io.BytesIO:
    if not path.name.lower().endswith(".gz"):
        return path
    try:
        with gzip.open(path) as file:
            content = file.read(_GZIP_LIMIT + 1)
    except (OSError, EOFError) as error:
        raise DualglandError(f"{path}: the gzip is damaged or truncated ({error})") from error
    if len(content) > _GZIP_LIMIT:
        raise DualglandError(f"{path}: unpacks to more than 1 GiB; no channel is that large")
    return io.BytesIO(content)


def _first_series(path: Path, tif: tifffile.TiffFile) -> tifffile.TiffPageSeries:
    if not tif.series:
        raise DualglandError(f"{path}: the TIFF holds no image")
    series = tif.series[0]
    if series.dtype is None or 0 in series.get_shape(squeeze=False):
        size = " × ".join(str(n) for n in series.get_shape(squeeze=False))
        raise DualglandError(f"{path}: the image is empty ({size}); there is no pixel to read")
    return series


def _named_axes(path: Path, series: tifffile.TiffPageSeries) -> tuple[str, list[str]]:
    """Return the axes of a series in our letters, and what had to be taken on trust."""
    axes = str(series.axes)
    unnamed = [a for a in axes if a not in CANONICAL_AXES]
    if not unnamed:
        return axes, []
    if len(unnamed) > 1 or "C" in axes:
        raise DualglandError(
            f"{path}: axes {axes} of size {' × '.join(map(str, series.shape))} are not some of "
            "T, Z, C, Y, X; save it as OME-TIFF with named axes"
        )
    if unnamed == ["S"]:
        return axes.replace("S", "C"), []
    count = series.shape[axes.index(unnamed[0])]
    note = f"the file does not say what its {count} planes are; they are taken as channels"
    return axes.replace(unnamed[0], "C"), [note]


def _pixels(path: Path, series: tifffile.TiffPageSeries, lazy: bool) -> npt.NDArray[Any] | da.Array:
    if lazy:
        planes = as_dask(series, series.shape)
        if planes is not None:
            promised: da.Array = intensities(planes, series)
            return promised
        log.warning("%s: colour planes are read at once, not lazily", path)
    array = series.asarray()
    array = np.asarray(array).astype(array.dtype.newbyteorder("="), copy=False)
    pixels: npt.NDArray[Any] = intensities(array, series)
    return pixels


def _stack_of(
    path: Path, pixels: npt.NDArray[Any] | da.Array, axes: str, header: OmeHeader
) -> Stack:
    # A file of ours also says which axes of length 1 its source had.
    wanted = header.axes
    if wanted is not None and set(axes) <= set(wanted) <= set(CANONICAL_AXES):
        pixels, axes = from_canonical(to_canonical(pixels, axes), wanted), wanted
    count = pixels.shape[axes.index("C")] if "C" in axes else 1
    channels = header.channels
    if len(channels) != count:
        components = ("red", "green", "blue", "alpha") if header.samples > 1 else ()
        channels = tuple(
            Channel(components[i] if i < len(components) else f"channel {i}") for i in range(count)
        )
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


def _own_images(
    path: Path, tif: tifffile.TiffFile, stack: Stack, header: OmeHeader, lazy: bool
) -> tuple[Stack, list[str]]:
    """Add mask, uncertainty and samples of a file of ours; note other images left aside."""
    own: dict[str, Any] = {}
    samples: list[Any] = []
    aside = 0
    for series in tif.series[1:]:
        image = None
        known = series.name in (MISSING, UNCERTAINTY) or series.name.startswith(f"{SAMPLE} ")
        if header.axes is not None and known:
            image = _like(stack, _pixels(path, series, lazy), str(series.axes))
        if image is None:
            aside += 1
        elif series.name in (MISSING, UNCERTAINTY):
            own[series.name] = image
        else:
            samples.append(image)
    notes = []
    if aside:
        notes.append(f"the file holds {aside + 1} images; the first was taken")
    if MISSING in own:
        missing, uncertainty = own[MISSING] > 0, own.get(UNCERTAINTY)
        return Imputation.of(stack, missing, uncertainty, tuple(samples)), notes
    return stack, notes


def _like(stack: Stack, image: Any, axes: str) -> Any:
    """Return an image with the axes of the stack; None where it does not fit."""
    if set(axes) - set(CANONICAL_AXES):
        return None
    try:
        image = from_canonical(to_canonical(image, axes), stack.axes)
    except ValueError:
        return None
    return image if image.shape == stack.shape else None


def _bare_name(path: Path) -> str:
    name = path.name
    for ending in (".gz", ".tif", ".tiff", ".ome"):
        if name.lower().endswith(ending):
            name = name[: -len(ending)]
    return name or path.name


def _plain_header(tif: tifffile.TiffFile) -> OmeHeader:
    if tif.imagej_metadata is not None:
        return _imagej_header(tif)
    page = tif.pages.first
    size, odd = believed("the resolution in the TIFF's tags", _resolution(page))
    shaped = (tif.shaped_metadata or ({},))[0]
    names = shaped.get("Channel", {}).get("Name", ()) if isinstance(shaped, Mapping) else ()
    names = (names,) if isinstance(names, str) else names
    described = page.description if not tif.shaped_metadata else None
    return OmeHeader(
        channels=tuple(Channel(str(name)) for name in names),
        samples=page.samplesperpixel,
        pixel_size=size,
        besides=Header(description=described or None),
        notes=odd,
    )


def _resolution(page: tifffile.TiffPage, unit: str | None = None) -> dict[str, Said]:
    """Return pixel height and width as the tags say them, in a unit or in that of the tags."""
    if unit is None:
        unit = _RESOLUTION_UNITS.get(page.tags.valueof("ResolutionUnit", default=1), "")
    said = {}
    for axis in "YX":
        value = page.tags.valueof(f"{axis}Resolution")
        if value is not None and 0 not in value:
            said[axis] = (value[1] / value[0], unit)
    return said


def _imagej_header(tif: tifffile.TiffFile) -> OmeHeader:
    said = dict(tif.imagej_metadata or {})
    page = tif.pages.first
    unit = str(said.get("unit", ""))
    # Without a unit of ImageJ's own, that of the tags counts.
    sizes = _resolution(page, unit or None)
    if "Y" in sizes and said.get("yunit"):
        sizes["Y"] = (sizes["Y"][0], str(said["yunit"]))
    sizes["Z"] = (said.get("spacing"), str(said.get("zunit") or unit))
    pixel_size, odd_sizes = believed(_IMAGEJ, sizes)
    interval = said.get("finterval"), str(said.get("tunit") or "s")
    time_step, odd_step = believed_step(_IMAGEJ, interval)
    count = int(said.get("channels", 1))
    # Curves and overlays are ImageJ's drawing, not the image; text and numbers stay.
    kept = {
        key: value if isinstance(value, str) else json.dumps(value)
        for key, value in said.items()
        if isinstance(value, (str, int, float, list, tuple)) and _is_plain(value)
    }
    return OmeHeader(
        channels=_imagej_channels(said, count),
        samples=page.samplesperpixel,
        pixel_size=pixel_size,
        time_step=time_step,
        besides=Header(imagej=kept),
        notes=odd_sizes + odd_step,
    )


def _is_plain(value: Any) -> bool:
    items = value if isinstance(value, (list, tuple)) else [value]
    return all(isinstance(item, (str, int, float)) for item in items)


def _imagej_channels(said: Mapping[str, Any], count: int) -> tuple[Channel, ...]:
    """Name channels by the labels of their first slices, colour them by their tables."""
    labels = [str(label) for label in said.get("Labels") or ()]
    tables = said.get("LUTs") or ()
    # Composite tables count; a grey one says nothing of the channel.
    colors = ["#{:02X}{:02X}{:02X}".format(*np.asarray(table)[:, -1]) for table in tables]
    return tuple(
        Channel(
            labels[i] if i < len(labels) and labels[i] else f"channel {i}",
            None,
            colors[i] if i < len(colors) else None,
        )
        for i in range(count)
    )
