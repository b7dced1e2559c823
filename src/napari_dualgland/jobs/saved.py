"""Jobs that lie in a file: by themselves as JSON, or in what they have written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.files import decoding, home_expanded, regular
from napari_dualgland.frozen import first_fault
from napari_dualgland.io import read
from napari_dualgland.io.hpa import parse_name
from napari_dualgland.io.record import KEY, Record
from napari_dualgland.io.tiff import is_tiff, read_tiff
from napari_dualgland.io.zarr import is_ome_zarr, read_ome_zarr
from napari_dualgland.jobs.boundaries import BoundariesJob
from napari_dualgland.jobs.impute import ImputeJob
from napari_dualgland.jobs.localize import LocalizeJob
from napari_dualgland.jobs.train import TrainJob
from napari_dualgland.memory import in_words
from napari_dualgland.provenance import Provenance

OnStack = ImputeJob | LocalizeJob | BoundariesJob
StackJob = Annotated[OnStack, Field(discriminator="kind")]
"""A job that is done for a field of view."""
AnyJob = Annotated[OnStack | TrainJob, Field(discriminator="kind")]

_MOST_BYTES = 2**24
"""A job is a page of text."""

_READER: TypeAdapter[OnStack | TrainJob] = TypeAdapter(AnyJob)


def parse_job(told: Any, where: str) -> OnStack | TrainJob:
    """Return the job that a record of JSON tells.

    Parameters
    ----------
    told : object
        As JSON is read.
    where : str
        What a message calls it.

    Returns
    -------
    ImputeJob, LocalizeJob, BoundariesJob or TrainJob

    Raises
    ------
    DualglandError
        If it is none; the message names the field.
    """
    try:
        return _READER.validate_python(told)
    except ValidationError as error:
        at, why = first_fault(error)
        raise DualglandError(
            Kind.WRONG_CONTENT,
            where,
            f"is no job ({why})",
            part=at,
            way_out="give a .json, or an OME-TIFF of dualgland",
        ) from None


def on_stack(job: OnStack | TrainJob) -> OnStack:
    """Return a job, if it is done for a field of view.

    Raises
    ------
    DualglandError
        If it trains a model.
    """
    if isinstance(job, TrainJob):
        found = "it trains a model, which is no work on a stack"
        raise DualglandError(Kind.BAD_VALUE, "the job", found, way_out="give it to dualgland run")
    return job


def load_job(path: str | Path) -> OnStack | TrainJob:
    """Read a job.

    Parameters
    ----------
    path : str or pathlib.Path
        JSON, or what a job has written: a TIFF, an OME-Zarr, a picture of a set or the record
        beside it. Relative paths in it are seen from its folder.

    Returns
    -------
    ImputeJob, LocalizeJob, BoundariesJob or TrainJob
        That of an image has no output: what is there is not replaced.

    Raises
    ------
    DualglandError
        If the file holds no job.
    """
    path = home_expanded(path)
    told: Any
    if is_ome_zarr(path):
        told = _job_of(path, read_ome_zarr(path).provenance)
    elif parse_name(path.name) is not None:
        told = _job_of(path, read(path).provenance)
    elif is_tiff(regular(path, "job")):
        told = _job_of(path, read_tiff(path, lazy=True).provenance)
    else:
        told = _read_json(path)
        if isinstance(told, dict) and KEY in told:
            record = Record.parsed(told[KEY])
            told = _job_of(path, None if record is None else record.provenance)
    return parse_job(told, str(path)).found_from(path.absolute().parent)


def _job_of(path: Path, provenance: Provenance | None) -> dict[str, Any]:
    if provenance is None or provenance.job is None:
        found = "the file does not say which job has written it"
        raise DualglandError(Kind.LACKING, path, found, way_out="give a job in JSON")
    return provenance.job


def _read_json(path: Path) -> Any:
    if path.stat().st_size > _MOST_BYTES:
        found = f"is of {in_words(path.stat().st_size)}"
        raise DualglandError(
            Kind.WRONG_CONTENT, path, found, expected=f"a job, of {in_words(_MOST_BYTES)} at most"
        )
    with decoding(path, "job"):
        content = path.read_bytes()
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:  # ValueError: no JSON, no UTF-8, too many digits
        found = f"is no JSON ({str(error)[:200]})"
        way_out = "give a .json, or an OME-TIFF of dualgland"
        raise DualglandError(Kind.WRONG_CONTENT, path, found, way_out=way_out) from None
