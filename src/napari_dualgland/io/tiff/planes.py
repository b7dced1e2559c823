"""Where OME-XML says that planes are: in which files, on which pages, and how many.

The XML is put right here where it knows less of the file than its name tells.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.io.ome import child, tag
from napari_dualgland.io.tiff.pages import MAX_PAGES

MAX_PLANES = 4 * MAX_PAGES
"""Of one image, over all its files."""


def planes_elsewhere(path: Path, root: Element) -> dict[str, int]:
    """Return the names of other files that hold planes, and how many pages each must have.

    Parameters
    ----------
    path : pathlib.Path
    root : Element
        Its OME-XML.

    Returns
    -------
    dict of str to int
    """
    own = root.get("UUID")
    found: dict[str, int] = {}
    for block, uuid in _blocks(root):
        name = "" if uuid is None or uuid.text == own else uuid.get("FileName", "")
        if name:
            last = int(block.get("IFD", 0)) + max(_count(block), 1)
            found[name] = max(found.get(name, 0), last)
    return found


def put_right(path: Path, root: Element) -> tuple[bool, tuple[str, ...]]:
    """Change OME-XML so that the planes of a file are looked for in it.

    Parameters
    ----------
    path : pathlib.Path
    root : Element
        Its OME-XML.

    Returns
    -------
    changed : bool
    notes : tuple of str
    """
    notes = (*_forget_old_name(path, root), *_take_in_order(root))
    return _know_own_name(path, root) or bool(notes), notes


def check_claims(path: Path, root: Element, pages: int) -> None:
    """Refuse OME-XML that claims more planes than an image has.

    Parameters
    ----------
    path : pathlib.Path
        For the message.
    root : Element
        The OME-XML.
    pages : int
        How many the file has.

    Raises
    ------
    DualglandError
        For too many planes.
    ValueError
        For a number that is none.
    """
    steps = 0
    for pixels in _pixels(root):
        planes = math.prod(int(pixels.get(f"Size{axis}", 1)) for axis in "ZCT")
        for block in (e for e in pixels if tag(e) == "TiffData"):
            _ = int(block.get("IFD", 0))
            steps += _count(block) or (1 if block.get("IFD") else pages)
        if max(planes, steps) > MAX_PLANES:
            found = f"its OME-XML claims {max(planes, steps)} planes"
            expected = f"at most {MAX_PLANES}"
            raise DualglandError(Kind.TOO_LARGE, path, found, part="OME-XML", expected=expected)
    for along in root.iter():
        if tag(along)[:-1].endswith("Along") and along.get("Start"):
            reach = float(along.get("End", "0")) - float(along.get("Start", "0"))
            if not abs(reach) <= MAX_PLANES * abs(float(along.get("Step", "1"))):
                raise ValueError("an axis of a million steps")


def _pixels(root: Element) -> Iterator[Element]:
    for image in root:
        yield from (e for e in image if tag(image) == "Image" and tag(e) == "Pixels")


def _blocks(root: Element) -> Iterator[tuple[Element, Element | None]]:
    """Yield every TiffData with its UUID, which says in which file its planes are."""
    for pixels in _pixels(root):
        yield from ((e, child(e, "UUID")) for e in pixels if tag(e) == "TiffData")


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
    return (f"the OME-XML calls the file {name}; it was renamed",)


def _know_own_name(path: Path, root: Element) -> bool:
    """Let the planes that are said to be in a file of this name be looked for in this file.

    Where one XML was copied into every file of a set, its UUID is that of another file. True
    where it was.
    """
    uuids = [uuid for _, uuid in _blocks(root) if uuid is not None]
    named = {uuid.get("FileName", "").lower(): uuid.text for uuid in uuids}
    own = named.get(path.name.lower())
    if not own or own == root.get("UUID"):
        return False
    root.set("UUID", own)
    return True


def _take_in_order(root: Element) -> tuple[str, ...]:
    """Let the planes of the only image be taken in order where nothing says where they are."""
    found = [*_pixels(root)]
    if len(found) != 1 or any(tag(e) in ("TiffData", "BinData") for e in found[0]):
        return ()
    SubElement(found[0], "TiffData")
    return ("its OME-XML does not say which page is which plane; they are taken in order",)
