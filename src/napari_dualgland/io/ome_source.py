"""The source's own OME-XML, for a new file: all of it that is sound, and what is left out.

Many programs write OME-XML that the schema would refuse: a unit that it does not know, a date in
words. One such word must not cost the instrument, the date and the annotations beside it.
"""

from __future__ import annotations

import re
import warnings
from io import BytesIO
from typing import Any
from xml.etree.ElementTree import Element, tostring

from defusedxml.ElementTree import fromstring
from ome_types import from_xml, model
from pydantic import ValidationError

from napari_dualgland.io.ome import EARLIER_NS, PROVENANCE_NS, STACK_NS, parse_ome
from napari_dualgland.provenance import Provenance
from napari_dualgland.stack import Stack

_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
# What the new file says anew of its pixels; odd values of the source do no harm there.
_NEUTRAL = {"DimensionOrder": "XYCZT", "Type": "uint8"}
_SIZES = ("SizeX", "SizeY", "SizeZ", "SizeC", "SizeT")
_SIZE = re.compile("[1-9][0-9]{0,8}")
_ROUNDS = 32
_NAMED = 5
_ANEW = ("TiffData", "BinData", "MetadataOnly")


def notes_on_header(stack: Stack) -> tuple[str, ...]:
    """Return what has to be said of the source's metadata: those that a new file cannot carry."""
    if not stack.header.ome_xml:
        return ()
    _, left_out = sound_header(stack.header.ome_xml)
    if not left_out:
        return ()
    names = ", ".join(left_out[:_NAMED]) + (" …" if len(left_out) > _NAMED else "")
    return (f"metadata of the source are not valid OME and left out: {names}",)


def source_header(stack: Stack, provenance: Provenance | None) -> model.OME:
    """Return the source's header less what no longer holds: other images, plates, our notes.

    Parameters
    ----------
    stack : Stack
    provenance : Provenance or None
        What the new file says of estimates; another one becomes that of an earlier run.

    Returns
    -------
    ome_types.model.OME
    """
    xml = stack.header.ome_xml
    if not xml:
        return model.OME()
    ome, _ = sound_header(xml)
    # These point at images and files that are not in the new file.
    ome.uuid = ome.binary_only = None
    ome.plates, ome.screens, ome.folders = [], [], []
    ome.projects, ome.datasets = [], []
    held = ome.structured_annotations
    if held is not None:
        if parse_ome(xml).provenance != provenance:
            for annotation in held.map_annotations:
                if annotation.namespace == PROVENANCE_NS:
                    annotation.namespace = EARLIER_NS
        stale = {a.id for a in held.map_annotations if a.namespace in (PROVENANCE_NS, STACK_NS)}
        held.map_annotations = [a for a in held.map_annotations if a.id not in stale]
        for image in ome.images[:1]:
            image.annotation_refs = [r for r in image.annotation_refs if r.id not in stale]
    return ome


def sound_header(xml: str) -> tuple[model.OME, tuple[str, ...]]:
    """Return what is sound of an OME-XML, and the names of what had to be left out.

    Parameters
    ----------
    xml : str
        Any version of the schema.

    Returns
    -------
    ome_types.model.OME
        Pixels without blocks, which a new file says anew.
    tuple of str
        Such as ``Objective.WorkingDistanceUnit``; empty where all is sound.
    """
    today = BytesIO()
    try:
        # In today's schema, whatever the source's; what else is wrong with it is found below.
        return _parsed(_DECLARATION.sub("", xml).encode(), today), ()
    except Exception:  # pydantic, lxml and xsdata each have their own
        if not today.getvalue():
            return model.OME(), ("OME-XML",)
    root = fromstring(today.getvalue())
    for pixels in [e for e in root.iter() if _tag(e) == "Pixels"]:
        identity = pixels.get("ID", "Pixels:0")
        sizes = {name: pixels.get(name, "") for name in _SIZES}
        sound = {name: n if _SIZE.fullmatch(n) else "1" for name, n in sizes.items()}
        pixels.attrib.clear()
        pixels.attrib.update(ID=identity, **_NEUTRAL, **sound)
        for child in [e for e in pixels if _tag(e) in _ANEW]:
            pixels.remove(child)
    left_out: list[str] = []
    # One odd unit stands in thousands of planes alike, and each look at them takes its time.
    for _ in range(_ROUNDS):
        error = _error(root)
        if error is None or not _drop_everywhere(root, error, left_out):
            break
    if not _make_sound(root, left_out):
        return model.OME(), ("OME-XML",)
    return _parsed(tostring(root)), tuple(dict.fromkeys(left_out))


def _drop_everywhere(root: Element, error: Exception, left_out: list[str]) -> bool:
    """Take attributes that need not be there from all elements that say the same odd thing."""
    if not isinstance(error, ValidationError) or not hasattr(model, error.title):
        return False
    fields = getattr(model, error.title).model_fields
    odd = {
        _plain(str(told["loc"][0])): str(told["input"])
        for told in error.errors()
        if told["loc"] and told["loc"][0] in fields and not fields[told["loc"][0]].is_required()
    }
    found = [
        (element, name)
        for element in root.iter()
        if _tag(element) == error.title
        for name, value in element.attrib.items()
        if odd.get(_plain(name)) == value
    ]
    for element, name in found:
        del element.attrib[name]
        left_out.append(f"{error.title}.{name}")
    return bool(found)


def _make_sound(element: Element, left_out: list[str]) -> bool:
    """Take from an element what the schema does not allow; whether it can stand then."""
    tag = _tag(element)
    if _error(element) is None:
        return True
    simple = []
    for child in list(element):
        before = len(left_out)
        if not hasattr(model, _tag(child)):
            simple.append(child)
        elif not _make_sound(child, left_out):
            element.remove(child)
            left_out[before:] = [_tag(child)]
    # Of elements that are a word or a number, those alone that do not break the whole.
    error = _error(element)
    if error is not None and simple:
        places = {child: list(element).index(child) for child in simple}
        for child in simple:
            element.remove(child)
        base = _names(_error(element))
        for child, at in places.items():
            element.insert(at, child)
            after = _error(element)
            if after is not None and not (base and _names(after) == base):
                element.remove(child)
                left_out.append(f"{tag}.{_tag(child)}")
        error = _error(element)
    if isinstance(error, ValidationError) and error.title == tag:
        named = _names(error)
        for attribute in [a for a in element.attrib if _plain(a) in named]:
            del element.attrib[attribute]
            left_out.append(f"{tag}.{attribute}")
        error = _error(element)
    return error is None


def _error(element: Element) -> Exception | None:
    try:
        _parsed(tostring(element))
    except Exception as error:  # pydantic, lxml and xsdata each have their own
        return error
    return None


def _parsed(xml: bytes, today: BytesIO | None = None) -> Any:
    """Return an element of any kind as ome-types' object; ``today`` takes it in today's schema."""

    def keep(tree: Any) -> Any:
        if today is not None:
            tree.write(today, encoding="utf-8")
        return tree

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what cannot be converted is an error a line later
        return from_xml(xml, validate=False, transformations=[keep])


def _names(error: Exception | None) -> set[str]:
    """Return the fields that an error complains about."""
    if not isinstance(error, ValidationError):
        return set()
    return {_plain(str(e["loc"][0])) for e in error.errors() if e["loc"]}


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def _tag(element: Element) -> str:
    return element.tag.rpartition("}")[2]
