"""What every format is: it says which files it would write, and fills them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from napari_dualgland.io.writing.content import Content
from napari_dualgland.io.writing.planned import PlannedFile


class Format(ABC):
    """A way to write a field.

    Attributes
    ----------
    name : str
        For people.
    endings : tuple of str
        Of names that stand for it, the usual one first.
    about : str
        What it is good for, in a biologist's words.
    is_folder : bool
        Whether what is written is one folder.
    """

    name: ClassVar[str]
    endings: ClassVar[tuple[str, ...]]
    about: ClassVar[str]
    is_folder: ClassVar[bool] = False

    @abstractmethod
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

    @abstractmethod
    def files(self, content: Content, path: Path) -> list[PlannedFile]:
        """Return what would be written; nothing is.

        Parameters
        ----------
        content : Content
        path : pathlib.Path
            As the person has named it.

        Returns
        -------
        list of PlannedFile
        """

    @abstractmethod
    def fill(self, content: Content, beside: Mapping[Path, Path]) -> None:
        """Write the files.

        Parameters
        ----------
        content : Content
        beside : mapping
            From each planned path to the one that is to be written; the caller renames.
        """
