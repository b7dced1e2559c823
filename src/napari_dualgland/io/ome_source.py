"""The source's own OME-XML, for a new file: all of it that is sound, and what is left out.

Many programs write OME-XML that the schema would refuse: a unit that it does not know, a date in
words. One such word must not cost the instrument, the date and the annotations beside it.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from io import BytesIO
from typing import Any
from xml.etree.ElementTree import Element, tostring

from defusedxml.ElementTree import fromstring
from ome_types import from_xml, model
from pydantic import ValidationError

_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
# What the new file says anew of its pixels; odd values of the source do no harm there.
_NEUTRAL = {
    "DimensionOrder": "XYCZT",
    "Type": "uint8",
    **dict.fromkeys(("SizeX", "SizeY", "SizeZ", "SizeC", "SizeT"), "1"),
}
_ROUNDS = 32
_ANEW = ("TiffData", "BinData", "MetadataOnly")


def sound_header(xml: str) -> tuple[model.OME, tuple[str, ...]]:
    """Return what is sound of an OME-XML, and the names of what had to be left out.

    Parameters
    ----------
    xml : str
        Any version of the schema.

    Returns
    -------
    ome_types.model.OME
        Pixels without sizes and blocks, which a new file says anew.
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
        pixels.attrib.clear()
        pixels.attrib.update(ID=identity, **_NEUTRAL)
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


def make_ids_unique(ome: model.OME) -> None:
    """Give a new ID to everything that bears one that is taken already; references keep theirs."""
    taken: set[str] = set()
    doubled: list[Any] = []
    for thing in _identified(ome):
        if thing.id in taken:
            doubled.append(thing)
        taken.add(thing.id)
    for thing in doubled:
        kind = thing.id.partition(":")[0]
        number = next(n for n in range(len(taken) + 1) if f"{kind}:dualgland:{n}" not in taken)
        thing.id = f"{kind}:dualgland:{number}"
        taken.add(thing.id)


def _identified(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for item in value:
            yield from _identified(item)
    elif hasattr(type(value), "model_fields") and not isinstance(value, model.Reference):
        if isinstance(getattr(value, "id", None), str):
            yield value
        for name in type(value).model_fields:
            yield from _identified(getattr(value, name))


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
