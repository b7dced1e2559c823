"""How far each stack of a batch is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from napari_dualgland.errors import DualglandError
from napari_dualgland.progress import Progress


class Status(StrEnum):
    """How it stands with a stack."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class StackState:
    """How far a stack is.

    Attributes
    ----------
    number : int
        Of the stack in its batch, from 0.
    name : str
        Among the results.
    source : pathlib.Path
    status : Status
    earlier : bool
        Whether it was done by an earlier run, whose results are kept.
    share : float
        Of the work that is done, 0 to 1.
    message : str
        What is being done, or why it is done anew.
    seconds : float
        That were spent on it.
    left : float or None
        Seconds that it will still take, as far as can be said.
    told : dict
        What is said of the results; ``missing`` is the share that was filled, by channel.
    error : dict or None
        As :meth:`.DualglandError.as_data` tells it.
    results : tuple of pathlib.Path
        The files that were written.
    """

    number: int
    name: str
    source: Path
    status: Status = Status.WAITING
    earlier: bool = False
    share: float = 0.0
    message: str = ""
    seconds: float = 0.0
    left: float | None = None
    told: Mapping[str, Any] = field(default_factory=dict)
    error: Mapping[str, Any] | None = None
    results: tuple[Path, ...] = ()

    def sentence(self) -> str:
        """Return what went wrong as one sentence with the way out; nothing if nothing did."""
        return "" if self.error is None else str(DualglandError(**self.error))

    def fault(self) -> str:
        """Return what went wrong without the way out, which stands elsewhere."""
        return "" if self.error is None else str(DualglandError(**{**self.error, "way_out": ""}))


@dataclass(frozen=True)
class BatchProgress(Progress):
    """One step forward of a batch; ``done`` and ``total`` count stacks.

    Attributes
    ----------
    stack : StackState or None
        The stack that the step is about.
    """

    stack: StackState | None = None
