"""What images are called where a person reads what will be written."""

from __future__ import annotations

import re
from pathlib import Path

from napari_dualgland.io.ome import MISSING, SAMPLE, UNCERTAINTY
from napari_dualgland.io.writing.content import Content
from napari_dualgland.io.writing.planned import PlannedFile
from napari_dualgland.results import Imputation

_WORDS = {MISSING: "mask of estimated pixels", UNCERTAINTY: "uncertainty"}


def word_for(name: str) -> str:
    """Return what a further image is called."""
    number = name.removeprefix(f"{SAMPLE} ")
    return _WORDS.get(name, f"plausible picture {number}")


def all_in_one(content: Content, path: Path, axes: str) -> PlannedFile:
    """Return what one file with all images is, such as ``4 channels, mask, uncertainty``.

    Parameters
    ----------
    content : Content
    path : pathlib.Path
    axes : str
        In the order in which the file has them.

    Returns
    -------
    PlannedFile
    """
    holds = ", ".join([image_words(content), *(word_for(part.name) for part in content.parts[1:])])
    shape = tuple(content.stack.sizes[a] for a in axes)
    nbytes = sum(part.nbytes for part in content.parts)
    return PlannedFile(path, holds, axes, shape, content.parts[0].dtype.name, nbytes)


def image_words(content: Content) -> str:
    """Return what the image itself is."""
    stack = content.stack
    count = len(stack.channels)
    channels = stack.channels[0].name or "1 channel" if count == 1 else f"{count} channels"
    if not isinstance(stack, Imputation):
        return channels
    return f"{channels}, {fill_words(stack)}"


def fill_words(stack: Imputation) -> str:
    """Return what the missing pixels were filled with."""
    return "plausible picture" if stack.plausible else "imputed"


def slug(name: str) -> str:
    """Return a name that any system takes for a file's."""
    return re.sub(r"[^\w.+-]+", "-", name).strip("-.") or "channel"
