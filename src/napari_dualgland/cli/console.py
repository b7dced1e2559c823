"""What the command line says, where it says it, and with which exit code it ends.

The result alone goes to stdout, everything else to stderr, so that a script can read the
one and a person the other. An error is one line; its traceback is shown only where it is
asked for, because a biologist is helped by the line and a developer by the rest.
"""

from __future__ import annotations

import contextlib
import json
import logging
import math
import os
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from napari_dualgland.cli.refusals import PROGRAM, interrupted, refusal_of
from napari_dualgland.cli.stopping import INTERRUPTED, Asked, handled
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.legible import legible
from napari_dualgland.written import written

if TYPE_CHECKING:
    from napari_dualgland.cli.terminal import PlainConsole
    from napari_dualgland.progress import Progress

OK = 0
UNEXPECTED = 1
REFUSED = 2
READER_GONE = 141
"""128 + SIGPIPE: as a shell has it of programs that nobody reads to the end."""


def console(*, stderr: bool = False) -> PlainConsole:
    """Return where people read; its library is loaded when something is shown."""
    from napari_dualgland.cli.terminal import PlainConsole

    return PlainConsole(stderr=stderr)


def answer(
    work: Callable[[], dict[str, Any]],
    show: Callable[[dict[str, Any], PlainConsole], None],
    as_json: bool,
) -> None:
    """Do the work and give its result to stdout, for a program or for a person.

    Parameters
    ----------
    work : callable
        Returns the result; all that it writes to stdout on the way goes to stderr.
    show : callable
        Shows the result to a person on the console it is given.
    as_json : bool
        Write the result as JSON instead.

    Raises
    ------
    DualglandError
        If stdout cannot be written to, and whatever the work raises.
    BrokenPipeError
        If nobody reads stdout.
    """
    with contextlib.redirect_stdout(sys.stderr):
        result = work()
    try:
        if as_json:
            write_json(result)
        else:
            show(result, console())
            sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        _forget_stdout()
        found = f"what was done cannot be told ({error.strerror})"
        raise DualglandError(Kind.UNWRITABLE, "stdout", found) from error


def write_json(result: Mapping[str, Any]) -> None:
    """Write one JSON object to stdout; a number that JSON does not have becomes null.

    In ASCII, so that it can be written and read whatever encoding a terminal or a locale has,
    and names that are no text in any come back as they are.
    """
    sys.stdout.write(json.dumps(_finite(result), indent=2, default=str) + "\n")
    sys.stdout.flush()


def _forget_stdout() -> None:
    """Write what is left for stdout nowhere: Python would try again, and complain, at its end."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def guarded(command: Callable[[], int | None], *, as_json: bool, debug: bool) -> int:
    """Run a command and return the exit code; whatever goes wrong is told in one line.

    Parameters
    ----------
    command : callable
        Returns an exit code or None.
    as_json : bool
        Whether an error is told as JSON on stdout too.
    debug : bool
        Whether the traceback is shown.

    Returns
    -------
    int
        0 done, 1 a bug, 2 refused, 130 interrupted, 141 nobody reads what is said.
    """
    asked, before = Asked(), len(written())
    try:
        _readable_streams()
        with _quiet(debug), handled(asked):
            code = command() or OK
        if code != INTERRUPTED:  # typer turns Ctrl-C into a code and says nothing
            return code
        refusal: DualglandError | None = interrupted(before)
    except BrokenPipeError:
        # The reader has gone (`dualgland models | head`): there is nobody to tell.
        _forget_stdout()
        return READER_GONE
    except KeyboardInterrupt:
        refusal = interrupted(before)
    except Exception as error:
        if debug:
            traceback.print_exc()
        refusal = refusal_of(error, before)
        if asked.yes and (refusal is None or refusal.kind != Kind.INTERRUPTED):
            refusal = interrupted(before)
        unexpected = " ".join(f"unexpected {type(error).__name__}: {error}".split())
    if refusal is None:
        line = f"{unexpected}; set DUALGLAND_DEBUG=1 to see where, and please report it"
        return _told(line, UNEXPECTED, {}, as_json)
    code = INTERRUPTED if refusal.kind == Kind.INTERRUPTED else REFUSED
    line = str(refusal).removeprefix(f"{PROGRAM}: ")
    return _told(line, code, refusal.as_data(), as_json)


def _told(line: str, code: int, data: Mapping[str, str], as_json: bool) -> int:
    """Say in one line what went wrong, and to a program with its parts; return the code."""
    if as_json:
        try:
            write_json({"error": line, "exit_code": code, **data})
        except OSError:
            _forget_stdout()
    with contextlib.suppress(OSError):
        sys.stderr.write(f"{PROGRAM}: {legible(line)}\n")
    return code


def _readable_streams() -> None:
    """Have streams that take every text: closed ones go nowhere, what has no code is escaped."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


@contextlib.contextmanager
def _quiet(debug: bool) -> Iterator[None]:
    """Keep other libraries' warnings and logs out of the one line, unless debugging."""
    if debug:
        logging.basicConfig(level=logging.INFO)
        yield
        return
    logging.getLogger().addHandler(logging.NullHandler())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def progress_bar(label: str) -> Iterator[Callable[[Progress], None]]:
    """Yield what takes progress events and draws them on stderr, where that is a terminal."""
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    err = console(stderr=True)
    with Bar(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task(label, total=None)

        def step(event: Progress) -> None:
            said = legible(event.message) or label
            said += f" {event.done}/{event.total}" if event.total and not event.message else ""
            # The share counts every stage; where there is none, what is counted is all.
            done, total = (event.done, event.total) if event.share is None else (event.share, 1)
            bar.update(task, completed=done, total=total or None, description=said)

        yield step
