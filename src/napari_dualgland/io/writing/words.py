"""What images are called where a person reads what will be written."""

from __future__ import annotations

import re
from collections.abc import Sequence

from napari_dualgland.io.frame_store import Part
from napari_dualgland.io.ome import MISSING, SAMPLE, UNCERTAINTY
from napari_dualgland.io.writing.content import Content
from napari_dualgland.results import Imputation

_WORDS = {MISSING: "mask of estimated pixels", UNCERTAINTY: "uncertainty"}


def word_for(name: str) -> str:
    """Return what a further image is called."""
    number = name.removeprefix(f"{SAMPLE} ")
    return _WORDS.get(name, f"plausible picture {number}")


def holds(content: Content) -> str:
    """Return what all images together are, such as ``4 channels, mask, uncertainty``."""
    more = [word_for(part.name) for part in content.parts[1:]]
    return ", ".join([image_words(content), *more])


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


def size_of(parts: Sequence[Part]) -> int:
    """Return the bytes of images."""
    return sum(part.data.size * part.dtype.itemsize for part in parts)


def slug(name: str) -> str:
    """Return a name that any system takes for a file's."""
    return re.sub(r"[^\w.+-]+", "-", name).strip("-.") or "channel"
