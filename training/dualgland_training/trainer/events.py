"""What a run tells: an append-only log for plots, curves for TensorBoard, a bar for people.

``events.jsonl`` has a line per event: ``step``, ``time`` and what happened. A line is
written whole or not at all, so a plot can follow the file while the run goes on.

====================  =====================================================================
``started``           configuration, device, processor, precision, versions, crops seen in a
                      step; ``resumed_from``
``losses``            mean terms by network and name since the last such event, with
                      ``steps_per_second``, ``share_of_drawing`` and ``memory`` (bytes)
``validation``        figures by set of images and case, with ``crops``, how many were seen, and
                      ``pictures``, the path of a PNG in the run folder
``warning``           what a person should know; the run goes on
``stopped``           asked to stop, after a checkpoint
``failed``            why the run ended before its time; its last checkpoint is unharmed
``finished``          path of the model
====================  =====================================================================

A number that JSON does not have (a PSNR of nothing) is ``null``. After ``resumed_from`` the
steps of the killed process that came after that checkpoint are told again; the later line
counts.
"""

from __future__ import annotations

import json
import math
import os
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from napari_dualgland.errors import DualglandError, Kind

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

LOG = "events.jsonl"


def finite(value: Any) -> Any:
    """Return a value with None in place of every number that JSON does not have."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def append_line(path: Path, event: dict[str, Any]) -> None:
    """Append an event to a log as one line, in one write.

    A line that was cut short (by a full disk) gets an end of its own first, so that it
    spoils itself alone.

    Parameters
    ----------
    path : pathlib.Path
        Of the log.
    event : dict
        As JSON.
    """
    line = json.dumps(finite(event), allow_nan=False).encode() + b"\n"
    with path.open("a+b", buffering=0) as file:
        if file.seek(0, os.SEEK_END):
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                line = b"\n" + line
        file.write(line)


def read_log(path: Path) -> list[dict[str, Any]]:
    """Return the events of a log in the order of its lines.

    The run may be going on or have been killed: a line that is not whole is left out.
    """
    events = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            event = json.loads(line)
        except json.JSONDecodeError:
            continue
        if isinstance(event, dict) and "step" in event:
            events.append(event)
    return events


def open_tensorboard(folder: Path, step: int) -> SummaryWriter:
    """Return a writer of TensorBoard events; what a killed run wrote after ``step`` is hidden.

    Parameters
    ----------
    folder : pathlib.Path
        Of the run.
    step : int
        From which it goes on.

    Returns
    -------
    torch.utils.tensorboard.SummaryWriter
        Open.

    Raises
    ------
    DualglandError
        If TensorBoard is not installed.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise DualglandError(
            Kind.NOT_INSTALLED,
            "--tensorboard",
            "needs TensorBoard",
            way_out="pip install 'napari-dualgland[train]'",
        ) from None
    return SummaryWriter(str(folder / "tensorboard"), purge_step=step)  # type: ignore[no-untyped-call]


class Events:
    """The log of a run, open as long as the run goes on.

    Parameters
    ----------
    folder : pathlib.Path
        Of the run.
    silent : bool
        Say and write nothing: another process does.
    """

    def __init__(self, folder: Path, *, silent: bool = False) -> None:
        self.path, self.silent = folder / LOG, silent
        self.writer: SummaryWriter | None = None
        self.console = Console(stderr=True, highlight=False)
        self.bar = Progress(
            TextColumn("step"),
            MofNCompleteColumn(),
            BarColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.description}"),
            console=self.console,
            disable=silent or not self.console.is_terminal,
        )
        self.task = self.bar.add_task("", total=None)

    def __enter__(self) -> Events:
        self.bar.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.bar.stop()
        if self.writer is not None:
            self.writer.close()  # type: ignore[no-untyped-call]

    def log(self, step: int, **event: Any) -> None:
        """Append one event.

        Parameters
        ----------
        step : int
            After which it happened.
        **event
            What happened, as JSON.
        """
        if self.silent:
            return
        append_line(self.path, {"step": step, "time": time.time(), **event})
        if self.writer is not None:
            rows = [(f"losses/{net}", terms) for net, terms in event.get("losses", {}).items()]
            for part, cases in event.get("validation", {}).items():
                rows += [(f"validation/{part}/{case}", row) for case, row in cases.items()]
            for name, terms in rows:
                for term, value in terms.items():
                    tag = f"{name}/{term}".replace(", ", "-").replace(" ", "-")
                    self.writer.add_scalar(tag, value, step)  # type: ignore[no-untyped-call]
            self.writer.flush()  # type: ignore[no-untyped-call]

    def advance(self, step: int) -> None:
        """Move the bar."""
        self.bar.update(self.task, completed=step)

    def restart_clock(self, step: int, steps: int) -> None:
        """Let the time left be reckoned from here, not from steps of an earlier process.

        Parameters
        ----------
        step : int
            Steps that are done.
        steps : int
            In all.
        """
        self.bar.reset(self.task, total=steps, completed=step)

    def say(self, text: str) -> None:
        """Show how it stands: beside the bar, or as a line where there is no terminal."""
        if self.silent:
            return
        if self.console.is_terminal:
            self.bar.update(self.task, description=text)
        else:
            sys.stderr.write(text + "\n")
            sys.stderr.flush()

    def notice(self, text: str) -> None:
        """Show a line that is of this moment alone and goes into no log."""
        if not self.silent:
            self.console.print(text, soft_wrap=True, markup=False)

    def warn(self, step: int, text: str) -> None:
        """Log a warning and show it.

        Parameters
        ----------
        step : int
            After which it came up.
        text : str
            What a person should know.
        """
        self.log(step, warning=text)
        if not self.silent:
            # No markup: [1-3] in a file's name is a name.
            self.console.print(f"warning: {text}", soft_wrap=True, markup=False)
