"""What long work says while it runs; it knows nothing of who is listening."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, Self, TypeVar

import numpy as np
import numpy.typing as npt

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.findings import Finding

Result = TypeVar("Result")


@dataclass(frozen=True)
class Patch:
    """A finished tile, ready to be shown.

    Attributes
    ----------
    t, z : int
        Frame that the tile lies in.
    y, x : slice
        Where in the frame.
    values : numpy.ndarray
        (C, h, w) in the stack's dtype: observed pixels as they were, missing ones filled.
        The channels are those of the completed stack.
    missing : numpy.ndarray
        (C, h, w), boolean.
    """

    t: int
    z: int
    y: slice
    x: slice
    values: npt.NDArray[Any]
    missing: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Progress:
    """One step forward.

    Attributes
    ----------
    done, total : int
        Tiles (or, when localizing, cells) finished and in all; of tiles only those count that
        hold missing pixels. ``total`` is 0 as long as it is not known.
    message : str
        What is being done, for people; empty where the numbers say it all.
    patch : Patch or None
        The tile that has just been finished.
    found : tuple of Finding
        What a person should hear of before anything is filled.
    """

    done: int
    total: int
    message: str = ""
    patch: Patch | None = None
    found: tuple[Finding, ...] = ()


def finish(
    steps: Generator[Progress, None, Result], progress: Callable[[Progress], None] | None = None
) -> Result:
    """Do all steps of some work and return its result.

    Parameters
    ----------
    steps : generator
        Yields :class:`Progress`, returns the result.
    progress : callable, optional
        Called with every step.

    Returns
    -------
    object
    """
    while True:
        try:
            event = next(steps)
        except StopIteration as end:
            result: Result = end.value
            return result
        if progress is not None:
            progress(event)


class Cancelled(DualglandError):
    """The person cancelled; nothing was changed."""

    @classmethod
    def run(cls) -> Self:
        """Return what is raised where somebody asked a run to stop."""
        return cls(Kind.INTERRUPTED, "the run", "cancelled; nothing was changed")
