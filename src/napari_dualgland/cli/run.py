"""``dualgland run``: a job again, from its JSON or from what it has written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_dualgland.cli import boundaries, impute, localize, train
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.jobs import BoundariesJob, ImputeJob, TrainJob, load_job

if TYPE_CHECKING:
    from rich.console import Console


def run(path: Path, out: Path | None) -> dict[str, Any]:
    """Do a job and write the result.

    Parameters
    ----------
    path : pathlib.Path
        JSON, or a TIFF that a job has written.
    out : pathlib.Path or None
        Where the result goes; None: where the job says.

    Returns
    -------
    dict
        What the command line's verb of that name tells of it.

    Raises
    ------
    DualglandError
        If the file holds no job, or nobody says where the result goes.
    """
    job = load_job(path)
    if isinstance(job, TrainJob):
        return {"kind": job.kind, **train.run_job(job, out)}
    if out is not None:
        job = job.model_copy(update={"output": out})
    if job.output is None:
        found = "the job does not say where its result goes"
        raise DualglandError(Kind.LACKING, path, found, part="output", way_out="give --out")
    if isinstance(job, ImputeJob):
        return {"kind": job.kind, **impute.run(job)}
    if isinstance(job, BoundariesJob):
        return {"kind": job.kind, **boundaries.run(job, None)}
    return {"kind": job.kind, **localize.run(job)}


def show(result: dict[str, Any], to: Console) -> None:
    """Show the result of :func:`run` to a person.

    Parameters
    ----------
    result : dict
        What :func:`run` returned.
    to : rich.console.Console
    """
    verbs: dict[str, Any] = {"impute": impute, "localize": localize}
    verbs |= {"boundaries": boundaries, "train": train}
    verbs[result["kind"]].show(result, to)
