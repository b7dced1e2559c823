"""What the dock says of images, runs and models, in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from napari_dualgland.legible import legible
from napari_dualgland.model.weights import ModelCard
from napari_dualgland.runs.folder import State
from napari_dualgland.runs.history import History
from napari_dualgland.runs.images import TEST_SHARE, VALIDATION_SHARE, CheckedFolder, held_out
from napari_dualgland.runs.recipes import RECIPES
from napari_dualgland.stack import ROLES
from napari_dualgland.widgets.field.roles import ROLE_LABELS
from napari_dualgland.widgets.kit.run_bar import in_time

NEEDED = (
    "Needed: one field at least; two, to keep a whole one for validation; six, to keep one "
    "for the end too. Some dozens teach more."
)

_LEFT_OUT = "left out: "
_ALIKE = 0.05
"""Decibels that nobody sees."""


def counted(count: int, thing: str) -> str:
    """Return ``1 field`` or ``3 fields``.

    Parameters
    ----------
    count : int
    thing : str
        In the singular.

    Returns
    -------
    str
    """
    return f"{count} {thing}{'' if count == 1 else 's'}"


def folder_words(checked: CheckedFolder) -> str:
    """Return how many fields a folder holds, with which channels, and what they are used for."""
    count = len(checked.usable)
    if not count:
        return f"No field in this folder can be learned from. {NEEDED}"
    planes = sum(image.planes for image in checked.usable)
    more = "" if planes == count else f" ({counted(planes, 'plane')} in z and time)"
    lines = [f"{counted(count, 'field')}{more}, {_channels(checked)}."]
    watched, tested = held_out(count, VALIDATION_SHARE, TEST_SHARE)
    if count == 1:
        lines.append("Of an only field the lowest quarter is kept for validation.")
    else:
        parts = [f"{count - watched - tested} to learn from", f"{watched} kept for validation"]
        lines.append(", ".join(parts + [f"{tested} for the end"] * bool(tested)) + ", all whole.")
    if not checked.whole:
        lines.append("None has all four channels, so there will be no curve of the validation.")
    if count < 6:
        lines.append(NEEDED)
    return "\n".join(lines)


def _channels(checked: CheckedFolder) -> str:
    seen = checked.channels()
    count = len(checked.usable)
    if checked.whole == count:
        return "all four channels"
    known = [
        ROLE_LABELS[role] + ("" if seen[role] == count else f" in {seen[role]}") for role in seen
    ]
    lacking = [ROLE_LABELS[role] for role in ROLES if role not in seen]
    return ", ".join(known) + (f"; no {' and no '.join(lacking)}" if lacking else "")


def job_words(recipe: str, images: Path, device: str) -> str:
    """Return what a run was asked for.

    Parameters
    ----------
    recipe : str
        Name or path.
    images : pathlib.Path
        Folder.
    device : str
        Where it computes.

    Returns
    -------
    str
    """
    known = RECIPES.get(recipe)
    start = Path(recipe).name if known is None else known.title
    return f"Starts from: {legible(start)}\nImages: {legible(images.name)}\nDevice: {device}"


def time_words(seconds: float | None) -> str:
    """Return how long a run will take; None where nobody knows."""
    if seconds is None:
        return "How long it takes is told soon after it has begun."
    return f"About {in_time(seconds)}, at the speed of the last such run."


def run_words(state: State, history: History, last: Sequence[str]) -> str:
    """Return how a run stands.

    Parameters
    ----------
    state : State
        Of the run.
    history : History
        What it has told.
    last : sequence of str
        The last lines of its log, which tell what it could not.

    Returns
    -------
    str
    """
    done = f"step {history.step} of {history.steps}"
    if state is State.GOING:
        if not history.steps:
            return "Starting: the images are read …"
        left = history.seconds_left
        time = "time left is known soon" if left is None else f"{in_time(left)} left"
        if history.step >= history.steps:
            time = "the last look at the validation"
        return f"{done.capitalize()} · {time}"
    if state is State.STOPPED:
        return f"Stopped after {done}. Nothing is lost: Resume goes on from there."
    if state is State.FINISHED:
        return f"Finished, {counted(history.steps, 'step')}.{_ahead_words(history)}"
    why = [history.failure] if history.failure else list(last)
    begun = f"The run ended by itself after {done}." if history.steps else "The run did not begin."
    said = "\n".join(legible(line) for line in why)
    return f"{begun} {'It said:' if said else 'It said nothing.'}\n{said}".strip()


def _ahead_words(history: History) -> str:
    """Return how far the network is ahead of the prior, or behind it; empty where not known."""
    if history.ahead is None:
        return ""
    prior = "the prior, the fill without a network"
    if abs(history.ahead) < _ALIKE:
        return f" On what is kept for validation its fills are as near to the truth as {prior}."
    words = "nearer to" if history.ahead > 0 else "farther from"
    return (
        f" On what is kept for validation its fills are {abs(history.ahead):.1f} dB {words} the "
        f"truth than {prior}."
    )


def model_words(name: str, offered: bool, last: Sequence[str]) -> str:
    """Return where the model of a finished run is found.

    Parameters
    ----------
    name : str
        Of the model.
    offered : bool
        Whether it is among those of the pickers.
    last : sequence of str
        The last line of the run's log, which tells why it is not.

    Returns
    -------
    str
    """
    if offered:
        return f"“{legible(name)}” is now among the models of Impute."
    return "\n".join(["⚠ The model is not among those of Impute yet:", *map(legible, last)])


def images_words(history: History) -> str:
    """Return what the images of a run are used for; empty before it is known."""
    names = {"train": "to learn from", "validation": "for validation", "test": "kept for the end"}
    seen = history.images
    known = [f"{seen[key]} {word}" for key, word in names.items() if seen.get(key)]
    return f"Fields: {', '.join(known)}." if known else ""


def card_words(card: ModelCard) -> str:
    """Return what is to be known of a model, in lines."""
    lines = [f"{card.name}: {card.parameters:,} parameters, {counted(card.steps, 'step')}."]
    lines += [f"Learned from: {legible(text)}" for text in card.data]
    if card.held_out:
        lines.append(f"Kept for the end: {legible(', '.join(card.held_out))}.")
    return "\n".join([*lines, f"Licence: {legible(card.licence)}"])


def warning_words(warnings: Sequence[str]) -> str:
    """Return what a run has warned of; files that are left out were told of by the form."""
    others = [text for text in warnings if not text.startswith(_LEFT_OUT)]
    count = len(warnings) - len(others)
    told = [f"{counted(count, 'file')} left out"] * bool(count) + [*map(legible, others)]
    return "\n".join(f"• {text}" for text in told)
