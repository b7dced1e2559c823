"""A TIFF as a stack: axes by name, sizes in µm, names and colours, and the pixels."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from napari_dualgland.io.lazy import as_dask
from napari_dualgland.io.ome import MISSING, SAMPLE, UNCERTAINTY, OmeHeader
from napari_dualgland.io.own_images import like, with_images
from napari_dualgland.io.photometric import intensities, photometric_notes
from napari_dualgland.io.tiff.completeness import check_complete
from napari_dualgland.io.tiff.headers import header_of
from napari_dualgland.io.tiff.opening import examined, is_gzip, opened
from napari_dualgland.io.tiff.pixels import pixels_of
from napari_dualgland.io.tiff.series import components, named_axes, own_series
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
    import tifffile

log = logging.getLogger(__name__)

LAZY_BYTES = 64 * 2**20
"""Images larger than this are read lazily."""


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
        series = own_series(path, tif)
        notes = [*found.notes, *check_complete(path, tif)]
        if lazy is None:
            lazy = series.nbytes > LAZY_BYTES
        lazy = lazy and not is_gzip(path)
        header = header_of(tif, found.described, series)
        axes, taken = named_axes(path, series)
        pixels = pixels_of(path, series, lazy)
        stack = _stack_of(path, pixels, axes, header, components(series.keyframe))
        if found.described.files:
            stack = replace(stack, files=tuple(map(str, (path, *found.described.files))))
        stack, more = _own_images(path, tif, series, stack, header, lazy)
        if header.files:
            beside = {name: _beside(path, names, lazy) for name, names in header.files.items()}
            stack, lost = with_images(stack, beside)
            more += lost
        notes += [*header.notes, *taken, *photometric_notes(series), *more]
    for note in notes:
        log.warning("%s: %s", path, note)
    return replace(stack, notes=tuple(notes))


def look_at_tiff(path: Path) -> Stack:
    """Return what a TIFF says of itself, as :func:`read_tiff` does, over blank pixels.

    Nothing is decoded and dask is not loaded: this is asked of files that are nobody's business.
    """
    with examined(path) as found:
        series = own_series(path, found.tif)
        check_complete(path, found.tif)
        header = header_of(found.tif, found.described, series)
        axes, _ = named_axes(path, series)
        one = intensities(np.zeros((), series.dtype), series)  # refuses a palette of colours
        blank = np.broadcast_to(one, series.shape)
        return _stack_of(path, blank, axes, header, components(series.keyframe))


def read_pyramid(path: Path) -> list[da.Array]:
    """Return all resolutions of the first image, largest first, as dask arrays."""
    with opened(path) as tif:
        series = own_series(path, tif)
        levels = [as_dask(level, level.shape) for level in series.levels]
        return [intensities(level, series) for level in levels if level is not None]


def _stack_of(
    path: Path,
    pixels: npt.NDArray[Any] | da.Array,
    axes: str,
    header: OmeHeader,
    samples: tuple[str, ...],
) -> Stack:
    # A file of ours also says which axes of length 1 its source had.
    wanted = header.axes or ""
    if set(axes) <= set(wanted) <= set(CANONICAL_AXES) and len({*wanted}) == len(wanted):
        pixels, axes = from_canonical(to_canonical(pixels, axes), wanted), wanted
    count = pixels.shape[axes.index("C")] if "C" in axes else 1
    channels = header.channels
    if len(channels) != count:
        names = samples if len(samples) == count else ()
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
            image = like(stack, pixels_of(path, series, lazy), str(series.axes))
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


def _beside(path: Path, names: Sequence[str], lazy: bool | None) -> Stack | None:
    """Return an image that lies in a file beside; None where that is not there any more."""
    file = path.with_name(names[0])
    return read_tiff(file, lazy) if file.is_file() else None


def _bare_name(path: Path) -> str:
    name = path.name
    for ending in (".gz", ".tif", ".tiff", ".ome"):
        if name.lower().endswith(ending):
            name = name[: -len(ending)]
    return name or path.name
