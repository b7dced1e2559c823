"""One run as the person asked for it: what, where, with which options; ready to be done.

The request is made on the main thread, where layers may be looked at, and its steps run
on another, where they may not be touched. The same request is what *Copy as Python* and
*Copy as command* write down.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import dask.array as da
import numpy as np

from napari_dualgland.imputation.params import ImputeParams
from napari_dualgland.mask import Mask
from napari_dualgland.progress import Cancelled, Progress
from napari_dualgland.results import Imputation
from napari_dualgland.stack import ROLES, Stack, from_canonical, to_canonical
from napari_dualgland.widgets.field.source import Source

How = Literal["detect", "labels", "shapes", "nan"]
"""Where the mask comes from."""

DETECTION: dict[How, dict[str, bool]] = {
    "detect": {},
    "nan": dict.fromkeys(
        ("dark", "saturated", "constant", "straight", "scattered", "across_channels"), False
    ),
}
"""Options of ``find_missing`` for each way of finding."""


@dataclass(frozen=True)
class Found:
    """The missing pixels of a field of view.

    Attributes
    ----------
    stack : Stack
        The field of view, or the plane of it that was asked for.
    missing : numpy.ndarray or dask.array.Array
        Boolean, shape of ``stack.data``.
    shares : dict of str to float
        Share of missing pixels, 0 to 1, by role.
    """

    stack: Stack
    missing: Any
    shares: dict[str, float]


@dataclass(frozen=True)
class ImputeRequest:
    """A field of view, what is missing of it, and how to fill that in.

    Attributes
    ----------
    source : Source
        The chosen layers.
    how : str
        ``detect``, ``labels``, ``shapes`` or ``nan``.
    marked_in : napari.layers.Layer or None
        The Labels or Shapes layer.
    marking : Mask or None
        What that layer marks.
    roles : frozenset of str
        Channels in which pixels count as missing.
    frame : dict of str to int or None
        ``{"T": t, "Z": z}`` for one plane, None for the whole stack.
    params : ImputeParams
        Model, device, tile and seed.
    """

    source: Source
    how: How = "detect"
    marked_in: Any = None
    marking: Mask | None = None
    roles: frozenset[str] = frozenset(ROLES)
    frame: dict[str, int] | None = None
    params: ImputeParams = field(default_factory=ImputeParams)

    def find_steps(self, should_stop: Callable[[], bool]) -> Generator[Progress, None, Found]:
        """Find the missing pixels; the work behind *Show missing*."""
        yield Progress(0, 0, "Looking for missing pixels")
        stack, missing = self._stack_and_mask()
        canonical, places = to_canonical(missing, stack.axes), list(stack.frames())
        in_memory = isinstance(stack.data, np.ndarray)
        found = np.zeros(canonical.shape, dtype=bool) if in_memory else None
        counts = np.zeros(canonical.shape[2])
        for number, (t, z) in enumerate(places):
            if should_stop():
                raise Cancelled("cancelled; nothing was changed")
            yield Progress(number, len(places))
            plane = np.asarray(canonical[t, z])
            counts += plane.mean(axis=(1, 2)) / len(places)
            if found is not None:
                found[t, z] = plane
        # Of a lazy stack the mask stays lazy too: it is as large as the stack.
        kept = missing if found is None else from_canonical(found, stack.axes)
        shares = {role: float(counts[i]) for role, i in stack.roles.items()}
        return Found(stack, kept, {role: shares.get(role, 1.0) for role in ROLES})

    def impute_steps(
        self, should_stop: Callable[[], bool]
    ) -> Generator[Progress, None, Imputation]:
        """Find the missing pixels and fill them in; the work behind *Impute*."""
        yield Progress(0, 0, "Loading the model")
        # Here and not above: torch takes seconds to import, and a widget should open at once.
        from napari_dualgland.imputation.engine import impute_steps

        yield Progress(0, 0, "Looking for missing pixels")
        stack, missing = self._stack_and_mask()
        return (yield from impute_steps(stack, missing, self.params, should_stop))

    def _stack_and_mask(self) -> tuple[Stack, Any]:
        """Return what is to be filled and its mask, found lazily where there are many planes."""
        whole = self.source.stack()
        at = (0, 0) if self.frame is None else (self.frame["T"], self.frame["Z"])
        stack = whole if self.frame is None else whole.plane(*at)
        if self.marking is not None:
            marks = self.marking.only(self.roles)
            return stack, (marks if self.frame is None else marks.plane(whole, *at)).fitted(stack)
        from napari_dualgland.missing import MissingParams, find_missing

        # Plane by plane, when each is asked for: so a person can cancel between planes.
        missing = find_missing(lazily(stack), MissingParams(**DETECTION[self.how]))
        return stack, Mask(missing, stack.axes).only(self.roles).fitted(stack)


def lazily(stack: Stack) -> Stack:
    """Return a stack of many planes as a lazy one, a chunk for each plane."""
    if not isinstance(stack.data, np.ndarray) or len(list(stack.frames())) == 1:
        return stack
    chunks = tuple(1 if axis in "TZ" else -1 for axis in stack.axes)
    return replace(stack, data=da.from_array(stack.data, chunks=chunks, name=False))
