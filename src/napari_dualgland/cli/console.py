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
import signal
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from napari_dualgland.errors import DualglandError
from napari_dualgland.written import written

if TYPE_CHECKING:
    from rich.console import Console

    from napari_dualgland.progress import Progress

OK = 0
UNEXPECTED = 1
REFUSED = 2
INTERRUPTED = 130


class Interrupted(DualglandError):
    """Ctrl-C in a command that keeps what is done; the message says where that is."""


def console(*, stderr: bool = False) -> Console:
    """Return a console; lines are cut by the terminal only, never by a guessed width."""
    from rich.console import Console

    plain = Console(stderr=stderr, highlight=False)
    if not plain.is_terminal and "COLUMNS" not in os.environ:
        plain.width = 160
    return plain


def answer(
    work: Callable[[], dict[str, Any]],
    show: Callable[[dict[str, Any], Console], None],
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
    """
    with contextlib.redirect_stdout(sys.stderr):
        result = work()
    if as_json:
        write_json(result)
    else:
        show(result, console())


def write_json(result: Mapping[str, Any]) -> None:
    """Write one JSON object to stdout; a number that JSON does not have becomes null."""
    sys.stdout.write(json.dumps(_finite(result), indent=2, ensure_ascii=False, default=str) + "\n")
    sys.stdout.flush()


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
        0 done, 1 unexpected, 2 refused, 130 interrupted.
    """
    from typer import BadParameter

    before = len(written())
    usage_error: Any = BadParameter.__base__  # the common base of all that a person mistypes
    try:
        with _quiet(debug), _terminable():
            code = command() or OK
        if code != INTERRUPTED:  # typer turns Ctrl-C into a code and says nothing
            return code
        line = _interrupted(before)
    except BrokenPipeError:
        # The reader has gone (`dualgland models | head`): there is nobody to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNEXPECTED
    except Exception as error:
        if debug:
            traceback.print_exc()
        line, code = _explain(error, usage_error, before)
    except KeyboardInterrupt:
        line, code = _interrupted(before), INTERRUPTED
    if as_json:
        write_json({"error": line, "exit_code": code})
    sys.stderr.write(f"dualgland: {line}\n")
    return code


def _interrupted(before: int) -> str:
    """Say what an interrupted command has written; that of earlier ones is left out."""
    files = ", ".join(str(path) for path in written()[before:])
    return f"interrupted; {f'written before that: {files}' if files else 'no file was written'}"


def _explain(error: Exception, usage_error: type[Any], before: int) -> tuple[str, int]:
    """Return the one line and the exit code for what went wrong."""
    from typer import Abort

    if isinstance(error, Abort):
        return _interrupted(before), INTERRUPTED
    if isinstance(error, usage_error):
        return f"{_one_line(error.format_message())} (see --help)", REFUSED
    if isinstance(error, DualglandError):
        code = INTERRUPTED if isinstance(error, Interrupted) else REFUSED
        return _one_line(str(error)), code
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror or _one_line(str(error))}", REFUSED
    said = _one_line(f"{type(error).__name__}: {error}")
    hint = "set DUALGLAND_DEBUG=1 to see where, and please report it"
    return f"unexpected {said}; {hint}", UNEXPECTED


def _one_line(message: str) -> str:
    return " ".join(message.split())


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
def _terminable() -> Iterator[None]:
    """Let SIGTERM unwind as Ctrl-C does, so that unfinished files are removed."""

    def interrupt(_signal: int, _frame: Any) -> None:
        raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGTERM, interrupt)
    except ValueError:  # not on the main thread: whoever runs us there handles signals
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def progress_bar(label: str) -> Iterator[Callable[[Progress], None]]:
    """Yield what takes progress events and draws them on stderr, where that is a terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    err = console(stderr=True)
    with Bar(
        *columns, TimeRemainingColumn(), console=err, transient=True, disable=not err.is_terminal
    ) as bar:
        task = bar.add_task(label, total=None)

        def step(event: Progress) -> None:
            bar.update(
                task, completed=event.done, total=event.total, description=event.message or label
            )

        yield step
