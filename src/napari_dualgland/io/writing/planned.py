"""What will be written, told before anything is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class PlannedFile:
    """A file, or a folder that is one thing, such as an OME-Zarr.

    Attributes
    ----------
    path : pathlib.Path
    holds : str
        What is in it, in a biologist's words.
    axes : str
        Of the pixels; empty where it holds none.
    shape : tuple of int
    dtype : str
    nbytes : int
        Of all that it holds, before compression; 0 where nobody knows.
    """

    path: Path
    holds: str
    axes: str = ""
    shape: tuple[int, ...] = ()
    dtype: str = ""
    nbytes: int = 0

    @classmethod
    def of_pixels(
        cls, path: Path, holds: str, axes: str, shape: tuple[int, ...], dtype: np.dtype[Any]
    ) -> PlannedFile:
        """Return a file of pixels.

        Parameters
        ----------
        path : pathlib.Path
        holds : str
        axes : str
        shape : tuple of int
        dtype : numpy.dtype

        Returns
        -------
        PlannedFile
        """
        nbytes = math.prod(shape) * dtype.itemsize
        return cls(path, holds, axes, shape, dtype.name, nbytes)

    @property
    def is_there(self) -> bool:
        """Whether something of this name is there, which would be replaced."""
        return self.path.exists()


@dataclass(frozen=True)
class Plan:
    """All that an export will write.

    Attributes
    ----------
    format : str
        Name of the format.
    field : str
        Whose result it is: the name of the field of view.
    files : tuple of PlannedFile
    notes : tuple of str
        What a person should know before: which fill, what is left out.
    """

    format: str
    field: str
    files: tuple[PlannedFile, ...]
    notes: tuple[str, ...] = ()

    @property
    def replaced(self) -> tuple[Path, ...]:
        """What is there already and would be replaced."""
        return tuple(file.path for file in self.files if file.is_there)
