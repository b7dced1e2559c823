"""What OME-XML says of files and planes, looked at before tifffile acts on it.

tifffile opens whatever file the XML names and makes room for as many planes as it claims. So
each file is looked for here, and blamed by its name; what cannot be is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError, tostring

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.files import decoding, regular
from napari_dualgland.io.ome import child
from napari_dualgland.io.tiff.ome_text import ome_text
from napari_dualgland.io.tiff.pages import MAX_DESCRIPTION, survey_file
from napari_dualgland.io.tiff.planes import check_claims, planes_elsewhere, put_right

_MAX_TAGS = 2**20
"""Of XML: eight for each page of the longest series."""


@dataclass(frozen=True)
class Described:
    """The OME-XML of a file and the files that it names.

    Attributes
    ----------
    xml : str or None
        None where there is no OME-XML, or none that can be read.
    root : Element or None
        The same, parsed.
    files : tuple of pathlib.Path
        Others that belong to the image.
    notes : tuple of str
    """

    xml: str | None = None
    root: Element | None = None
    files: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()


def described(path: Path, raw: bytes, pages: int, alone: bool) -> Described:
    """Return what the description of the first page says, after looking at what it names.

    Parameters
    ----------
    path : pathlib.Path
    raw : bytes
        The description.
    pages : int
        How many the file has.
    alone : bool
        The file lies packed, so that none lies beside it.

    Returns
    -------
    Described

    Raises
    ------
    DualglandError
        If a file that belongs to the image is lacking or damaged, or more planes are
        claimed than an image has.
    """
    if len(raw) > MAX_DESCRIPTION:
        return Described(notes=("its description is too long to be read; it is left out",))
    text = ome_text(raw)
    if text is None:
        return Described()
    try:
        root = _parsed(text)
    except ValueError as error:
        return Described(notes=(f"the OME-XML cannot be read ({error}); it is left out",))
    files: tuple[Path, ...] = ()
    only = child(root, "BinaryOnly")
    if only is not None:
        companion = _companion(path, only, alone)
        own, root = root.get("UUID"), _of_companion(path, companion)
        root.set("UUID", own or "unknown")
        files = (companion,)
    changed, notes = put_right(path, root)
    if changed or files:
        text = tostring(root, encoding="unicode")
    try:
        check_claims(path, root, pages)
    except DualglandError:
        raise
    except ValueError as error:
        notes += (f"the OME-XML makes no sense ({error}); it is left out",)
        return Described(notes=notes)
    for name, wanted in planes_elsewhere(path, root).items():
        part = _beside(path, name, alone)
        there = len(survey_file(part).offsets)
        if there < wanted:
            found = f"has {there} pages of the {wanted} that {path.name} looks for in it"
            raise DualglandError(Kind.DAMAGED, part, found, way_out="fetch or export it again")
        files += (part,)
    return Described(text, root, tuple(f for f in dict.fromkeys(files) if f != path), notes)


def _parsed(text: str) -> Element:
    """Return the XML of a text; ValueError where it is none or tries to do harm."""
    if text.count("<") > _MAX_TAGS:
        raise ValueError(f"more than {_MAX_TAGS} tags")
    try:
        root: Element = fromstring(text)
    except (ParseError, DefusedXmlException) as error:
        raise ValueError(str(error)) from error
    return root


def _companion(path: Path, only: Element, alone: bool) -> Path:
    name = only.get("MetadataFile")
    if not name:
        raise DualglandError(
            Kind.LACKING,
            path,
            "holds pixels only, and does not say which file describes them",
            way_out="open the .companion.ome or the first file of its set",
        )
    return _beside(path, name, alone)


def _of_companion(path: Path, companion: Path) -> Element:
    with decoding(companion, "OME-XML"), companion.open("rb") as file:
        raw = file.read(MAX_DESCRIPTION + 1)
    if raw[:2] in (b"II", b"MM"):  # the first TIFF of a set can describe the others
        raw = survey_file(companion).description
    text = ome_text(raw) if len(raw) <= MAX_DESCRIPTION else None
    found = "holds no OME-XML, or not the whole of it"
    if text is not None:
        with decoding(companion, "OME-XML"):
            root = _parsed(text)
        if child(root, "Image") is not None:
            return root
        found = "describes no image"
    raise DualglandError(Kind.DAMAGED, companion, found, expected=f"the description of {path.name}")


def _beside(path: Path, name: str, alone: bool) -> Path:
    part = path.parent / name
    if alone:
        raise DualglandError(
            Kind.LACKING, part, f"{path.name} is packed and needs it", way_out="unpack the .gz"
        )
    try:
        return regular(part, "part of an OME-TIFF")
    except DualglandError as error:
        if error.kind is not Kind.NOT_THERE:
            raise
        raise DualglandError(
            Kind.LACKING,
            part,
            f"is not there, and holds a part of {path.name}",
            way_out="put it beside, or export the image as one file",
        ) from error
