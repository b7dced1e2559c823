"""What is missing: detected, marked in a Labels or Shapes layer, or only what is NaN."""

from __future__ import annotations

from functools import partial
from typing import Any

from napari.layers import Labels, Shapes
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QWidget,
)

from napari_dualgland.errors import DualglandError
from napari_dualgland.io.layer_masks import mask_from_layer
from napari_dualgland.io.layer_tag import tag_of
from napari_dualgland.mask import Mask
from napari_dualgland.stack import ROLES
from napari_dualgland.widgets.field.layer_combo import LayerCombo
from napari_dualgland.widgets.field.source import Source
from napari_dualgland.widgets.impute.request import How
from napari_dualgland.widgets.kit.style import form_layout

_CHOICES: dict[How, tuple[str, str]] = {
    "detect": (
        "Detect damage",
        "Dead tiles, dropped lines, saturated blobs and NaN. The black background of the "
        "atlas and honest bright spots are not taken for damage.",
    ),
    "labels": ("Marked in a Labels layer", "Every pixel whose label is not 0."),
    "shapes": ("Marked in a Shapes layer", "The insides of the shapes."),
    "nan": ("NaN only", "Pixels that are not a number or infinite, and no others."),
}
_SHORT = {"microtubules": "MT", "protein": "Protein", "nucleus": "Nucleus", "er": "ER"}


def _may_mark(layer: Any) -> bool:
    """Tell whether a layer may mark what is missing; cells that were localized do not."""
    return isinstance(layer, Labels) and tag_of(layer).kind != "cells"


class MissingForm(QWidget):
    """Where the mask comes from and to which channels it applies."""

    changed = Signal()

    def __init__(self, viewer: Any, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self.how = QComboBox()
        for key, (text, tip) in _CHOICES.items():
            self.how.addItem(text, key)
            self.how.setItemData(self.how.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self.how.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.how.setMinimumContentsLength(12)
        self.labels = LayerCombo("— choose a Labels layer —", _may_mark)
        self.shapes = LayerCombo("— choose a Shapes layer —", lambda x: isinstance(x, Shapes))
        self.roles = {role: QCheckBox(_SHORT[role]) for role in ROLES}
        self._lay_out()
        self.how.currentIndexChanged.connect(self._on_how)
        self.labels.chosen.connect(partial(self._on_layer, "labels"))
        self.shapes.chosen.connect(partial(self._on_layer, "shapes"))
        for box in self.roles.values():
            box.toggled.connect(self.changed)
        self.refresh()
        self._show_how()

    def value(self) -> How:
        """Return where the mask comes from."""
        return self.how.currentData()

    def set_value(self, how: How) -> None:
        """Choose where the mask comes from."""
        self.how.setCurrentIndex(self.how.findData(how))

    def layer(self) -> Any:
        """Return the layer that marks what is missing; None where none is needed or chosen."""
        combo = {"labels": self.labels, "shapes": self.shapes}.get(self.value())
        return None if combo is None else combo.layer()

    def chosen_roles(self) -> frozenset[str]:
        """Return the roles in which pixels count as missing.

        Raises
        ------
        DualglandError
            If there is none.
        """
        roles = frozenset(role for role, box in self.roles.items() if box.isChecked())
        if not roles:
            raise DualglandError("no channel is ticked under “In”; tick those that are damaged")
        return roles

    def marking(self, source: Source) -> Mask | None:
        """Return what the person marked, None where the mask is found without them.

        Raises
        ------
        DualglandError
            If no layer is chosen, it is empty, or does not fit the image.
        """
        how, layer = self.value(), self.layer()
        if how == "labels":
            if layer is None:
                raise DualglandError("choose the Labels layer that marks the missing pixels")
            return mask_from_layer(layer, source.layers, source.channel_axis)
        if how == "shapes":
            if layer is None:
                raise DualglandError("choose the Shapes layer that outlines the missing regions")
            return mask_from_layer(layer, source.layers, source.channel_axis)
        return None

    def refresh(self) -> None:
        """Follow the layer list; where there is one fitting layer, take it."""
        layers = list(self._viewer.layers)
        for combo in (self.labels, self.shapes):
            combo.offer(reversed(layers))
            if combo.layer() is None and combo.count() > 1 and not combo.by_hand:
                combo.set_layer(combo.itemData(1))

    def _lay_out(self) -> None:
        form = form_layout(self)
        form.addRow("Find by", self.how)
        self._layer_label = QLabel("Layer")
        stacked = QWidget()
        inside = QHBoxLayout(stacked)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.addWidget(self.labels)
        inside.addWidget(self.shapes)
        self._layer_row = stacked
        form.addRow(self._layer_label, stacked)
        boxes = QWidget()
        row = QHBoxLayout(boxes)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        for role, box in self.roles.items():
            box.setChecked(True)
            box.setToolTip(f"Fill in missing pixels of the {role} channel.")
            row.addWidget(box)
        row.addStretch(1)
        form.addRow("In", boxes)

    def _on_layer(self, how: How) -> None:
        if how == self.value():
            self.changed.emit()

    def _on_how(self) -> None:
        self._show_how()
        self.changed.emit()

    def _show_how(self) -> None:
        how = self.value()
        self.how.setToolTip(_CHOICES[how][1])
        self.labels.setVisible(how == "labels")
        self.shapes.setVisible(how == "shapes")
        self._layer_row.setVisible(how in ("labels", "shapes"))
        self._layer_label.setVisible(how in ("labels", "shapes"))
