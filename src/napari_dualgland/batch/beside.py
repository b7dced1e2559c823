"""What a batch leaves beside the result of a job: the balance of the cells, as a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from napari_dualgland.jobs.base import Job
from napari_dualgland.jobs.boundaries import BoundariesJob
from napari_dualgland.results import Boundaries


def results_of(job: Job) -> list[Path]:
    """Return the files and folders that a job leaves in a batch."""
    table = _table_of(job)
    return [path for path in (job.output, table) if path is not None]


def write_beside(job: Job, result: Any) -> None:
    """Write what goes beside the result of a job, if anything does.

    Parameters
    ----------
    job : Job
        Its result is written.
    result : object
        What came out.

    Raises
    ------
    DualglandError
        If it cannot be written.
    """
    table = _table_of(job)
    if table is not None and isinstance(result, Boundaries):
        from napari_dualgland.io.boundaries_writing import write_table

        write_table(result.set_points, table)


def _table_of(job: Job) -> Path | None:
    if not isinstance(job, BoundariesJob) or job.output is None:
        return None
    stem = job.output.name.removesuffix(".ome.tif").removesuffix("_boundaries")
    return job.output.with_name(f"{stem}_set_points.csv")
