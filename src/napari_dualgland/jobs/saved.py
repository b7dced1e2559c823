"""Jobs that lie in a file: by themselves as JSON, or in what they have written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from napari_dualgland.errors import DualglandError
from napari_dualgland.io.tiff import is_tiff, read_tiff
from napari_dualgland.jobs.impute import ImputeJob
from napari_dualgland.jobs.localize import LocalizeJob

AnyJob = Annotated[ImputeJob | LocalizeJob, Field(discriminator="kind")]

_READER: TypeAdapter[ImputeJob | LocalizeJob] = TypeAdapter(AnyJob)


def parse_job(told: Any, where: str) -> ImputeJob | LocalizeJob:
    """Return the job that a record of JSON tells.

    Parameters
    ----------
    told : object
        As JSON is read.
    where : str
        What a message calls it.

    Returns
    -------
    ImputeJob or LocalizeJob

    Raises
    ------
    DualglandError
        If it is none; the message names the field.
    """
    try:
        return _READER.validate_python(told)
    except ValidationError as error:
        first = error.errors()[0]
        at = ".".join(str(part) for part in first["loc"])
        raise DualglandError(f"{where}: is no job ({at or 'the whole'}: {first['msg']})") from None


def load_job(path: str | Path) -> ImputeJob | LocalizeJob:
    """Read a job.

    Parameters
    ----------
    path : str or pathlib.Path
        JSON, or a TIFF that a job has written. Relative paths in it are seen from its folder.

    Returns
    -------
    ImputeJob or LocalizeJob
        That of a TIFF has no output: what is there is not replaced.

    Raises
    ------
    DualglandError
        If the file holds no job.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise DualglandError(f"{path}: no such job; give a .json, or an OME-TIFF of dualgland")
    if is_tiff(path):
        provenance = read_tiff(path, lazy=True).provenance
        if provenance is None or provenance.job is None:
            raise DualglandError(f"{path}: the file does not say which job has written it")
        told: Any = provenance.job
    else:
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
        except (ValueError, OSError, RecursionError) as error:
            raise DualglandError(f"{path}: is no JSON ({error})") from None
    return parse_job(told, str(path)).found_from(path.absolute().parent)
