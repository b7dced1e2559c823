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

from napari_dualgland.io.pixel_sizes import believed, believed_step
from napari_dualgland.pixel_size import PixelSize
from napari_dualgland.provenance import Provenance
from napari_dualgland.stack import ROLES, Channel, Header, Kind

log = logging.getLogger(__name__)

PROVENANCE_NS = "napari-dualgland:provenance"
"""Namespace of the map annotation that says how pixels were estimated."""
EARLIER_NS = "napari-dualgland:provenance:earlier"
"""Namespace of the provenance of runs before the last one, whose estimates are still there."""
STACK_NS = "napari-dualgland:stack"
"""Namespace of the map annotation that says what OME cannot: axes in use, roles."""
IMAGEJ_NS = "napari-dualgland:imagej"
"""Namespace of the map annotation with what ImageJ said of the source."""

_SOURCE = "the OME-XML"

KIND = "kind"
"""Where a file of ours that is no field of view says what it is: one of :data:`OTHER_KINDS`."""
CELLS: Literal["cells"] = "cells"
MAPS: Literal["localization maps"] = "localization maps"
BOUNDARIES: Literal["boundaries"] = "boundaries"
OTHER_KINDS: Mapping[str, Kind] = {CELLS: CELLS, MAPS: MAPS, BOUNDARIES: BOUNDARIES}

MISSING = "missing"
UNCERTAINTY = "uncertainty"
SAMPLE = "sample"
"""A plausible picture is called by this and its number: ``sample 1``."""


@dataclass(frozen=True)
class OmeHeader:
    """The first image of an OME-XML header.

    ``axes`` and the roles in ``channels`` are there only in files of ours; ``files`` says where
    mask, uncertainty and samples lie where they are not in the same file; ``notes`` say what
    of it is not believed.
    """

    channels: tuple[Channel, ...] = ()
    pixel_size: PixelSize | None = None
    time_step: float | None = None
    axes: str | None = None
    provenance: Provenance | None = None
    kind: Kind = "image"
    besides: Header = field(default_factory=Header)
    files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
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
    elements = [e for e in pixels if tag(e) == "Channel"]
    said = pixels.attrib
    sizes = {
        a: (said.get(f"PhysicalSize{a}"), said.get(f"PhysicalSize{a}Unit", "µm")) for a in "XYZ"
    }
    size, odd_sizes = believed(_SOURCE, sizes)
    interval = said.get("TimeIncrement"), said.get("TimeIncrementUnit", "s")
    step, odd_step = believed_step(_SOURCE, interval)
    return OmeHeader(
        channels=tuple(_channel(e, i, ours) for i, e in enumerate(elements)),
        pixel_size=size,
        time_step=step,
        axes=ours.get("axes"),
        provenance=_provenance(maps.get(PROVENANCE_NS)),
        kind=OTHER_KINDS.get(ours.get(KIND, ""), "image"),
        besides=Header(
            ome_xml=xml,
            imagej=maps.get(IMAGEJ_NS),
            description=(described.text if described is not None else None) or None,
        ),
        notes=odd_sizes + odd_step,
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
        index,
    )


def _color(number: str | None) -> str | None:
    """Return OME's signed RGBA integer as ``#RRGGBB``."""
    if number is None or not re.fullmatch(r"-?[0-9]{1,10}", number.strip()):
        return None
    return f"#{(int(number) >> 8) & 0xFFFFFF:06X}"


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
