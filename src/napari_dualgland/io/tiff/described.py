"""What OME-XML says of files and planes, looked at before tifffile acts on it.

tifffile opens whatever file the XML names and makes room for as many planes as it claims. So
each file is looked for here, and blamed by its name; what cannot be is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError, tostring

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.io.files import decoding, regular
from napari_dualgland.io.ome import child, tag
from napari_dualgland.io.tiff.ome_text import ome_text
from napari_dualgland.io.tiff.pages import MAX_DESCRIPTION, MAX_PAGES, survey_file


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
        text, root = _of_companion(path, companion)
        files = (companion,)
    notes = _forget_old_name(path, root)
    if notes:
        text = tostring(root, encoding="unicode")
    try:
        _check_claims(path, root, pages)
    except DualglandError:
        raise
    except ValueError as error:
        notes += (f"the OME-XML makes no sense ({error}); it is left out",)
        return Described(notes=notes)
    named = [_beside(path, name, alone) for name in dict.fromkeys(_names(path, root))]
    for part in named:
        survey_file(part)
    return Described(text, root, (*files, *named), notes)


def _parsed(text: str) -> Element:
    """Return the XML of a text; ValueError where it is none or tries to do harm."""
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


def _of_companion(path: Path, companion: Path) -> tuple[str, Element]:
    with decoding(companion, "OME-XML"), companion.open("rb") as file:
        raw = file.read(MAX_DESCRIPTION + 1)
    text = ome_text(raw) if len(raw) <= MAX_DESCRIPTION else None
    if text is None:
        # Where the first TIFF of a set describes the others, the XML is in that.
        text = ome_text(survey_file(companion).description)
    if text is None:
        raise DualglandError(
            Kind.DAMAGED, companion, "holds no OME-XML", expected=f"a description of {path.name}"
        )
    with decoding(companion, "OME-XML"):
        return text, _parsed(text)


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


def _blocks(root: Element) -> Iterator[tuple[Element, Element | None]]:
    """Yield every TiffData with its UUID, which says in which file its planes are."""
    for image in root:
        for pixels in image if tag(image) == "Image" else ():
            for block in pixels:
                if tag(block) == "TiffData":
                    yield block, child(block, "UUID")


def _names(path: Path, root: Element) -> Iterator[str]:
    """Yield the names of other files that hold planes, as tifffile tells them."""
    own = root.get("UUID")
    for _, uuid in _blocks(root):
        if uuid is None or (own is not None and uuid.text == own):
            continue
        name = uuid.get("FileName", "")
        if own is None and name.lower() == path.name.lower():
            own = uuid.text
        elif name:
            yield name


def _forget_old_name(path: Path, root: Element) -> tuple[str, ...]:
    """Let a file that was renamed, and knows of itself by name only, find its own planes."""
    blocks = [*_blocks(root)]
    own = root.get("UUID")
    names = {uuid.get("FileName", "") for _, uuid in blocks if uuid is not None}
    ours = any(uuid is None or (own and uuid.text == own) for _, uuid in blocks)
    if len(names) != 1 or ours or (path.parent / (name := names.pop())).exists():
        return ()
    for block, uuid in blocks:
        if uuid is not None:
            block.remove(uuid)
    return (f"the OME-XML calls the file {name}; it was renamed",) if name else ()


def _check_claims(path: Path, root: Element, pages: int) -> None:
    """Refuse claims of planes that are more than an image has; ValueError for what is no number."""
    steps = 0
    for image in root:
        for pixels in image if tag(image) == "Image" else ():
            if tag(pixels) != "Pixels":
                continue
            planes = 1
            for axis in "ZCT":
                planes *= int(pixels.get(f"Size{axis}", 1))
            blocks = [e for e in pixels if tag(e) == "TiffData"]
            for block in blocks:
                count = int(block.get("PlaneCount", block.get("NumPlanes", 0)))
                steps += count or (1 if block.get("IFD") else pages)
            if max(planes, steps) > 4 * MAX_PAGES:
                raise DualglandError(
                    Kind.TOO_LARGE,
                    path,
                    f"its OME-XML claims {max(planes, steps)} planes",
                    part="OME-XML",
                    expected=f"at most {4 * MAX_PAGES}",
                )
    for along in root.iter():
        if tag(along)[:-1].endswith("Along") and along.get("Start"):
            reach = float(along.get("End", "0")) - float(along.get("Start", "0"))
            if not abs(reach) <= MAX_PAGES * abs(float(along.get("Step", "1"))):
                raise ValueError("an axis of a million steps")
