"""All the files that one path is read from: what must never be written to."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

import tifffile
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from napari_dualgland.errors import DualglandError
from napari_dualgland.files import decoding, regular
from napari_dualgland.io.hpa import find_set, parse_name
from napari_dualgland.io.tiff import is_tiff
from napari_dualgland.io.zarr import is_ome_zarr

_MOST_METADATA = 2**28
"""Bytes of a companion file that are read."""


def files_behind(path: Path) -> tuple[Path, ...]:
    """Return a path and all the files or folders that reading it reads.

    Of a member or the prefix of a Human Protein Atlas set its members, of an OME-TIFF in several
    files the others and their companion, of an OME-Zarr its folder. Of what cannot be read the
    path alone: whoever reads it will say why.

    Parameters
    ----------
    path : pathlib.Path

    Returns
    -------
    tuple of pathlib.Path
        They need not be there.
    """
    found = [path]
    if is_ome_zarr(path):
        return (path,)
    with suppress(DualglandError, OSError):
        if parse_name(path.name) or not os.path.isfile(path):
            found += find_set(path).files.values()
        elif is_tiff(regular(path)):
            found += _others_of_ome(path)
    return tuple(dict.fromkeys(found))


def _others_of_ome(path: Path) -> list[Path]:
    with decoding(path, "TIFF"), tifffile.TiffFile(path) as tif:
        xml = tif.ome_metadata
    companions = _named(xml, "BinaryOnly", "MetadataFile") if xml else []
    found = [path.with_name(name) for name in companions]
    texts = [xml or ""]
    for companion in found:
        if os.path.isfile(companion) and companion.stat().st_size <= _MOST_METADATA:
            texts.append(companion.read_text(encoding="utf-8", errors="replace"))
    return found + [path.with_name(n) for text in texts for n in _named(text, "UUID", "FileName")]


def _named(xml: str, tag: str, attribute: str) -> list[str]:
    """Return the names of files that stand in an attribute of some elements."""
    try:
        elements: list[Element] = list(fromstring(xml.encode()).iter())
    except (ParseError, DefusedXmlException, ValueError):
        return []
    values = (e.get(attribute) for e in elements if e.tag.rpartition("}")[2] == tag)
    return list(dict.fromkeys(value for value in values if value and "\0" not in value))
