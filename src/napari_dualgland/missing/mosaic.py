"""A frame too large to be searched as a whole: in parts, and then once more for what is larger."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from napari_dualgland.findings import Finding
from napari_dualgland.intensities import measurable
from napari_dualgland.missing.doubt import findings
from napari_dualgland.missing.field import search
from napari_dualgland.missing.joined import join
from napari_dualgland.missing.params import MissingParams
from napari_dualgland.missing.parts import PART, parts
from napari_dualgland.missing.survey import Read, Survey
from napari_dualgland.packed import PackedMask
from napari_dualgland.progress import Cancelled
from napari_dualgland.typing import AnyArray


def find_in_frame(
    read: Read,
    shape: tuple[int, ...],
    params: MissingParams,
    names: Sequence[str] = (),
    place: tuple[int, int] = (0, 0),
    tell: Callable[[Finding], None] = lambda _: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> PackedMask:
    """Return the missing pixels of a large frame.

    Parameters
    ----------
    read : callable
        Gives the pixels of some rows and columns; all are asked for twice, a part at a time.
    shape : tuple of int
        (C, Y, X).
    params : MissingParams
    names : sequence of str
        Of the channels, for ``tell``.
    place : tuple of int
        Which t and z these are.
    tell, should_stop : callable
        As of :func:`napari_dualgland.find_missing`.

    Returns
    -------
    PackedMask

    Raises
    ------
    Cancelled
        If ``should_stop`` returned true.
    """

    def read_on(rows: slice, columns: slice) -> AnyArray:
        if should_stop():  # a mosaic is searched for minutes
            raise Cancelled.run()
        return read(rows, columns)

    survey = Survey.of(read_on, shape)
    missing, doubtful = PackedMask(shape), PackedMask(shape)
    odd: PackedMask | None = None
    for outer, inner, core in parts(shape):
        planes = read_on(*outer)
        lost, unsure = search(planes, params, survey.known, survey.spare)
        first, left = core[0].start, core[1].start
        missing.put(first, lost[:, *inner], left)
        doubtful.put(first, unsure[:, *inner], left)
        if planes.dtype.kind == "f":
            odd = odd or PackedMask(shape)
            odd.put(first, ~measurable(planes[:, *inner]), left)
    join(missing, doubtful, survey, read_on, params)
    judged = missing
    if odd is not None:  # what is no number does not look damaged: it says so itself
        judged = odd
        np.bitwise_and(missing.bits, ~odd.bits, out=judged.bits)
    for finding in findings(judged, doubtful, names, *place, parts=PART):
        tell(finding)
    return missing
