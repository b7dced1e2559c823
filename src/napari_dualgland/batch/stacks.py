"""A field of view that somebody wants worked on, before it is known what is to be done."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

from pydantic import Field

from napari_dualgland.errors import DualglandError
from napari_dualgland.files import home_expanded
from napari_dualgland.frozen import FrozenModel
from napari_dualgland.jobs.inputs import Detect, FileInput, LabelsFile, MaskFile
from napari_dualgland.jobs.saved import StackJob
from napari_dualgland.pixel_size import XY_UM


class StackOptions(FrozenModel):
    """What holds for a stack, whatever is done with it.

    Attributes
    ----------
    channels : dict or None
        From role to the position or name of a channel; None: the file tells.
    pixel_size : float or None
        µm per pixel, in place of what the file says.
    missing : Detect or MaskFile
        How missing pixels are found.
    cells : LabelsFile or None
        Where its cells are; None: to be found.
    """

    channels: dict[str, int | str] | None = None
    pixel_size: float | None = Field(default=None, ge=XY_UM[0], le=XY_UM[1])
    missing: Detect | MaskFile = Field(default=Detect(), discriminator="kind")
    cells: LabelsFile | None = None

    def reads(self) -> list[Path]:
        """Return the files that are read besides the image."""
        masks = [self.missing.path] if isinstance(self.missing, MaskFile) else []
        return masks + ([] if self.cells is None else [self.cells.path])

    def absolute(self) -> Self:
        """Return options that name the same files wherever they are read."""
        given = {"missing": self.missing, "cells": self.cells}
        return self.model_copy(
            update={
                name: source.model_copy(update={"path": home_expanded(source.path).absolute()})
                for name, source in given.items()
                if isinstance(source, MaskFile | LabelsFile)
            }
        )


class FoundStack(FrozenModel):
    """A field of view that was found, or that somebody named and that cannot be had.

    Attributes
    ----------
    path : pathlib.Path
        As :func:`napari_dualgland.read` takes it; absolute.
    files : tuple of pathlib.Path
        All the files or folders that it lies in.
    options : StackOptions
    jobs : tuple
        What is done, where a file of jobs says so; else empty: what the person asks for.
    error : dict or None
        Why it cannot be worked on, as :meth:`.DualglandError.as_data` tells it.
    """

    path: Path
    files: tuple[Path, ...] = ()
    options: StackOptions = StackOptions()
    jobs: tuple[StackJob, ...] = ()
    error: dict[str, Any] | None = None

    @classmethod
    def refused(cls, path: Path, error: DualglandError) -> FoundStack:
        """Return a stack that cannot be had.

        Parameters
        ----------
        path : pathlib.Path
            What the person named.
        error : DualglandError
            Why.

        Returns
        -------
        FoundStack
        """
        return cls(path=path.absolute(), error=error.as_data())

    @property
    def key(self) -> tuple[object, ...]:
        """What tells it from all others.

        Different options make of one file two stacks, and so do different jobs: somebody may ask
        for both.
        """
        return self.files or self.path, self.options.model_dump_json(), repr(self.jobs)

    def input(self) -> FileInput:
        """Return it as the input of a job."""
        told = self.options
        return FileInput(path=self.path, channels=told.channels, pixel_size=told.pixel_size)
