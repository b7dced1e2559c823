"""The one way by which a field is written, whatever the format: planned, guarded, whole or not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from napari_dualgland.io.atomic import replacing_all
from napari_dualgland.io.atomic_folder import replacing_folder
from napari_dualgland.io.targets import refuse_file, refuse_zarr
from napari_dualgland.io.tiff_writing import sources
from napari_dualgland.io.writing.content import Content, content_of
from napari_dualgland.io.writing.format import Format
from napari_dualgland.io.writing.formats import format_of
from napari_dualgland.io.writing.options import WriteOptions
from napari_dualgland.io.writing.planned import Plan
from napari_dualgland.progress import Cancelled
from napari_dualgland.results import Imputation
from napari_dualgland.stack import Stack


def plan(result: Stack, path: Path, options: WriteOptions | None = None) -> Plan:
    """Return what :func:`write_result` would write; nothing is written and nothing computed.

    Parameters
    ----------
    result : Stack
    path : pathlib.Path
        Its ending says the format.
    options : WriteOptions, optional

    Returns
    -------
    Plan

    Raises
    ------
    DualglandError
        If it cannot be written: what the format cannot hold, or a place where nothing can be put.
    """
    return _planned(result, path, options)[2]


def write_result(
    result: Stack,
    path: Path,
    options: WriteOptions | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Plan:
    """Write a result, whole or not at all; what was there of the same names is replaced.

    Parameters
    ----------
    result : Stack
        Lazy pixels are computed once, frame by frame.
    path : pathlib.Path
        Its ending says the format.
    options : WriteOptions, optional
    should_stop : callable
        Asked between channels and rows of chunks.

    Returns
    -------
    Plan
        What was written.

    Raises
    ------
    Cancelled
        If ``should_stop`` returned true; then nothing was written.
    DualglandError
        If it cannot be written; then nothing was, and what was there is as it was.
    """
    how, content, planned = _planned(result, path, options)

    def pause() -> None:
        if should_stop():
            raise Cancelled.run()

    content = replace(content, pause=pause)
    places = [file.path for file in planned.files]
    if how.is_folder:
        with replacing_folder(path) as folder:
            how.fill(content, {path: folder})
    else:
        with replacing_all(places) as beside:
            how.fill(content, dict(zip(places, beside, strict=True)))
    return planned


def _planned(
    result: Stack, path: Path, options: WriteOptions | None
) -> tuple[Format, Content, Plan]:
    options = options or WriteOptions()
    how = format_of(path)
    content = content_of(result, options)
    how.refuse(content, path)
    files = tuple(how.files(content, path))
    _refuse_places(how, [file.path for file in files], content.stack)
    notes = tuple(_notes(content, result))
    return how, content, Plan(how.name, result.name, files, notes)


def _refuse_places(how: Format, places: Sequence[Path], stack: Stack) -> None:
    read_from = sources(stack)
    for place in places:
        if how.is_folder:
            refuse_zarr(place, read_from)
        else:
            refuse_file(place, read_from)


def _notes(content: Content, result: Stack) -> list[str]:
    """Return what a person should know of what will be written."""
    stack, notes = content.stack, list(content.stack.notes)
    if isinstance(stack, Imputation):
        notes.append(
            "The fill is a plausible picture: for looking, not for measuring."
            if stack.plausible
            else "The fill is the estimate: as near to the truth as can be, and smooth."
        )
        mask = "The mask says which pixels are estimated: leave them out of measurements."
        notes.append(mask)
    if isinstance(result, Imputation) and result.uncertainty is None:
        notes.append("The model states no uncertainty, so none is written.")
    return notes
