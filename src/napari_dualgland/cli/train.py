"""``dualgland train``: start the training module as a process, and hand through what it says.

A process of its own, for the plugin never imports the training module and a GPU's memory
is given back when it ends. Its bar and its one line of error go to the terminal as they
are; being told to stop is passed on, so that the run ends on a checkpoint.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_dualgland.cli.stopping import LIFELINE
from napari_dualgland.runs.install import install_model
from napari_dualgland.runs.recipes import recipe_path, refuse_lacking

if TYPE_CHECKING:
    from rich.console import Console

    from napari_dualgland.jobs import TrainJob

USES = {"generator": "impute INPUT --out OUT", "localizer": "localize INPUT --out OUT"}
"""What is done with a model, by what it was trained for."""


def run(
    recipe: str | Path,
    out: Path,
    *,
    options: Mapping[str, Any] | None = None,
    install: bool = False,
    resume: bool = False,
    device: str | None = None,
    tensorboard: bool = False,
    as_json: bool = False,
) -> dict[str, Any]:
    """Train by a recipe; return what the process says of the finished model.

    Parameters
    ----------
    recipe : str or pathlib.Path
        YAML file of options, or the name of one that ships.
    out : pathlib.Path
        Folder of the run.
    options : mapping, optional
        What counts more than the recipe's.
    install : bool
        Put the finished model among those that the pickers offer.
    resume : bool
        Go on from the newest checkpoint in ``out``.
    device : str or None
        Over that of the recipe.
    tensorboard : bool
        Write curves for TensorBoard too.
    as_json : bool
        Hand on the JSON of a refusal as well.

    Returns
    -------
    dict
        What the process says, ready for JSON.

    Raises
    ------
    DualglandError
        If what training needs is not installed, or the model cannot be put where it should be.
    SystemExit
        With the process's code, if it did not finish; it has said why. With 0 in all but the
        first of several processes that ``torchrun`` started.
    """
    refuse_lacking()
    command = [sys.executable, "-m", "dualgland_training", "train"]
    command += ["--out", str(out), "--json"]
    command += ["--resume"] if resume else []
    command += ["--tensorboard"] if tensorboard else []
    command += ["--device", device] if device is not None else []
    command += ["--options", json.dumps(options)] if options else []
    command += ["--", str(recipe_path(recipe))]  # whose name may begin as an option does
    # A session of its own: Ctrl-C reaches it once, through us, and not twice. If we are killed
    # without being asked, its standard input closes, and it does not go on unseen.
    with (
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
            env=os.environ | LIFELINE,
        ) as process,
        _passed_on(process),
    ):
        assert process.stdout is not None
        # Not communicate(): it would close the standard input.
        said = process.stdout.read()
        process.wait()
    if process.returncode:
        if as_json:
            sys.stdout.write(said.decode())
            sys.stdout.flush()
        # A process that was killed has a negative code; a shell has it as 128 + signal.
        code = process.returncode
        raise SystemExit(code if code > 0 else 128 - code)
    if not said:
        # One of several under torchrun; the first tells the result.
        raise SystemExit(0)
    result: dict[str, Any] = json.loads(said)
    if install:
        result["installed"] = str(install_model(Path(result["model"])))
    return result


def run_job(job: TrainJob, out: Path | None = None) -> dict[str, Any]:
    """Train as a job says, or go on with it, and install the model; see :func:`run`.

    Parameters
    ----------
    job : TrainJob
    out : pathlib.Path or None
        Folder of the run; None: the job's.

    Returns
    -------
    dict
    """
    return run(
        job.params.recipe,
        out or job.output,
        options=job.options(),
        install=True,
        resume=True,
        device=job.params.device,
    )


@contextlib.contextmanager
def _passed_on(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Pass SIGINT and SIGTERM on to a process; it decides when it ends."""

    def pass_on(number: int, _frame: Any) -> None:
        if process.poll() is None:
            process.send_signal(number if sys.platform != "win32" else signal.SIGTERM)

    signals = (signal.SIGINT, signal.SIGTERM)
    try:
        before = {which: signal.signal(which, pass_on) for which in signals}
    except ValueError:  # not on the main thread: whoever runs us there handles signals
        yield
        return
    try:
        yield
    finally:
        for which, handler in before.items():
            signal.signal(which, handler)


def show(result: dict[str, Any], to: Console) -> None:
    """Show the result of :func:`run` to a person.

    Parameters
    ----------
    result : dict
        What :func:`run` returned.
    to : rich.console.Console
    """
    to.print(f"model: {result['model']}", soft_wrap=True)
    rows = [(r["generator"], r["prior"]) for r in result["figures"].values() if "prior" in r]
    gains = [ours - prior for ours, prior in rows if ours is not None and prior is not None]
    if gains:
        mean = sum(gains) / len(gains)
        to.print(f"ahead of the prior on the validation images: {mean:+.2f} dB (mean of cases)")
    use = USES.get(result["objective"])
    if use is not None:
        installed = result.get("installed")
        model = result["model"] if installed is None else Path(installed).stem
        to.print(f"use it: dualgland {use} --model {model}", soft_wrap=True)
