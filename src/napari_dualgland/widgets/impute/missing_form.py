"""What is missing: detected, marked in a layer or a file, or only what is NaN."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from magicgui.widgets import FileEdit
from napari.layers import Labels, Shapes
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QVBoxLayout, QWidget

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.io.layer_tag import NO_OBJECTS, tag_of
from napari_dualgland.jobs import Detect, MaskFile, MaskLayer
from napari_dualgland.missing import MissingParams
from napari_dualgland.stack import ROLES
from napari_dualgland.widgets.field.job_input import find_layer, ref_of
from napari_dualgland.widgets.field.layer_combo import LayerCombo
from napari_dualgland.widgets.kit.collapsible import Collapsible
from napari_dualgland.widgets.kit.params_form import ParamsForm
from napari_dualgland.widgets.kit.style import form_layout
from napari_dualgland.widgets.kit.ways import Way, Ways

_SHORT = {"microtubules": "MT", "protein": "Protein", "nucleus": "Nucleus", "er": "ER"}


class MissingForm(QWidget):
    """Where the mask comes from and to which channels it applies.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Whose layers may mark what is missing.
    """

    changed = Signal()

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self._viewer = viewer
        self.labels = LayerCombo("— choose a Labels layer —", _may_mark)
        self.shapes = LayerCombo("— choose a Shapes layer —", lambda x: isinstance(x, Shapes))
        self.file = FileEdit(filter="*.tif *.tiff", nullable=True)
        self.file.native.layout().setContentsMargins(0, 0, 0, 0)
        self.detection = ParamsForm(MissingParams)
        self.ways = Ways("Find by", self._ways())
        self.roles = {role: QCheckBox(_SHORT[role]) for role in ROLES}
        self._lay_out()
        self.ways.changed.connect(self.changed)
        for box in self.roles.values():
            box.toggled.connect(lambda _: self.changed.emit())
        needed = {"labels": self.labels.chosen, "shapes": self.shapes.chosen}
        needed |= {"file": self.file.changed, "detect": self.detection.changed}
        for way, signal in needed.items():
            signal.connect(partial(self._on_field, way))
        self.refresh()

    def value(self) -> Detect | MaskFile | MaskLayer:
        """Return where the mask comes from.

        Raises
        ------
        DualglandError
            If no layer or file is chosen.
        """
        how = self.ways.value()
        if how == "nan":
            return Detect.nan_only()
        if how == "detect":
            return Detect(params=self.detection.value())
        if how == "file":
            if not isinstance(self.file.value, Path):
                raise _lacking("choose the file that marks the missing pixels")
            return MaskFile(path=self.file.value)
        layer = self.layer()
        if layer is None and how == "labels":
            raise _lacking("choose the Labels layer that marks the missing pixels")
        if layer is None:
            raise _lacking("choose the Shapes layer that outlines the missing regions")
        # A file of shapes is no mask, so it does not stand for their layer.
        path = None if how == "shapes" else ref_of(layer).path
        ref = ref_of(layer).model_copy(update={"path": path})
        return MaskLayer(layer=ref, shapes=how == "shapes")

    def set_value(self, source: Detect | MaskFile | MaskLayer) -> None:
        """Show where the mask comes from.

        Raises
        ------
        DualglandError
            If its layer is not open.
        """
        if isinstance(source, MaskLayer):
            combo = self.shapes if source.shapes else self.labels
            combo.by_hand = True
            combo.set_layer(find_layer(self._viewer.layers, source.layer))
            self.ways.set_value("shapes" if source.shapes else "labels")
        elif isinstance(source, MaskFile):
            self.file.value = source.path
            self.ways.set_value("file")
        elif source == Detect.nan_only():
            self.ways.set_value("nan")
        else:
            self.detection.set_value(source.params)
            self.ways.set_value("detect")

    def layer(self) -> Any:
        """Return the layer that marks what is missing; None where none is needed or chosen."""
        combo = {"labels": self.labels, "shapes": self.shapes}.get(self.ways.value())
        return None if combo is None else combo.layer()

    def take(self, layer: Any) -> None:
        """Let what a person has painted on this layer count, if they have painted on one."""
        if layer is None or (self.ways.value() == "labels" and self.labels.layer() == layer):
            return
        self.labels.by_hand = True
        self.labels.set_layer(layer)
        self.ways.set_value("labels")

    def chosen_roles(self) -> tuple[str, ...]:
        """Return the roles in which pixels count as missing.

        Raises
        ------
        DualglandError
            If there is none.
        """
        roles = tuple(role for role, box in self.roles.items() if box.isChecked())
        if not roles:
            raise _lacking("tick those that are damaged", "no channel is ticked under “In”")
        return roles

    def choose_roles(self, roles: tuple[str, ...]) -> None:
        """Tick these channels and no others."""
        for role, box in self.roles.items():
            box.setChecked(role in roles)

    def refresh(self) -> None:
        """Follow the layer list; where there is one fitting layer, take it."""
        layers = list(self._viewer.layers)
        for combo in (self.labels, self.shapes):
            combo.offer(reversed(layers))
            if combo.layer() is None and combo.count() > 1 and not combo.by_hand:
                combo.set_layer(combo.itemData(1))

    def _on_field(self, way: str, _: object = None) -> None:
        if way == self.ways.value():
            self.changed.emit()

    def _ways(self) -> dict[str, Way]:
        return {
            "detect": Way(
                "Detect damage",
                "Dead tiles, dropped lines, saturated blobs and NaN. The black background of the "
                "atlas and honest bright spots are not taken for damage.",
                field=Collapsible("Detection", self.detection),
            ),
            "labels": Way(
                "Marked in a Labels layer",
                "Every pixel whose label is not 0.",
                "Layer",
                self.labels,
            ),
            "shapes": Way(
                "Marked in a Shapes layer", "The insides of the shapes.", "Layer", self.shapes
            ),
            "file": Way(
                "Marked in a file",
                "A TIFF with one plane for all channels or a plane for each; what is not 0 is "
                "missing.",
                "File",
                self.file.native,
            ),
            "nan": Way("NaN only", "Pixels that are not a number or infinite, and no others."),
        }

    def _lay_out(self) -> None:
        boxes = QWidget()
        row = QHBoxLayout(boxes)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        for role, box in self.roles.items():
            box.setChecked(True)
            box.setToolTip(f"Fill in missing pixels of the {role} channel.")
            row.addWidget(box)
        row.addStretch(1)
        below = QWidget()
        form_layout(below).addRow("In", boxes)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.ways)
        column.addWidget(below)


def _may_mark(layer: Any) -> bool:
    """Tell whether a layer may mark what is missing; cells that were localized do not."""
    return isinstance(layer, Labels) and tag_of(layer).kind not in {"cells", *NO_OBJECTS}


def _lacking(way_out: str, found: str = "nothing is chosen") -> DualglandError:
    return DualglandError(Kind.LACKING, "missing pixels", found, way_out=way_out)
