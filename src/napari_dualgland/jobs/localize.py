"""Say in which places of each cell of one field of view the protein is."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
from typing_extensions import override

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.imputation.params import ImputeParams
from napari_dualgland.io import read_labels, read_mask
from napari_dualgland.io.atomic import replacing_all
from napari_dualgland.io.localization_writing import WRITTEN, making, write_files
from napari_dualgland.io.targets import refuse_folder
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
from napari_dualgland.localization.params import LocalizeParams
from napari_dualgland.progress import Progress
from napari_dualgland.results import Localization

OVERLAY = "overlay.png"
FILES = (*WRITTEN, OVERLAY)
"""What a localization leaves in its folder."""

_ALWAYS = ("model", "device")


class LocalizeJob(Job):
    """Say in which places of each cell of one field of view the protein is.

    Attributes
    ----------
    input, plane, output
        As of every :class:`~napari_dualgland.jobs.base.Job`; the output is a folder.
    cells : LabelsFile, LabelsLayer or None
        Where the cells are; None: to be found.
    missing : MaskFile or None
        What is damaged; None: to be found.
    impute_first : bool
        Whether what is damaged is filled before looking.
    params : LocalizeParams
    """

    kind: Literal["localize"] = "localize"
    cells: LabelsSource | None = None
    missing: MaskFile | None = None
    impute_first: bool = False
    params: LocalizeParams = LocalizeParams()

    @property
    @override
    def _folder(self) -> Path | None:
        return None if self.output is None else self.output.absolute()

    @override
    def check_output(self) -> None:
        """Refuse a folder that cannot be written to; see :meth:`.Job.check_output`."""
        if self.output is not None:
            refuse_folder(self.output, FILES, self.reads())

    @override
    def check(self) -> None:
        """Refuse a model, a device or an output that cannot be had; see :meth:`.Job.check`."""
        from napari_dualgland.model.device import choose_device
        from napari_dualgland.model.weights import card_for

        self.check_output()
        choose_device(self.params.device)
        card_for("localize", self.params.model)

    @override
    def load(self) -> Loaded:
        """Read stack, cells and mask from files; see :meth:`.Job.load`."""
        cells = self._labels_file()
        if isinstance(cells, LabelsLayer):
            raise _in_no_file(cells)
        stack = self.read_stack()
        if self.output is not None:
            refuse_folder(self.output, FILES, [Path(file) for file in stack.files])
        if "protein" not in stack.roles:
            raise DualglandError(
                Kind.LACKING,
                stack.where,
                "no channel is the protein",
                part="protein",
                way_out="say it with --channels",
            )
        return Loaded(
            stack,
            None if self.missing is None else read_mask(self.missing.path),
            None if cells is None else read_labels(cells.path),
        )

    @override
    def steps(
        self, loaded: Loaded | None = None, should_stop: Callable[[], bool] = never
    ) -> Generator[Progress, None, Localization]:
        """Find the cells and read each; see :meth:`.Job.steps`. The provenance carries the job."""
        yield Progress(0, 0, "Loading the model")
        # Here and not above: torch takes seconds to import, and a dock should open at once.
        from napari_dualgland.localization.predict import localize_steps

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
        notes: list[str] = []
        if self.impute_first:
            from napari_dualgland.imputation.engine import impute_steps

            fill = ImputeParams(device=self.params.device)
            stack = filled = yield from impute_steps(stack, lost, fill, should_stop)
            notes += filled.provenance.notes
            lost = np.zeros(stack.shape, bool)
        result = yield from localize_steps(stack, labels, self.params, lost, should_stop)
        notes = list(dict.fromkeys([*notes, *result.provenance.notes]))
        known = {"job": self.portable(), "notes": tuple(notes)}
        return replace(result, provenance=result.provenance.model_copy(update=known))

    @override
    def save(self, result: Localization) -> None:
        """Write table, cells, maps and picture into the folder: all of them or none."""
        assert self.output is not None
        save_localization(result, self.output)

    @override
    def as_python(self) -> str:
        """Return a script of the public API; see :meth:`.Job.as_python`."""
        script, cells = Script(), self._labels_file()
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
        options = told(self.params, _ALWAYS)
        if self.missing is not None:
            script.names.add("read_mask")
            script.body.append(f"missing = read_mask({str(self.missing.path)!r})")
        given = ["cells"] * (cells is not None) + ["missing"] * (self.missing is not None)
        script.cut(self.plane, given)
        if self.impute_first:
            mask = ("stack", "missing") if self.missing is not None else ("stack",)
            script.call("impute", mask, {"device": self.params.device})
            # What was damaged is filled: it is not looked for again.
            script.body += ["stack = result", "missing = stack.missing & False"]
        lost = ["missing=missing"] if self.missing is not None or self.impute_first else []
        script.call("localize", ["stack", *given[: cells is not None], *lost], options)
        if self.file is not None and not script.in_napari:
            script.write(self.output or self.beside("_localized"))
        return str(script)

    def _labels_file(self) -> LabelsFile | LabelsLayer | None:
        """Return where the cells are; their file where a layer shows just what is in one."""
        if isinstance(self.cells, LabelsLayer) and self.cells.layer.path is not None:
            return LabelsFile(path=self.cells.layer.path)
        return self.cells

    @override
    def as_command(self) -> str:
        """Return the shell line; see :meth:`.Job.as_command`."""
        file = file_of(self.input, "the command line")
        refuse_plane(self.plane)
        cells = self._labels_file()
        if isinstance(cells, LabelsLayer):
            raise _in_no_file(cells)
        paths: dict[str, object] = {"out": self.output or self.beside("_localized")}
        paths |= {"cells": cells.path} if cells is not None else {}
        paths |= {"missing": self.missing.path} if self.missing is not None else {}
        words = ["dualgland", "localize", path_word(file.path), *flags(paths)]
        words += channels_option(file.channels)
        words += pixel_size_option(file.pixel_size)
        words += ["--impute-first"] if self.impute_first else []
        return shlex.join([*words, *flags(told(self.params, _ALWAYS))])


def save_localization(result: Localization, folder: Path) -> None:
    """Write table, cells, maps and picture into a folder: all of them or none.

    Parameters
    ----------
    result : Localization
    folder : pathlib.Path
        Made where it is not there.

    Raises
    ------
    DualglandError
        If it cannot be written there.
    """
    from napari_dualgland.localization.picture import picture

    with making(folder), replacing_all([folder / name for name in FILES]) as beside:
        *files, overlay = beside
        write_files(result, dict(zip(WRITTEN, files, strict=True)))
        # Of micrographs the lowest level leaves the smallest file, in a fifth of the time.
        picture(result).save(overlay, format="PNG", compress_level=1)


def _in_no_file(source: LabelsLayer) -> DualglandError:
    return DualglandError(
        Kind.LACKING,
        source.layer.name,
        "the layer is in no file",
        way_out="save it as TIFF and open that, or copy as Python",
    )
