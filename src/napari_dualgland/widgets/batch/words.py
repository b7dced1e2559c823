"""What the dock says of stacks and of the whole batch."""

from __future__ import annotations

from collections.abc import Sequence

from napari_dualgland.batch import StackState, Status
from napari_dualgland.batch.report import filled_by_channel
from napari_dualgland.errors import DualglandError
from napari_dualgland.legible import legible
from napari_dualgland.widgets.field.channels_form import in_percent
from napari_dualgland.widgets.kit.run_bar import in_time


def status_words(state: StackState) -> str:
    """Return how it stands with a stack, in a word or two."""
    if state.status == Status.RUNNING:
        return f"{100 * state.share:.0f} %"
    if state.status == Status.CANCELLED:
        return "stopped"
    return "kept" if state.earlier else state.status.value


def story(state: StackState) -> str:
    """Return all that is known of a stack, in lines: where it lies, what went wrong, what came."""
    lines = [legible(str(state.source))]
    if state.error is not None:
        way_out = state.error.get("way_out", "")
        lines.append(f"⚠ {legible(state.fault().removeprefix(f'{state.source}: '))}")
        lines += [f"Way out: {legible(way_out)}."] if way_out else []
    elif state.message:
        lines.append(legible(state.message))
    if state.earlier:
        lines.append("Done by an earlier run; nothing has changed since.")
    filled = filled_by_channel(state)
    if any(filled.values()):
        said = ", ".join(f"{key} {in_percent(share)}" for key, share in filled.items())
        lines.append(f"Filled: {said}")
    elif filled:
        lines.append("No pixel was missing.")
    lines += [f"{state.told['cells']} cells"] if "cells" in state.told else []
    return "\n".join(lines)


def time_words(state: StackState) -> str:
    """Return how long a stack will still take, or took."""
    if state.status == Status.RUNNING:
        return "" if state.left is None else f"{in_time(state.left)} left"
    return in_time(state.seconds) if state.status == Status.DONE and state.seconds else ""


def result_words(
    states: Sequence[StackState], took: str, unreported: DualglandError | None = None
) -> str:
    """Return how a batch ended.

    Parameters
    ----------
    states : sequence of StackState
        Of all stacks.
    took : str
        How long, as people say it.
    unreported : DualglandError, optional
        Why there is no report of it.

    Returns
    -------
    str
    """
    done = [state for state in states if state.status == Status.DONE]
    kept = sum(state.earlier for state in done)
    failed = sum(state.status == Status.FAILED for state in states)
    line = f"{len(done)} of {len(states)} stacks done, {took}."
    line += f"\n• {kept} of them by an earlier run; nothing has changed since." if kept else ""
    line += f"\n⚠ {failed} failed: the table says why." if failed else ""
    return line + (f"\n⚠ {legible(str(unreported))}." if unreported is not None else "")
