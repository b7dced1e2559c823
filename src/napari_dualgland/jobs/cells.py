"""Jobs that look at the cells of a field of view: what they read, fill first, and write down."""

from __future__ import annotations

import shlex
from abc import abstractmethod
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from typing_extensions import override

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.imputation.params import ImputeParams
from napari_dualgland.io import read_labels, read_mask
from napari_dualgland.jobs.base import Job, never
from napari_dualgland.jobs.channel_words import channels_option
from napari_dualgland.jobs.code import Script, flags, path_word, refuse_plane, told
from napari_dualgland.jobs.inputs import (
    LabelsFile,
    LabelsLayer,
    LabelsSource,
    LayersInput,
    Loaded,
    MaskFile,
    file_of,
    pixel_size_option,
)
from napari_dualgland.progress import Progress
from napari_dualgland.stack import Stack
from napari_dualgland.typing import LazyArray


class CellsJob(Job):
    """Look at the cells of one field of view.

    Attributes
    ----------
    input, plane, output
        As of every :class:`~napari_dualgland.jobs.base.Job`.
    cells : LabelsFile, LabelsLayer or None
        Where the cells are; None: to be found.
    missing : MaskFile or None
        What is damaged; None: to be found.
    impute_first : bool
        Whether what is damaged is filled before looking.
    """

    cells: LabelsSource | None = None
    missing: MaskFile | None = None
    impute_first: bool = False

    ending: ClassVar[str]
    """Of the output's name, where nobody says otherwise."""
    always: ClassVar[tuple[str, ...]]
    """Parameters that are written down even where they are the default."""
    filled_with: ClassVar[tuple[str, ...]] = ("device",)
    """Parameters that hold for filling, too."""

    @abstractmethod
    def look_steps(
        self,
        stack: Stack,
        labels: LazyArray | None,
        missing: LazyArray | None,
        should_stop: Callable[[], bool],
    ) -> Generator[Progress, None, Any]:
        """Look at the cells.

        Parameters
        ----------
        stack : Stack
        labels : numpy.ndarray, dask.array.Array or None
            Of the cells; None: to be found.
        missing : numpy.ndarray, dask.array.Array or None
            Shape of the stack; None: to be found.
        should_stop : callable
            Asked between tiles and cells.

        Yields
        ------
        Progress

        Returns
        -------
        object
            A result with a provenance.
        """

    @override
    def load(self) -> Loaded:
        """Read stack, cells and mask from files; see :meth:`.Job.load`."""
        cells = self._cells_file()
        if isinstance(cells, LabelsLayer):
            raise _in_no_file(cells)
        stack = self.read_stack()
        self.refuse_over([Path(file) for file in stack.files])
        return Loaded(
            stack,
            None if self.missing is None else read_mask(self.missing.path),
            None if cells is None else read_labels(cells.path),
        )

    @abstractmethod
    def refuse_over(self, read: list[Path]) -> None:
        """Refuse an output that cannot be written, or would replace one of these files.

        Raises
        ------
        DualglandError
        """

    @override
    def check_output(self) -> None:
        """Refuse an output that cannot be written; see :meth:`.Job.check_output`."""
        self.refuse_over(self.reads())

    @override
    def steps(
        self, loaded: Loaded | None = None, should_stop: Callable[[], bool] = never
    ) -> Generator[Progress, None, Any]:
        """Fill what is damaged, if asked for, and look; see :meth:`.Job.steps`.

        The provenance carries the job.
        """
        yield Progress(0, 0, "Loading the model")
        loaded = loaded or self.load()
        whole, cells, missing = loaded.stack, loaded.cells, loaded.missing
        stack = whole
        if self.plane is not None:
            at = self.plane.t, self.plane.z
            stack = whole.plane(*at)
            cells = None if cells is None else cells.plane(whole, *at)
            missing = None if missing is None else missing.plane(whole, *at)
        labels = None if cells is None else cells.labels(stack)
        lost = None if missing is None else missing.fitted(stack)
        notes = list(stack.notes)
        if self.impute_first:
            # Here and not above: torch takes seconds to import, and a dock should open at once.
            from napari_dualgland.imputation.engine import impute_steps

            fill = ImputeParams(**self._filled_with())
            stack = filled = yield from impute_steps(stack, lost, fill, should_stop)
            notes += filled.provenance.notes
            lost = np.zeros(stack.shape, bool) if lost is None else filled.left_out(lost)
        result = yield from self.look_steps(stack, labels, lost, should_stop)
        notes = list(dict.fromkeys([*notes, *result.provenance.notes]))
        known = {"job": self.portable(), "notes": tuple(notes)}
        return replace(result, provenance=result.provenance.model_copy(update=known))

    @override
    def as_python(self) -> str:
        """Return a script of the public API; see :meth:`.Job.as_python`."""
        script, cells = Script(), self._cells_file()
        if self.file is not None and not isinstance(cells, LabelsLayer):
            script.read(self.file)
        else:
            assert isinstance(self.input, LayersInput)
            script.take(self.input)
        if script.in_napari and isinstance(self.cells, LabelsLayer):
            assert isinstance(self.input, LayersInput)
            script.mark("cells", self.input, self.cells.layer)
        elif isinstance(cells, LabelsFile):
            script.names.add("read_labels")
            script.body.append(f"cells = read_labels({str(cells.path)!r})")
        if self.missing is not None:
            script.names.add("read_mask")
            script.body.append(f"missing = read_mask({str(self.missing.path)!r})")
        labels = ["cells"] * (cells is not None)
        mask = ["missing"] * (self.missing is not None)
        script.cut(self.plane, [*labels, *mask])
        if self.impute_first:
            script.body += [f"{name} = {name}.fitted(stack)" for name in mask]
            script.call("impute", ["stack", *mask], self._filled_with())
            # What was damaged is filled: it is not looked for again.
            left = "stack.left_out(missing)" if mask else "stack.missing & False"
            script.body += ["stack = result", f"missing = {left}"]
            mask = ["missing"]
        given = ["stack", *labels, *(f"{name}={name}" for name in mask)]
        script.call(self._verb, given, told(self._params, self.always))
        if self.file is not None and not script.in_napari:
            script.write(self.output or self.beside(self.ending))
        return str(script)

    @override
    def as_command(self) -> str:
        """Return the shell line; see :meth:`.Job.as_command`."""
        file, cells = file_of(self.input, "the command line"), self._cells_file()
        refuse_plane(self.plane)
        if isinstance(cells, LabelsLayer):
            raise _in_no_file(cells)
        paths: dict[str, object] = {"out": self.output or self.beside(self.ending)}
        paths |= {"cells": cells.path} if cells is not None else {}
        paths |= {"missing": self.missing.path} if self.missing is not None else {}
        words = ["dualgland", self._verb, path_word(file.path), *flags(paths)]
        words += channels_option(file.channels)
        words += pixel_size_option(file.pixel_size)
        words += ["--impute-first"] if self.impute_first else []
        return shlex.join([*words, *flags(told(self._params, self.always))])

    @property
    def _verb(self) -> str:
        """What the public API and the command line call it."""
        return str(type(self).model_fields["kind"].default)

    def _filled_with(self) -> dict[str, Any]:
        return {name: getattr(self._params, name) for name in self.filled_with}

    def _cells_file(self) -> LabelsFile | LabelsLayer | None:
        """Return where the cells are; their file where a layer shows just what is in one."""
        if isinstance(self.cells, LabelsLayer) and self.cells.layer.path is not None:
            return LabelsFile(path=self.cells.layer.path)
        return self.cells


def _in_no_file(source: LabelsLayer) -> DualglandError:
    return DualglandError(
        Kind.LACKING,
        source.layer.name,
        "the layer is in no file",
        way_out="save it as TIFF and open that, or copy as Python",
    )
