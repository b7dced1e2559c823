"""A result as the images that go into files: its pixels, mask, uncertainty, plausible pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.io.frame_store import Part
from napari_dualgland.io.ome import MISSING, SAMPLE, UNCERTAINTY
from napari_dualgland.io.tiff_writing import never_stopped
from napari_dualgland.io.writing.options import WriteOptions
from napari_dualgland.results import Imputation
from napari_dualgland.stack import CANONICAL_AXES, Stack, to_canonical


@dataclass(frozen=True)
class Content:
    """What is to be written.

    Attributes
    ----------
    stack : Stack
        Its channels, sizes and history.
    parts : sequence of Part
        The stack's own pixels first; all have its shape.
    pause : callable
        Called now and then while files are written; it raises where a person wants it to stop.
    """

    stack: Stack
    parts: Sequence[Part]
    pause: Callable[[], None] = never_stopped

    @property
    def axes(self) -> str:
        """Axes of the stack, in the order in which files have them."""
        return "".join(a for a in CANONICAL_AXES if a in self.stack.axes)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of every part, along these axes."""
        return tuple(self.stack.sizes[a] for a in self.axes)


def content_of(result: Stack, options: WriteOptions) -> Content:
    """Return the images of a result.

    Parameters
    ----------
    result : Stack
        Of an :class:`~napari_dualgland.results.Imputation` the mask goes along.
    options : WriteOptions

    Returns
    -------
    Content

    Raises
    ------
    DualglandError
        If a fill is asked for that the run has not made.
    """
    result = _filled_with(result, options.fill)
    parts = [Part(result.name, to_canonical(result.data, result.axes))]
    if isinstance(result, Imputation):
        parts.append(Part(MISSING, to_canonical(result.missing, result.axes), is_mask=True))
        if result.uncertainty is not None and options.uncertainty:
            values = to_canonical(result.uncertainty, result.axes).astype(np.float32, copy=False)
            parts.append(Part(UNCERTAINTY, values))
        for number, sample in enumerate(result.samples if options.samples else (), 1):
            parts.append(Part(f"{SAMPLE} {number}", to_canonical(sample, result.axes)))
    return Content(result, parts)


def _filled_with(result: Stack, fill: str) -> Stack:
    """Return a result with the fill that is asked for, and named for it."""
    if fill == "as it is" or (fill == "estimate" and not isinstance(result, Imputation)):
        return result
    if isinstance(result, Imputation):
        if result.plausible == (fill == "plausible"):
            return result
        if result.other is None and fill == "plausible" and result.samples:
            result = replace(result, other=result.samples[0], samples=result.samples[1:])
        if result.other is not None:
            return result.flipped()
    if fill == "plausible":
        found = "the run has drawn no plausible picture"
        way_out = "impute with plausible pictures first, or export the estimate"
    else:
        found = "the run has kept the plausible picture alone"
        way_out = "impute again for the estimate, or export the picture"
    raise DualglandError(Kind.LACKING, result.where, found, part="fill", way_out=way_out)
