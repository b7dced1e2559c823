"""What all jobs are: an input, a plane, an output; and where a file may be written."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from napari_dualgland.files import home_expanded
from napari_dualgland.frozen import FrozenModel
from napari_dualgland.io import read
from napari_dualgland.io.hpa import parse_name
from napari_dualgland.jobs.inputs import FileInput, Input, Loaded, Plane, file_of
from napari_dualgland.progress import Progress
from napari_dualgland.stack import Stack


def never() -> bool:
    """Return False: nobody wants it to stop."""
    return False


class Job(FrozenModel, ABC):
    """A run as a value.

    Attributes
    ----------
    input : FileInput or LayersInput
        The field of view.
    plane : Plane or None
        The plane of it that is worked on; None: all.
    output : pathlib.Path or None
        Where the result goes; None: nowhere yet.
    """

    input: Input
    plane: Plane | None = None
    output: Path | None = None

    @abstractmethod
    def check_output(self) -> None:
        """Refuse an output that cannot be written, or is read from; at once, in any place.

        Raises
        ------
        DualglandError
            Of kind ``bad-value``, ``conflict``, ``not-there``, ``unwritable`` and the like.
        """

    @abstractmethod
    def load(self) -> Loaded:
        """Read what the job works on from files.

        Raises
        ------
        DualglandError
            If it is in no file, or one cannot be read, or the output would replace it.
        """

    @abstractmethod
    def steps(
        self, loaded: Loaded | None = None, should_stop: Callable[[], bool] = never
    ) -> Generator[Progress, None, Any]:
        """Do it: yield progress, return the result.

        Parameters
        ----------
        loaded : Loaded, optional
            What it works on; read from files if left out.
        should_stop : callable
            Asked between tiles.

        Returns
        -------
        object
            Of the kind that the job makes.

        Yields
        ------
        Progress
        """

    @abstractmethod
    def check(self) -> None:
        """Refuse at once what could not be done after minutes of work.

        Raises
        ------
        DualglandError
            For a model or device that does not exist, or an output that cannot be written.
        """

    @abstractmethod
    def save(self, result: Any) -> None:
        """Write a result where :attr:`output` says."""

    @abstractmethod
    def as_python(self) -> str:
        """Return a script of the public API that computes the same pixels."""

    @abstractmethod
    def as_command(self) -> str:
        """Return the shell line that computes the same pixels.

        Raises
        ------
        DualglandError
            If there is none.
        """

    @property
    def file(self) -> FileInput | None:
        """The file that holds the field of view, if one does."""
        return self.input if isinstance(self.input, FileInput) else self.input.file

    def reads(self) -> list[Path]:
        """Return every path that the job reads: images, masks, labels, layers' files, weights."""
        told = self.model_dump(exclude={"output"})
        weights = home_expanded(told["params"]["model"])
        return [*_paths_in(told), *([weights] if weights.is_file() else [])]

    def beside(self, ending: str) -> Path:
        """Return where a result goes if nobody says otherwise: beside the input, never over it."""
        path = file_of(self.input, "a program").path
        name = parse_name(path.name)
        stem = name.stem if name else path.name.removesuffix(".gz").rsplit(".", 1)[0]
        return path.with_name(f"{stem.removesuffix('.ome')}{ending}")

    def portable(self) -> dict[str, Any]:
        """Return the job as a file of ours carries it: as JSON, paths seen from that file.

        Where no output is known, of paths only the names are kept: a folder may say too much.
        """
        told = self.model_dump(mode="json", exclude={"output"}, exclude_none=True)
        seen: dict[str, Any] = _seen_from(told, self._folder)
        return seen

    @property
    def _params(self) -> Any:
        return self.params  # type: ignore[attr-defined]  # each has its own

    def _refuse_model(self, kind: str) -> None:
        """Refuse a device that is not there, or a model that is not, or not of this kind."""
        from napari_dualgland.model.device import choose_device
        from napari_dualgland.model.weights import card_for

        choose_device(self._params.device)
        card_for(kind, self._params.model)

    @property
    def _folder(self) -> Path | None:
        """Where what it writes lies."""
        return None if self.output is None else self.output.absolute().parent

    def found_from(self, folder: Path) -> Self:
        """Return the job with relative paths seen from a folder."""
        told = self.model_dump(mode="json", exclude_none=True)
        return type(self).model_validate(_joined(told, folder))

    def read_stack(self) -> Stack:
        """Return the field of view from its file.

        Raises
        ------
        DualglandError
            If it is in no file, or that cannot be read.
        """
        given = file_of(self.input, "the command line")
        return read(given.path, channels=given.channels, pixel_size=given.pixel_size)


def _seen_from(value: Any, folder: Path | None) -> Any:
    if isinstance(value, list):
        return [_seen_from(item, folder) for item in value]
    if not isinstance(value, dict):
        return value
    seen = {key: _seen_from(item, folder) for key, item in value.items()}
    for key, told in seen.items():
        if not _is_path(key, told):
            continue
        path = home_expanded(told)
        try:
            near = None if folder is None else os.path.relpath(path.absolute(), folder)
        except ValueError:  # on another drive
            near = None
        seen[key] = path.name if near is None else Path(near).as_posix()
    return seen


def _is_path(key: str, value: Any) -> bool:
    """Whether a field of a job says where a file lies; a model may be known by its name."""
    is_model = key == "model" and str(value).endswith((".safetensors", ".json"))
    return isinstance(value, str) and (is_model or key in ("path", "output"))


def _paths_in(value: Any) -> Iterator[Path]:
    """Yield every path in a record."""
    if isinstance(value, Path):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _paths_in(item)


def _joined(value: Any, folder: Path) -> Any:
    if isinstance(value, list):
        return [_joined(item, folder) for item in value]
    if not isinstance(value, dict):
        return value
    joined = {key: _joined(item, folder) for key, item in value.items()}
    paths = {key: told for key, told in joined.items() if _is_path(key, told)}
    return joined | {key: str(folder / home_expanded(told)) for key, told in paths.items()}
