"""A report that cannot be written: a spreadsheet has it open, or the disk is full."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from napari_dualgland.batch.report import write_report
from napari_dualgland.batch.state import StackState, Status
from napari_dualgland.errors import DualglandError
from napari_dualgland.refusals import refusal_of


class Unreported(DualglandError):
    """A batch has ended, and its report could not be written.

    Attributes
    ----------
    states : tuple of StackState
        How it ended, for each stack in its order.
    """

    states: tuple[StackState, ...] = ()

    @classmethod
    def after(cls, error: DualglandError, states: Sequence[StackState]) -> Unreported:
        """Return what is told at the end of a batch.

        Parameters
        ----------
        error : DualglandError
            Why the report could not be written.
        states : sequence of StackState
            How it stands with each stack.

        Returns
        -------
        Unreported
        """
        done = sum(state.status == Status.DONE for state in states)
        found = f"the report cannot be written ({error.found})"
        found += f"; {done} of {len(states)} stacks are done"
        way_out = "close it where it is open; the same batch again keeps what is done"
        told = cls(error.kind, error.place, found, way_out=way_out)
        told.states = tuple(states)
        return told


def try_report(folder: Path, states: Sequence[StackState]) -> Unreported | None:
    """Write the report where it can be written: for want of it no stack is lost.

    Parameters
    ----------
    folder, states
        As of :func:`write_report`.

    Returns
    -------
    Unreported or None
        Why it is as it was before; somebody may have it open.
    """
    try:
        write_report(folder, states)
    except (DualglandError, OSError) as error:
        told = refusal_of(error)
        assert told is not None  # the system's errors are none of ours
        return Unreported.after(told, states)
    return None
