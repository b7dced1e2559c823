"""A mask that was painted, saved beside its image, so that a shell line can name it."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

from qtpy.QtWidgets import QWidget

from napari_dualgland.errors import DualglandError
from napari_dualgland.io.mask_writing import write_mask
from napari_dualgland.jobs import ImputeJob, Loaded, MaskFile, MaskLayer
from napari_dualgland.progress import Progress
from napari_dualgland.stack import ROLES
from napari_dualgland.widgets.kit.ask_file import ask_file
from napari_dualgland.widgets.kit.dock import Dock


def copy_command(dock: Dock) -> None:
    """Copy the shell line of a dock's job; a mask that was painted is saved for it first.

    Parameters
    ----------
    dock : Dock
        Whose job imputes.
    """
    try:
        job = dock.copied()
        path = ask_where(dock, job) if is_in_no_file(job) else None
        if path is None:
            dock.copy(job.as_command)
            return
        loaded = dock.load(job)
    except DualglandError as error:
        dock.tell(error)
        return
    thread = dock.in_background(lambda _: saving(job, loaded, path))
    thread.succeeded.connect(lambda saved: dock.copy(saved.as_command))
    thread.failed.connect(dock.tell)


def is_in_no_file(job: ImputeJob) -> bool:
    """Tell whether a job's image is in a file, and its mask is not."""
    missing = job.missing
    painted = isinstance(missing, MaskLayer) and missing.layer.path is None
    return painted and job.file is not None and job.plane is None


def ask_where(parent: QWidget, job: ImputeJob) -> Path | None:
    """Ask where the mask is to lie; beside the image unless somebody says otherwise.

    Parameters
    ----------
    parent : QWidget
        Over which the question lies.
    job : ImputeJob

    Returns
    -------
    pathlib.Path or None
        None where the person wants none.
    """
    return ask_file(
        parent,
        "The mask is painted and in no file: save it for the command to use",
        str(job.beside("_missing.tif")),
        "TIFF (*.tif *.tiff)",
        (".tif", ".tiff"),
        "the painted mask",
    )


def saving(job: ImputeJob, loaded: Loaded, path: Path) -> Generator[Progress, None, ImputeJob]:
    """Save the mask of a job and return the job that reads it from there.

    Parameters
    ----------
    job : ImputeJob
        Its mask is in no file.
    loaded : Loaded
        What it works on.
    path : pathlib.Path
        Where the mask is to lie.

    Yields
    ------
    Progress

    Returns
    -------
    ImputeJob
        With the same pixels missing, in the channels that were chosen, whatever the file's
        channels are called.
    """
    found = yield from job.find_steps(loaded)
    write_mask(found.missing, found.stack, path, job.read_stack())
    update = {"missing": MaskFile(path=path), "roles": ROLES, "region": None}
    return job.model_copy(update=update)
