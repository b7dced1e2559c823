"""The formats in which fields are written, and which of them a name stands for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.io.writing.content import Content
from napari_dualgland.io.writing.hpa_set import HpaFiles
from napari_dualgland.io.writing.imagej import ImageJTiff
from napari_dualgland.io.writing.ome_tiff import OmeTiff
from napari_dualgland.io.writing.ome_zarr import OmeZarr
from napari_dualgland.io.writing.planned import PlannedFile


class Format(Protocol):
    """A way to write a field.

    Attributes
    ----------
    key : str
        Stable, for programs.
    name : str
        For people.
    endings : tuple of str
        Of names that stand for it, the usual one first.
    about : str
        What it is good for, in a biologist's words.
    is_folder : bool
        Whether what is written is a folder.
    """

    @property
    def key(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def endings(self) -> tuple[str, ...]: ...
    @property
    def about(self) -> str: ...
    @property
    def is_folder(self) -> bool: ...

    def refuse(self, content: Content, path: Path) -> None:
        """Refuse what the format cannot hold.

        Parameters
        ----------
        content : Content
        path : pathlib.Path
            As the person has named it.

        Raises
        ------
        DualglandError
        """

    def files(self, content: Content, path: Path) -> list[PlannedFile]:
        """Return what will be written; nothing is.

        Parameters
        ----------
        content : Content
        path : pathlib.Path
            As the person has named it.

        Returns
        -------
        list of PlannedFile
        """

    def fill(self, content: Content, beside: Mapping[Path, Path]) -> None:
        """Write the files.

        Parameters
        ----------
        content : Content
        beside : mapping
            From each planned path to the one that is to be written; the caller renames.
        """


FORMATS: tuple[Format, ...] = (OmeTiff(), ImageJTiff(), OmeZarr(), HpaFiles())
"""The first whose ending fits is meant, so the longest endings come first."""


def format_of(path: Path) -> Format:
    """Return the format that a name stands for.

    Raises
    ------
    DualglandError
        If its ending is none that is written.
    """
    name = path.name.lower()
    fitting = [(e, f) for f in FORMATS for e in f.endings if name.endswith(e) and name != e]
    if fitting:
        return max(fitting, key=lambda pair: len(pair[0]))[1]
    endings = [ending for f in FORMATS for ending in f.endings]
    found = f"the name must end in {', '.join(endings[:-1])} or {endings[-1]}"
    raise DualglandError(Kind.BAD_VALUE, path, found, way_out="the ending says the format")
