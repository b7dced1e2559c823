"""What OME-XML says of files and planes, looked at before tifffile acts on it.

tifffile opens whatever file the XML names and makes room for as many planes as it claims. So
each file is looked for here, and blamed by its name; what cannot be is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError, SubElement, tostring

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.io.files import decoding, regular
from napari_dualgland.io.ome import child, tag
from napari_dualgland.io.tiff.ome_text import ome_text
from napari_dualgland.io.tiff.pages import MAX_DESCRIPTION, MAX_PAGES, survey_file

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
        text, root = _of_companion(path, companion)
        files = (companion,)
    notes = (*_forget_old_name(path, root), *_in_order(root))
    if notes:
        text = tostring(root, encoding="unicode")
    try:
        _check_claims(path, root, pages)
    except DualglandError:
        raise
    except ValueError as error:
        notes += (f"the OME-XML makes no sense ({error}); it is left out",)
        return Described(notes=notes)
    for name, wanted in _planes_elsewhere(path, root).items():
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


def _of_companion(path: Path, companion: Path) -> tuple[str, Element]:
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
            return text, root
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


def _blocks(root: Element) -> Iterator[tuple[Element, Element | None]]:
    """Yield every TiffData with its UUID, which says in which file its planes are."""
    for image in root:
        for pixels in image if tag(image) == "Image" else ():
            for block in pixels:
                if tag(block) == "TiffData":
                    yield block, child(block, "UUID")


def _planes_elsewhere(path: Path, root: Element) -> dict[str, int]:
    """Return the names of other files that hold planes, and how many pages each must have."""
    own = root.get("UUID")
    found: dict[str, int] = {}
    for block, uuid in _blocks(root):
        if uuid is None or (own is not None and uuid.text == own):
            continue
        name = uuid.get("FileName", "")
        if own is None and name.lower() == path.name.lower():
            own = uuid.text
        elif name:
            last = int(block.get("IFD", 0)) + max(_count(block), 1)
            found[name] = max(found.get(name, 0), last)
    return found


def _count(block: Element) -> int:
    """Return how many planes a TiffData has; 0 where it does not say."""
    return int(block.get("PlaneCount", block.get("NumPlanes", 0)))


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


def _in_order(root: Element) -> tuple[str, ...]:
    """Let the planes of the only image be taken in order where nothing says where they are."""
    images = [image for image in root if tag(image) == "Image"]
    pixels = child(images[0], "Pixels") if len(images) == 1 else None
    if pixels is None or any(tag(e) in ("TiffData", "BinData") for e in pixels):
        return ()
    SubElement(pixels, "TiffData")
    return ("its OME-XML does not say which page is which plane; they are taken in order",)


def _check_claims(path: Path, root: Element, pages: int) -> None:
    """Refuse more planes than an image has; ValueError for a number that is none."""
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
                int(block.get("IFD", 0))
                steps += _count(block) or (1 if block.get("IFD") else pages)
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
