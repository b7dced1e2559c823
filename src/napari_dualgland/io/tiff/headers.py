"""What a TIFF says of its image: in OME-XML, as ImageJ does, in tifffile's JSON, or in tags.

Odd metadata are left out; the pixels are sound all the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import tostring

from napari_dualgland.io.ome import OmeHeader, parse_ome, tag
from napari_dualgland.io.pixel_sizes import Said, believed, believed_step
from napari_dualgland.io.record import Record
from napari_dualgland.io.tiff import imagej
from napari_dualgland.io.tiff.described import Described
from napari_dualgland.stack import Channel, Header

if TYPE_CHECKING:
    import tifffile

_RESOLUTION_UNITS = {2: "inch", 3: "cm"}
_IMAGEJ = "ImageJ's header"


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
        plain = _plain_header(tif, series)
        return replace(plain, notes=(note, *plain.notes))
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
    size, odd = believed("the resolution in the TIFF's tags", _resolution(page))
    return OmeHeader(
        channels=tuple(Channel(name) for name in _shaped_names(shaped)),
        pixel_size=size,
        besides=Header(description=(None if tif.shaped_metadata else page.description) or None),
        notes=odd,
    )


def _shaped_names(shaped: Any) -> list[str]:
    said = shaped.get("Channel") if isinstance(shaped, Mapping) else None
    names = said.get("Name", ()) if isinstance(said, Mapping) else ()
    names = (names,) if isinstance(names, str) else names
    return [str(name) for name in names] if isinstance(names, (list, tuple)) else []


def _imagej_header(
    said: Mapping[str, Any], page: tifffile.TiffPage, series: tifffile.TiffPageSeries
) -> OmeHeader:
    # Without a unit of ImageJ's own, that of the tags counts.
    sizes = imagej.sizes(said, _resolution(page, str(said.get("unit", "")) or None))
    size, odd_sizes = believed(_IMAGEJ, sizes)
    step, odd_step = believed_step(_IMAGEJ, (said.get("finterval"), str(said.get("tunit") or "s")))
    count = series.shape[series.axes.index("C")] if "C" in series.axes else 1
    record, info = Record.in_info(said.get("Info"))
    said = {key: value for key, value in said.items() if key != "Info"}
    said |= {"Info": info} if info else {}
    if record is not None:
        return replace(record.as_header(), besides=Header())
    return OmeHeader(
        channels=imagej.channels(said, count),
        pixel_size=size,
        time_step=step,
        besides=Header(imagej=imagej.kept(said)),
        notes=odd_sizes + odd_step,
    )


def _resolution(page: tifffile.TiffPage, unit: str | None = None) -> dict[str, Said]:
    """Return pixel height and width as the tags say them, in a unit or in that of the tags."""
    if unit is None:
        told = page.tags.valueof("ResolutionUnit", default=1)
        unit = _RESOLUTION_UNITS.get(told, "") if isinstance(told, int) else ""
    said: dict[str, Said] = {}
    for axis in "YX":
        value = page.tags.valueof(f"{axis}Resolution")
        if isinstance(value, tuple) and len(value) == 2 and 0 not in value:
            said[axis] = (value[1] / value[0], unit)
    return said
