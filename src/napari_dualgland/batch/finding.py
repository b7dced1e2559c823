"""What a person names (files, folders, patterns, tables, jobs), as fields of view.

The four files of a Human Protein Atlas set are one field, and so are the files of an OME-TIFF in
several. What cannot be had stays in the list with its error: it costs nobody else anything.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Generator, Iterable, Iterator
from pathlib import Path

from napari_dualgland.batch.folders import companions, stacks_in
from napari_dualgland.batch.manifest import MANIFEST
from napari_dualgland.batch.queue import load_jobs
from napari_dualgland.batch.stacks import FoundStack, StackOptions
from napari_dualgland.batch.tables import is_table, read_table
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.files import home_expanded
from napari_dualgland.io.hpa import find_set, parse_name
from napari_dualgland.io.sources import files_behind
from napari_dualgland.io.zarr import is_ome_zarr
from napari_dualgland.jobs.base import never
from napari_dualgland.jobs.inputs import file_of
from napari_dualgland.progress import Cancelled, Progress, finish
from napari_dualgland.refusals import refusal_of


def find_stacks(
    inputs: Iterable[str | Path],
    options: StackOptions = StackOptions(),  # noqa: B008  # it is frozen
    output: str | Path | None = None,
) -> list[FoundStack]:
    """Return the fields of view that somebody names; see :func:`find_steps`.

    Parameters
    ----------
    inputs : iterable of str or pathlib.Path
    options : StackOptions
    output : str or pathlib.Path, optional

    Returns
    -------
    list of FoundStack
    """
    return finish(find_steps(inputs, options, output))


def find_steps(
    inputs: Iterable[str | Path],
    options: StackOptions = StackOptions(),  # noqa: B008  # it is frozen
    output: str | Path | None = None,
    should_stop: Callable[[], bool] = never,
) -> Generator[Progress, None, list[FoundStack]]:
    """Find the fields of view that somebody names, each once.

    Parameters
    ----------
    inputs : iterable of str or pathlib.Path
        Files, folders (searched with all that is in them), patterns with ``*``, ``?`` or
        ``**``, a table ``.csv`` (see :func:`.read_table`), or a job as ``.json``.
    options : StackOptions
        What holds for all of them; a row of a table may say otherwise.
    output : str or pathlib.Path, optional
        Where results will go: what lies there is no input of a folder.
    should_stop : callable
        Asked between folders.

    Returns
    -------
    list of FoundStack
        What cannot be had is among them, with its error.

    Yields
    ------
    Progress

    Raises
    ------
    Cancelled
        If ``should_stop`` returned true.
    DualglandError
        If a folder of inputs is that of the results.
    """
    found: dict[object, FoundStack] = {}
    aside = None if output is None else Path(os.path.abspath(home_expanded(output)))
    for given in inputs:
        if aside is not None and os.path.abspath(os.path.expanduser(given)) == str(aside):
            _refuse_among_inputs(aside, options)
        for stack in _stacks_of(given, options, aside):
            if should_stop():
                raise Cancelled.run()
            found.setdefault(stack.key, stack)
            yield Progress(0, 0, f"found {len(found)} stacks")
    return list(found.values())


def _refuse_among_inputs(folder: Path, options: StackOptions) -> None:
    """Refuse to write where stacks lie; what an earlier batch has written is none."""
    if not folder.is_dir() or os.path.lexists(folder / MANIFEST):
        return
    if any(stack.error is None for stack in _stacks_of(folder, options, None)):
        found = "the results would go among the inputs"
        raise DualglandError(Kind.CONFLICT, folder, found, way_out="name another folder")


def _stacks_of(
    given: str | Path, options: StackOptions, aside: Path | None, *, in_table: bool = False
) -> Iterator[FoundStack]:
    path = Path(given)
    try:
        path = home_expanded(path).absolute()
        if _is_pattern(path):
            for match in _matching(path):
                yield from _stacks_of(match, options, aside, in_table=in_table)
        elif is_table(path):
            if in_table:  # which may name the first again
                raise DualglandError(Kind.UNSUPPORTED, path, "a table is named in a table")
            for row in read_table(path, options):
                if isinstance(row, FoundStack):
                    yield row
                else:
                    yield from _stacks_of(row.path, row.options, aside, in_table=True)
        elif path.suffix.lower() == ".json":
            for jobs in load_jobs(path):
                source = file_of(jobs[0].input, "a batch").path.absolute()
                yield FoundStack(path=source, files=_files(source), jobs=jobs)
        elif path.is_dir() and not is_ome_zarr(path):
            yield from stacks_in(path, options, aside)
        else:
            yield _one(path, options)
    except (DualglandError, OSError) as error:
        told = refusal_of(error)
        assert told is not None  # the system's errors are none of ours
        yield FoundStack.refused(path, told)


def _is_pattern(path: Path) -> bool:
    return glob.has_magic(str(path)) and not os.path.lexists(path)


def _matching(pattern: Path) -> list[Path]:
    matches = sorted(Path(match) for match in glob.glob(str(pattern), recursive=True))
    if not matches:
        raise DualglandError(Kind.NOT_THERE, pattern, "no file or folder has such a name")
    beside = companions(matches)
    return [match for match in matches if match not in beside]


def _one(path: Path, options: StackOptions) -> FoundStack:
    """Return the stack that a file, or the prefix of a set, is."""
    if parse_name(path.name) or not path.exists():
        found = find_set(path)
        files = tuple(found.files.values())
        kinds = {name.kind for file in files if (name := parse_name(file.name))}
        # Where a field is there in two formats, the member that was named says which.
        prefix = found.folder / found.stem
        given = path if len(kinds) > 1 or not _is_whole(prefix, files) else prefix
        return FoundStack(path=given, files=files, options=options)
    return FoundStack(path=path, files=_files(path), options=options)


def _is_whole(prefix: Path, files: tuple[Path, ...]) -> bool:
    """Whether the prefix alone says which files are meant."""
    try:
        return tuple(find_set(prefix).files.values()) == files
    except DualglandError:
        return False


def _files(path: Path) -> tuple[Path, ...]:
    """Return the files that a path is read from; the prefix of a set is none of them."""
    return tuple(file for file in files_behind(path) if os.path.lexists(file)) or (path,)
