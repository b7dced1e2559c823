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
    share : float or None
        How much of all the work is done, 0 to 1, with the stages in which nothing is counted;
        None where that is not known. It never falls.
    """

    done: int
    total: int
    message: str = ""
    patch: Patch | None = None
    found: tuple[Finding, ...] = ()
    share: float | None = None


class Course:
    """How far work of several stages is, by what each is expected to cost.

    Costs may be corrected on the way; what is told never falls, and is 1 at the very end only.

    Parameters
    ----------
    **costs : float
        Of each stage, in their order, in any unit.

    Attributes
    ----------
    told : float
        What was told last.
    """

    def __init__(self, **costs: float) -> None:
        self.costs = costs
        self.told = 0.0

    def at(self, stage: str, done: float = 0.0) -> float:
        """Return the share of all work that is done.

        Parameters
        ----------
        stage : str
            The one that is being worked on.
        done : float
            How much of it is done, 0 to 1.

        Returns
        -------
        float
            0 to 1.
        """
        names = list(self.costs)
        before = sum(self.costs[name] for name in names[: names.index(stage)])
        total = sum(self.costs.values())
        share = (before + done * self.costs[stage]) / total if total else 0.0
        self.told = max(self.told, min(1.0, share))
        return self.told


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
