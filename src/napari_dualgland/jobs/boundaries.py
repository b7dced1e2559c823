"""Draw the compartments of one field of view, and measure the balance among them."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
from typing_extensions import override

from napari_dualgland.compartments.params import BoundariesParams
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.imputation.params import ImputeParams
from napari_dualgland.io import read_labels, read_mask, write
from napari_dualgland.io.targets import refuse_ending, refuse_file
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
from napari_dualgland.results import Boundaries

_ALWAYS = ("location", "model", "device")
_ENDING = "_boundaries.ome.tif"


class BoundariesJob(Job):
    """Draw the compartments of one field of view, and measure the balance among them.

    Attributes
    ----------
    input, plane, output
        As of every :class:`~napari_dualgland.jobs.base.Job`; the output is an OME-TIFF.
    cells : LabelsFile, LabelsLayer or None
        Where the cells are; None: to be found.
    missing : MaskFile or None
        What is damaged; None: to be found.
    impute_first : bool
        Whether what is damaged is filled before looking, so that before and after are told.
    params : BoundariesParams
    """

    kind: Literal["boundaries"] = "boundaries"
    cells: LabelsSource | None = None
    missing: MaskFile | None = None
    impute_first: bool = False
    params: BoundariesParams = BoundariesParams()

    @override
    def check_output(self) -> None:
        """Refuse a file that cannot be written; see :meth:`.Job.check_output`."""
        if self.output is not None:
            refuse_ending(self.output)
            refuse_file(self.output, self.reads())

    @override
    def check(self) -> None:
        """Refuse a location, model, device or output that cannot be had; see :meth:`.Job.check`."""
        from napari_dualgland.compartments.location import location_named
        from napari_dualgland.model.device import choose_device
        from napari_dualgland.model.weights import card_for

        self.check_output()
        location_named(self.params.location)
        choose_device(self.params.device)
        card_for("impute", self.params.model)

    @override
    def load(self) -> Loaded:
        """Read stack, cells and mask from files; see :meth:`.Job.load`."""
        cells = self._cells_file()
        if isinstance(cells, LabelsLayer):
            raise _in_no_file(cells)
        stack = self.read_stack()
        if self.output is not None:
            refuse_file(self.output, [Path(file) for file in stack.files])
        return Loaded(
            stack,
            None if self.missing is None else read_mask(self.missing.path),
            None if cells is None else read_labels(cells.path),
        )

    @override
    def steps(
        self, loaded: Loaded | None = None, should_stop: Callable[[], bool] = never
    ) -> Generator[Progress, None, Boundaries]:
        """Name the compartments and measure; see :meth:`.Job.steps`."""
        yield Progress(0, 0, "Loading the model")
        # Here and not above: torch takes seconds to import, and a dock should open at once.
        from napari_dualgland.compartments.draw import boundaries_steps

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
            from napari_dualgland.imputation.engine import impute_steps

            fill = ImputeParams(device=self.params.device, model=self.params.model)
            stack = filled = yield from impute_steps(stack, lost, fill, should_stop)
            notes += filled.provenance.notes
            lost = np.zeros(stack.shape, bool)
        result = yield from boundaries_steps(stack, labels, self.params, lost, should_stop)
        notes = list(dict.fromkeys([*notes, *result.provenance.notes]))
        known = {"job": self.portable(), "notes": tuple(notes)}
        return replace(result, provenance=result.provenance.model_copy(update=known))

    @override
    def save(self, result: Boundaries) -> None:
        """Write compartments and boundary map as OME-TIFF."""
        assert self.output is not None
        write(result, self.output)

    @override
    def as_python(self) -> str:
        """Return a script of the public API; see :meth:`.Job.as_python`."""
        script, cells = Script(), self._cells_file()
        if self.file is not None and not isinstance(cells, LabelsLayer):
            script.read(self.file)
        else:
            assert isinstance(self.input, LayersInput)
            script.take(self.input)
        given = []
        for name, source, reader in (
            ("cells", cells, "read_labels"),
            ("missing", self.missing, "read_mask"),
        ):
            if source is None:
                continue
            given.append(name)
            if not isinstance(source, LabelsLayer):
                script.names.add(reader)
                script.body.append(f"{name} = {reader}({str(source.path)!r})")
            else:
                assert isinstance(self.input, LayersInput)
                script.mark(name, self.input, source.layer)
        script.cut(self.plane, given)
        if self.impute_first:
            mask = ("stack", "missing") if self.missing is not None else ("stack",)
            how = {"model": self.params.model, "device": self.params.device}
            script.call("impute", mask, how)
            # What was damaged is filled: it is not looked for again.
            script.body += ["stack = result", "missing = stack.missing & False"]
        words = ["stack", *(["cells"] if cells is not None else [])]
        lost = ["missing=missing"] if self.missing is not None or self.impute_first else []
        script.call("boundaries", [*words, *lost], told(self.params, _ALWAYS))
        if self.file is not None and not script.in_napari:
            script.write(self.output or self.beside(_ENDING))
        return str(script)

    @override
    def as_command(self) -> str:
        """Return the shell line; see :meth:`.Job.as_command`."""
        file, cells = file_of(self.input, "the command line"), self._cells_file()
        refuse_plane(self.plane)
        paths: dict[str, object] = {"out": self.output or self.beside(_ENDING)}
        for name, source in (("cells", cells), ("missing", self.missing)):
            if isinstance(source, LabelsLayer):
                raise _in_no_file(source)
            paths |= {name: source.path} if source is not None else {}
        words = ["dualgland", "boundaries", path_word(file.path), *flags(paths)]
        words += channels_option(file.channels)
        words += pixel_size_option(file.pixel_size)
        words += ["--impute-first"] if self.impute_first else []
        return shlex.join([*words, *flags(told(self.params, _ALWAYS))])

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
