"""What an OME-XML header says of the image that we read.

Read tolerantly: many programs write OME-XML that the schema would refuse, and a person
wants their image all the same. What we write ourselves is built in ``ome_writing.py``.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from pydantic import ValidationError

from napari_dualgland.io.units import micrometres, seconds
from napari_dualgland.provenance import Provenance
from napari_dualgland.stack import ROLES, Channel, Header, Kind, PixelSize

log = logging.getLogger(__name__)

PROVENANCE_NS = "napari-dualgland:provenance"
"""Namespace of the map annotation that says how pixels were estimated."""
EARLIER_NS = "napari-dualgland:provenance:earlier"
"""Namespace of the provenance of runs before the last one, whose estimates are still there."""
STACK_NS = "napari-dualgland:stack"
"""Namespace of the map annotation that says what OME cannot: axes in use, roles."""
IMAGEJ_NS = "napari-dualgland:imagej"
"""Namespace of the map annotation with what ImageJ said of the source."""

KIND = "kind"
"""Where a file of ours that is no field of view says what it is: :data:`CELLS` or :data:`MAPS`."""
CELLS: Literal["cells"] = "cells"
MAPS: Literal["localization maps"] = "localization maps"

MISSING = "missing"
UNCERTAINTY = "uncertainty"
SAMPLE = "sample"
"""A plausible picture is called by this and its number: ``sample 1``."""


@dataclass(frozen=True)
class OmeHeader:
    """The first image of an OME-XML header.

    ``axes`` and the roles in ``channels`` are there only in files of ours.
    """

    channels: tuple[Channel, ...] = ()
    pixel_size: PixelSize | None = None
    time_step: float | None = None
    axes: str | None = None
    provenance: Provenance | None = None
    kind: Kind = "image"
    besides: Header = field(default_factory=Header)
    notes: tuple[str, ...] = ()


def parse_ome(xml: str) -> OmeHeader:
    """Read the first image of an OME-XML header; an empty header where it is no XML."""
    try:
        # Of text, what a declaration says of its encoding does not count.
        root = fromstring(xml)
    except (ParseError, DefusedXmlException, ValueError) as error:
        return OmeHeader(notes=(f"the OME-XML cannot be read ({error}); it is left out",))
    image = child(root, "Image")
    pixels = child(image, "Pixels") if image is not None else None
    if image is None or pixels is None:
        return OmeHeader()
    maps = _map_annotations(root)
    described = child(image, "Description")
    ours = maps.get(STACK_NS, {})
    kind: Kind = "image"
    if ours.get(KIND) in (CELLS, MAPS):
        kind = CELLS if ours[KIND] == CELLS else MAPS
    elements = [e for e in pixels if tag(e) == "Channel"]
    size = pixels.attrib
    return OmeHeader(
        channels=tuple(_channel(e, i, ours) for i, e in enumerate(elements)),
        pixel_size=_pixel_size(size),
        time_step=seconds(size.get("TimeIncrement"), size.get("TimeIncrementUnit", "s")),
        axes=ours.get("axes"),
        provenance=_provenance(maps.get(PROVENANCE_NS)),
        kind=kind,
        besides=Header(
            ome_xml=xml,
            imagej=maps.get(IMAGEJ_NS),
            description=(described.text if described is not None else None) or None,
        ),
    )


def _channel(element: Element, index: int, ours: Mapping[str, str]) -> Channel:
    role = ours.get(f"role {index}")
    name = element.get("Name", "")
    if not name and not ours:
        name = element.get("Fluor") or f"channel {index}"
    return Channel(
        name,
        role if role in ROLES else None,
        _color(element.get("Color")),
    )


def _color(number: str | None) -> str | None:
    """Return OME's signed RGBA integer as ``#RRGGBB``."""
    if number is None or not re.fullmatch(r"-?[0-9]{1,10}", number.strip()):
        return None
    return f"#{(int(number) >> 8) & 0xFFFFFF:06X}"


def _pixel_size(size: Mapping[str, str]) -> PixelSize | None:
    x, y, z = (
        micrometres(size.get(f"PhysicalSize{a}"), size.get(f"PhysicalSize{a}Unit", "µm"))
        for a in "XYZ"
    )
    return PixelSize(y, x, z) if x is not None and y is not None else None


def _provenance(pairs: Mapping[str, str] | None) -> Provenance | None:
    if pairs is None:
        return None
    fields = Provenance.model_fields
    try:
        return Provenance.model_validate(
            {
                key: value if fields[key].annotation in (str, str | None) else json.loads(value)
                for key, value in pairs.items()
                if key in fields
            }
        )
    except (ValidationError, ValueError) as error:
        log.warning("the provenance in the file cannot be read: %s", error)
        return None


def _map_annotations(root: Element) -> dict[str, dict[str, str]]:
    """Return the pairs of every map annotation of ours, by namespace."""
    holder = child(root, "StructuredAnnotations")
    found = {}
    for annotation in holder if holder is not None else ():
        namespace = annotation.get("Namespace", "")
        value = child(annotation, "Value")
        if value is not None and namespace.startswith("napari-dualgland:"):
            found[namespace] = {m.get("K", ""): m.text or "" for m in value}
    return found


def tag(element: Element) -> str:
    """Return the name of an element less its namespace."""
    return element.tag.rpartition("}")[2]


def child(element: Element, name: str) -> Element | None:
    """Return the first child of a name.

    Parameters
    ----------
    element : Element
    name : str
        Less its namespace.

    Returns
    -------
    Element or None
    """
    return next((e for e in element if tag(e) == name), None)
