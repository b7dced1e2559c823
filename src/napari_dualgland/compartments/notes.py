"""What a reader of a result must know of it: what was counted, what lacked, who named what."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from napari_dualgland.compartments.head import Head
from napari_dualgland.compartments.location import learned
from napari_dualgland.compartments.params import ANY, FOUND, BoundariesParams
from napari_dualgland.model.compartments import NUCLEUS
from napari_dualgland.stack import ROLES, Stack

NO_CELL = "no cell was found; the balance is that of the whole field"


def notes_of(
    stack: Stack,
    params: BoundariesParams,
    pixels: NDArray[np.int64],
    head: Head | None,
    spoken: float,
) -> Iterator[str]:
    """Say what a result rests on.

    Parameters
    ----------
    stack : Stack
    params : BoundariesParams
    pixels : numpy.ndarray
        (3, 4): measured, imputed and missing ones of each channel.
    head : Head or None
        The model, where it was asked.
    spoken : float
        Share of the field in which it spoke.

    Yields
    ------
    str
    """
    _, imputed, missing = pixels
    for which, many, what in (
        ("imputed", imputed, "counted" if params.count_imputed else "left out"),
        ("missing", missing, "left out"),
    ):
        shares = many / np.maximum(1, pixels.sum(0))
        told = [f"{r} {_percent(s)}" for r, s in zip(ROLES, shares.tolist(), strict=True) if s]
        if told:
            yield f"{which} pixels are {what} of the balance: {', '.join(told)}"
    absent = [role for role in stack.absent_roles if role != "protein"]
    if absent:
        yield f"{', '.join(absent)}: no such channel"
    if head is not None and head.speaks:
        yield (
            f"where a landmark is missing ({_percent(spoken)} of the field) the model "
            f"{head.card.name} named the compartments"
        )
    elif head is not None:
        yield (
            f"the model {head.card.name} names no compartments: where a landmark is missing they "
            "rest on what its surroundings suggest"
        )
    if not pixels[:2, NUCLEUS].any():
        yield "without a nucleus channel no nucleus can be told from the cytoplasm"
    place = params.location
    if place not in (ANY, FOUND) and not learned(place):
        yield f"no set points were learned for {place}; those of all annotated cells are used"


def _percent(share: float) -> str:
    """Return a share as people read it: what is there is never 0 %."""
    return "under 0.1 %" if 0 < share < 0.0005 else f"{100 * share:.1f} %"
