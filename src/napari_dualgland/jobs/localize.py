"""Say in which places of each cell of one field of view the protein is."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
from typing_extensions import override

from napari_dualgland.errors import DualglandError
from napari_dualgland.imputation.params import ImputeParams
from napari_dualgland.io import read_labels, read_mask, write
from napari_dualgland.io.atomic import replacing
from napari_dualgland.io.localization_writing import making
from napari_dualgland.jobs.base import Job, is_same, never, refuse_folder
from napari_dualgland.jobs.code import Script, flags, refuse_plane, told
from napari_dualgland.jobs.inputs import (
    LabelsFile,
    LabelsLayer,
    LabelsSource,
    LayersInput,
    Loaded,
    MaskFile,
    channels_option,
    file_of,
    pixel_size_option,
)
from napari_dualgland.localization.params import LocalizeParams
from napari_dualgland.progress import Progress
from napari_dualgland.results import Localization

OVERLAY = "overlay.png"
FILES = ("cells.csv", "cells.tif", "maps.ome.tif", OVERLAY)
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
    def check(self) -> None:
        """Refuse a model, a device or an output that cannot be had; see :meth:`.Job.check`."""
        from napari_dualgland.model.device import choose_device
        from napari_dualgland.model.weights import card_for

        if self.output is not None:
            read_from = [file_of(self.input, "the command line").path]
            cells = self._labels_file()
            read_from += [cells.path] if isinstance(cells, LabelsFile) else []
            read_from += [self.missing.path] if self.missing is not None else []
            _check_folder(self.output, read_from)
        choose_device(self.params.device)
        card_for("localize", self.params.model)

    @override
    def load(self) -> Loaded:
        """Read stack, cells and mask from files; see :meth:`.Job.load`."""
        cells = self._labels_file()
        if isinstance(cells, LabelsLayer):
            raise DualglandError(_in_no_file(cells))
        stack = self.read_stack()
        if self.output is not None:
            _check_folder(self.output, [Path(member) for member in stack.files])
        if "protein" not in stack.roles:
            raise DualglandError(
                f"{stack.where}: no channel is the protein; say it with --channels"
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
        from napari_dualgland.localization.picture import picture

        assert self.output is not None
        with making(self.output), replacing(self.output / OVERLAY) as beside:
            picture(result).save(beside, format="PNG", optimize=True)
            write(result, self.output)

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
            raise DualglandError(_in_no_file(cells))
        words = ["dualgland", "localize", str(file.path)]
        words += ["--out", str(self.output or self.beside("_localized"))]
        words += ["--cells", str(cells.path)] if cells is not None else []
        words += ["--missing", str(self.missing.path)] if self.missing is not None else []
        words += channels_option(file.channels)
        words += pixel_size_option(file.pixel_size)
        words += ["--impute-first"] if self.impute_first else []
        return shlex.join([*words, *flags(told(self.params, _ALWAYS))])


def _in_no_file(source: LabelsLayer) -> str:
    return (
        f"layer {source.layer.name!r} is in no file; save it as TIFF and open that, or copy as "
        "Python"
    )


def _check_folder(out: Path, read_from: list[Path]) -> None:
    """Refuse a folder that cannot be written to, or in which an input would be replaced."""
    if out.exists() and not out.is_dir():
        raise DualglandError(f"--out {out}: this is a file; give the name of a folder")
    there = out.absolute()
    while not there.exists():
        there = there.parent
    refuse_folder(there, out)
    for target in (out / name for name in FILES):
        if target.is_dir():
            raise DualglandError(f"--out {out}: {target.name} is a folder there; choose another")
        replaced = is_same(target, read_from)
        if replaced is not None:
            raise DualglandError(
                f"--out {out}: {replaced} would be replaced, and inputs never are; choose another"
            )
