"""Which pixels of a stack are missing: found in the image itself, or given as a mask.

A zero is not by itself a missing pixel: the background of the Human Protein Atlas is
exactly 0, and honest bright spots reach the top of the scale. What tells damage from
both is the *rim*. Nature fades to its floor and to its ceiling over a few pixels, damage
cuts at full level. :mod:`.rims` measures that, :mod:`.levels` fills the holes that such
rims enclose, :mod:`.edges` finds straight edges and :mod:`.rectangles` completes dead tiles
and dropped lines from them, :mod:`.dropout` finds scattered pixels, :mod:`.jpeg` tells what a
coder has left that looks like damage, :mod:`.doubt` what had better stay as it was measured,
:mod:`.channel` puts them together for one channel and :mod:`.detect` for a stack. They work in
blocks and on :mod:`.regions`, so that no frame of floats or labels is made. A mosaic is searched
in :mod:`.parts` (:mod:`.mosaic`): what holds for all of it is measured first (:mod:`.survey`), and
holes larger than a part are put together last (:mod:`.joined`). Masks that a person
brings are :class:`~napari_dualgland.mask.Mask`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_dualgland.missing.params import MissingParams

if TYPE_CHECKING:
    from napari_dualgland.missing.detect import find_missing

__all__ = ["MissingParams", "find_missing"]


def __getattr__(name: str) -> Any:
    """Load the search on first use: scipy takes a second, and a form needs the options alone."""
    if name != "find_missing":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from napari_dualgland.missing.detect import find_missing

    globals()[name] = find_missing
    return find_missing
