"""What a TIFF says of its image: in OME-XML, as ImageJ does, in tifffile's JSON, or in tags.

Odd metadata are left out; the pixels are sound all the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from xml.etree.ElementTree import tostring

import tifffile

from napari_dualgland.io.ome import OmeHeader, parse_ome, tag
from napari_dualgland.io.tiff import imagej
from napari_dualgland.io.tiff.described import Described
from napari_dualgland.io.units import plausible, seconds
from napari_dualgland.stack import Channel, Header, PixelSize

_MICROMETRES_PER_RESOLUTION_UNIT = {2: 25400.0, 3: 10000.0}  # inch, centimetre


def header_of(
    tif: tifffile.TiffFile, told: Described, series: tifffile.TiffPageSeries
) -> OmeHeader:
    """Return what a file says of one of its images.

    Parameters
    ----------
    tif : tifffile.TiffFile
    told : Described
        Its OME-XML.
    series : tifffile.TiffPageSeries
        The image.

    Returns
    -------
    OmeHeader
    """
    if told.xml is None or told.root is None:
        return _plain_header(tif, series)
    images = [element for element in told.root if tag(element) == "Image"]
    number = _image_number(tif, series, [image.get("Name") for image in images])
    if number == 0:
        return parse_ome(told.xml)
    if number is None:
        note = "the OME-XML does not say which of its images this is; it is left out"
        return replace(_plain_header(tif, series), notes=(note,))
    # Whoever reads this XML later takes its first image.
    root = told.root
    root.remove(images[number])
    root.insert([*root].index(images[0]), images[number])
    return parse_ome(tostring(root, encoding="unicode"))


def _image_number(
    tif: tifffile.TiffFile, series: tifffile.TiffPageSeries, names: list[str | None]
) -> int | None:
    """Return which Image of the XML a series is; tifffile leaves out those without planes."""
    if len(names) <= 1 or series.kind != "ome":
        return 0
    if len(names) == len(tif.series):
        return next(i for i, other in enumerate(tif.series) if other is series)
    alike = [i for i, name in enumerate(names) if (name or "") == (series.name or "")]
    return alike[0] if len(alike) == 1 else None


def _plain_header(tif: tifffile.TiffFile, series: tifffile.TiffPageSeries) -> OmeHeader:
    page = series.keyframe
    if tif.imagej_metadata is not None:
        return _imagej_header(tif.imagej_metadata, page, series)
    shaped = (tif.shaped_metadata or ({},))[0]
    size = _resolution(page)
    return OmeHeader(
        channels=tuple(Channel(name) for name in _shaped_names(shaped)),
        pixel_size=PixelSize(size[0], size[1]) if size else None,
        besides=Header(description=(None if tif.shaped_metadata else page.description) or None),
    )


def _shaped_names(shaped: Any) -> list[str]:
    said = shaped.get("Channel") if isinstance(shaped, Mapping) else None
    names = said.get("Name", ()) if isinstance(said, Mapping) else ()
    names = (names,) if isinstance(names, str) else names
    return [str(name) for name in names] if isinstance(names, (list, tuple)) else []


def _imagej_header(
    said: Mapping[str, Any], page: tifffile.TiffPage, series: tifffile.TiffPageSeries
) -> OmeHeader:
    size = imagej.pixel_size(said, _pixels_per_unit(page))
    if size is None and not said.get("unit"):
        implied = _resolution(page)
        size = PixelSize(implied[0], implied[1]) if implied else None
    count = series.shape[series.axes.index("C")] if "C" in series.axes else 1
    return OmeHeader(
        channels=imagej.channels(said, count),
        pixel_size=size,
        time_step=seconds(said.get("finterval"), str(said.get("tunit", "s"))),
        besides=Header(imagej=imagej.kept(said)),
    )


def _resolution(page: tifffile.TiffPage) -> tuple[float, float] | None:
    """Return pixel height and width in µm where the tags give what a microscope can have."""
    unit = page.tags.valueof("ResolutionUnit", default=1)
    pixels_per_unit = _pixels_per_unit(page)
    if pixels_per_unit is None or not isinstance(unit, int):
        return None
    length = _MICROMETRES_PER_RESOLUTION_UNIT.get(unit)
    if length is None:
        return None
    size = length / pixels_per_unit[0], length / pixels_per_unit[1]
    return size if plausible(size[0]) and plausible(size[1]) else None


def _pixels_per_unit(page: tifffile.TiffPage) -> tuple[float, float] | None:
    both = []
    for name in ("YResolution", "XResolution"):
        value = page.tags.valueof(name)
        if not isinstance(value, tuple) or len(value) != 2 or 0 in value:
            return None
        both.append(value[0] / value[1])
    return both[0], both[1]
