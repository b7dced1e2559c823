"""The command line in a process of its own, forked from a loaded one, that can be struck.

So a random moment falls into the work, and not into the start of Python.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

PATIENCE = 180.0
"""Seconds that a trial may take."""


@dataclass(frozen=True)
class Ended:
    """How a trial ended: exit code (below 0: the signal), what it said, how long it took."""

    code: int
    said: str
    seconds: float


def run(
    words: list[object],
    at: Path,
    *,
    limit: Callable[[], None] = lambda: None,
    after: float | None = None,
    strike: Callable[[int], None] = lambda pid: os.kill(pid, signal.SIGKILL),
) -> Ended:
    """Run the command line in a forked process; strike after some seconds, if asked to.

    Parameters
    ----------
    words : list
        Of the command line.
    at : pathlib.Path
        Folder that it is run in.
    limit : callable
        Called in the new process before the work.
    after : float, optional
        Seconds.
    strike : callable
        Takes the number of the process.

    Returns
    -------
    Ended
    """
    log = at / "said.txt"
    log.write_text("")
    started = time.monotonic()
    pid = os.fork()
    if pid == 0:
        _become(words, at, log, limit)
    struck = after is None
    while True:
        got, status = os.waitpid(pid, os.WNOHANG)
        spent = time.monotonic() - started
        if got:
            return Ended(os.waitstatus_to_exitcode(status), log.read_text(errors="replace"), spent)
        if not struck and after is not None and spent >= after:
            strike(pid)
            struck = True
        if spent > PATIENCE:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.001)


def _become(words: list[object], at: Path, log: Path, limit: Callable[[], None]) -> None:
    """Be the command line; never returns."""
    from dualgland_training.__main__ import app as train
    from napari_dualgland.cli import main
    from napari_dualgland.cli.console import guarded

    code = 70
    try:
        os.chdir(at)
        into = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(into, 1)
        os.dup2(into, 2)
        limit()
        said = [str(word) for word in words]
        # `dualgland train` starts a process of its own; here that is the one to strike.
        if said[0] == "train":
            code = guarded(lambda: train(said, standalone_mode=False), as_json=False, debug=False)
        else:
            sys.argv[1:] = said
            main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
