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

PLAUSIBLE_NOTE = (
    "filled with one plausible picture of many: it is further from the truth than the estimate; "
    "look at it, do not measure it"
)


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
        If a plausible picture is asked for and none was drawn.
    """
    if options.fill == "plausible":
        result = plausible(result)
    parts = [Part(result.name, to_canonical(result.data, result.axes))]
    if isinstance(result, Imputation):
        parts.append(Part(MISSING, to_canonical(result.missing, result.axes), is_mask=True))
        if result.uncertainty is not None and options.uncertainty:
            values = to_canonical(result.uncertainty, result.axes).astype(np.float32, copy=False)
            parts.append(Part(UNCERTAINTY, values))
        for number, sample in enumerate(result.samples if options.samples else (), 1):
            parts.append(Part(f"{SAMPLE} {number}", to_canonical(sample, result.axes)))
    return Content(result, parts)


def plausible(result: Stack) -> Imputation:
    """Return a result filled with its first plausible picture, and named for it.

    Raises
    ------
    DualglandError
        If none was drawn.
    """
    if not isinstance(result, Imputation) or not result.samples:
        raise DualglandError(
            Kind.LACKING,
            result.where,
            "the run has drawn no plausible picture",
            part="fill",
            way_out="impute with plausible pictures first, or export the estimate",
        )
    how = result.provenance
    notes = tuple(dict.fromkeys([*how.notes, PLAUSIBLE_NOTE]))
    known = how.model_copy(update={"options": {**how.options, "plausible": True}, "notes": notes})
    unsure = result.uncertainty
    return replace(
        result,
        data=result.samples[0],
        samples=result.samples[1:],
        # Of a picture that was drawn, the error is that of the estimate and of the draw.
        uncertainty=None if unsure is None else unsure * np.float32(np.sqrt(2)),
        provenance=known,
    )
