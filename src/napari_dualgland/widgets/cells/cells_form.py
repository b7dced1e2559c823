"""Which cells are looked at and what is damaged: found in the image, or given."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from napari.layers import Labels
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QWidget

from napari_dualgland.io import read_labels, read_mask
from napari_dualgland.io.layer_masks import is_coded
from napari_dualgland.io.layer_tag import NO_OBJECTS, tag_of
from napari_dualgland.jobs import (
    BoundariesJob,
    LabelsFile,
    LabelsLayer,
    Loaded,
    LocalizeJob,
    MaskFile,
)
from napari_dualgland.widgets.field.job_input import find_layer, loaded, ref_of
from napari_dualgland.widgets.field.layer_combo import LayerCombo
from napari_dualgland.widgets.field.repaired import estimates_of
from napari_dualgland.widgets.field.source import Source
from napari_dualgland.widgets.kit.style import form_layout, in_lines

_NONE_OPEN = "From a Labels layer (Cellpose, StarDist …): none is open"


@dataclass(frozen=True)
class _InFile:
    """A choice that a job has brought and that no layer shows."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name


class CellsForm(QWidget):
    """The fields of a job on cells beside its input and its parameters.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Whose Labels layers may outline the cells.
    """

    changed = Signal()

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self._viewer = viewer
        self._file: _InFile | None = None
        self.combo = LayerCombo("Find them in the image", _may_be_cells)
        self.damage = LayerCombo("Find it in the image")
        self.impute_first = QCheckBox("Impute damage first")
        self.combo.setToolTip(
            in_lines(
                "Find the cells here, by their nuclei and by microtubules and ER around them; or "
                "take them from a Labels layer (Cellpose, StarDist, drawn by hand): a number for "
                "each cell, which it keeps."
            )
        )
        self.damage.setToolTip("What counts as damaged: what is found, or what a file marks.")
        self.impute_first.setToolTip(
            in_lines(
                "Fill in what is damaged before looking, without showing it. To see and to check "
                "what was filled in, use Impute."
            )
        )
        self._rows = form_layout(self)
        self._rows.addRow("Cells", self.combo)
        self._rows.addRow("Damage", self.damage)
        self._rows.addRow("", self.impute_first)
        self._rows.setRowVisible(self.damage, False)
        self.combo.chosen.connect(self.changed)
        self.refresh()

    def value(self) -> dict[str, Any]:
        """Return the fields of the job, by name."""
        cells, damage = self.combo.layer(), self.damage.layer()
        given: LabelsFile | LabelsLayer | None = None
        if isinstance(cells, _InFile):
            given = LabelsFile(path=cells.path)
        elif cells is not None:
            given = LabelsLayer(layer=ref_of(cells))
        return {
            "cells": given,
            "missing": None if damage is None else MaskFile(path=damage.path),
            "impute_first": self.impute_first.isChecked(),
        }

    def set_value(self, job: LocalizeJob | BoundariesJob) -> None:
        """Show the fields of a job.

        Raises
        ------
        DualglandError
            If the layer of its cells is not open.
        """
        self._file = _InFile(job.cells.path) if isinstance(job.cells, LabelsFile) else None
        self.refresh()
        chosen = self._file
        if isinstance(job.cells, LabelsLayer):
            chosen = find_layer(self._viewer.layers, job.cells.layer)
        self.combo.set_layer(chosen)
        damage = None if job.missing is None else _InFile(job.missing.path)
        self.damage.offer([] if damage is None else [damage])
        self.damage.set_layer(damage)
        self._rows.setRowVisible(self.damage, damage is not None)
        self.impute_first.setChecked(job.impute_first)

    def load(self, job: LocalizeJob | BoundariesJob, source: Source) -> Loaded:
        """Read stack, cells and what is damaged from their layers or files.

        Parameters
        ----------
        job : LocalizeJob or BoundariesJob
            Of the form.
        source : Source
            The field of view.

        Returns
        -------
        Loaded

        Raises
        ------
        DualglandError
            If what says which of the pixels were imputed is not open, or a file cannot be read.
        """
        cells = self.combo.layer()
        estimated = estimates_of(self._viewer.layers, source)
        found = loaded(source, estimated, cells=None if isinstance(cells, _InFile) else cells)
        if isinstance(job.cells, LabelsFile):
            found = replace(found, cells=read_labels(job.cells.path))
        if job.missing is not None:
            found = replace(found, missing=read_mask(job.missing.path))
        return found

    def given(self) -> bool:
        """Return whether the cells are given, so that none are looked for."""
        return self.combo.layer() is not None

    def refresh(self) -> None:
        """Follow the layer list."""
        files = [] if self._file is None else [self._file]
        self.combo.offer([*files, *reversed(list(self._viewer.layers))])
        if self.combo.count() == 1:
            # Nothing to choose from yet; said here, for this is where a person looks for it.
            self.combo.addItem(_NONE_OPEN)
            self.combo.model().item(1).setEnabled(False)


def _may_be_cells(choice: Any) -> bool:
    if isinstance(choice, _InFile):
        return True
    coded = not isinstance(choice, Labels) or is_coded(choice)
    return not coded and tag_of(choice).kind not in NO_OBJECTS
