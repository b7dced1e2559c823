"""Which layer shows what: the pickers at the top of the widgets.

Filled in from what the layers say of themselves; whatever the person picks stays picked.
"""

from __future__ import annotations

from typing import Any

from napari.layers import Image
from qtpy.QtCore import QRectF, Qt, Signal
from qtpy.QtGui import QColor, QPainter
from qtpy.QtWidgets import QComboBox, QGridLayout, QLabel, QSizePolicy, QWidget

from napari_dualgland.io.channels import stain_role
from napari_dualgland.stack import ROLE_COLORS, ROLES
from napari_dualgland.widgets.field.guess import guess_roles, is_beside, is_ours, told_by
from napari_dualgland.widgets.field.layer_combo import LayerCombo
from napari_dualgland.widgets.field.roles import ROLE_LABELS
from napari_dualgland.widgets.field.source import Source, guess_channel_axis, named_axes
from napari_dualgland.widgets.kit.style import field_label, small_picture
from napari_dualgland.widgets.layers.looks import full_resolution

_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
ABSENT = "— absent: estimate it —"
_TIPS = {
    "microtubules": "Tubulin stain; red in the Human Protein Atlas.",
    "protein": "The antibody of interest; green in the Human Protein Atlas.",
    "nucleus": "DAPI; blue in the Human Protein Atlas.",
    "er": "Endoplasmic reticulum (calreticulin, KDEL); yellow in the Human Protein Atlas.",
}


class ChannelsForm(QWidget):
    """Role pickers, for one layer per channel or for one layer with a channel axis.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Whose layers are offered.
    absent : str
        What the choice of no layer is called.
    shares : bool
        Whether there is room for the share of missing pixels behind each channel.
    repaired : bool
        Whether imputed layers are taken, where there are some, in place of their sources.
    parent : QWidget, optional
        Qt's parent.
    """

    changed = Signal()

    def __init__(
        self,
        viewer: Any,
        absent: str = ABSENT,
        shares: bool = True,
        repaired: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._absent, self._repaired = absent, repaired
        self._with_shares = shares
        self.mode = QComboBox()
        self.mode.addItem("One layer per channel", False)
        self.mode.addItem("One layer with all channels", True)
        self.mode.setToolTip("How the field of view is open in napari.")
        self.stack_layer = LayerCombo("— choose —", lambda layer: _is_image(layer, least=3))
        self.stack_axis = QComboBox()
        self.stack_axis.setToolTip("The axis of the layer along which the channels lie.")
        self.pickers = {
            role: LayerCombo(absent, lambda layer: _is_image(layer, least=2)) for role in ROLES
        }
        self.positions = {role: QComboBox() for role in ROLES}
        self.shares = {role: QLabel(self) for role in ROLES}
        self._mode_by_hand = False
        self._lay_out()
        self._connect()
        self.refresh()

    def value(self) -> Source:
        """Return the chosen field of view.

        Raises
        ------
        DualglandError
            If nothing is chosen, or the chosen layers do not belong together.
        """
        if not self.mode.currentData():
            chosen = {role: picker.layer() for role, picker in self.pickers.items()}
            return Source({role: layer for role, layer in chosen.items() if layer is not None})
        layer = self.stack_layer.layer()
        positions = {
            role: combo.currentData()
            for role, combo in self.positions.items()
            if combo.currentData() is not None
        }
        if layer is None:
            positions = {}
        return Source(dict.fromkeys(positions, layer), self.stack_axis.currentData(), positions)

    def set_value(self, source: Source) -> None:
        """Choose a field of view, as a person would."""
        self._set_mode(source.one_layer)
        self._mode_by_hand = True
        for role, picker in self.pickers.items():
            picker.by_hand = True
            picker.set_layer(None if source.one_layer else source.layers.get(role))
        if source.one_layer:
            self.stack_layer.by_hand = True
            self.stack_layer.set_layer(source.first)
            self.stack_axis.setCurrentIndex(self.stack_axis.findData(source.channel_axis))
            for role, combo in self.positions.items():
                position = (source.positions or {}).get(role)
                combo.setCurrentIndex(0 if position is None else combo.findData(position))

    def show_shares(self, shares: dict[str, float] | None) -> None:
        """Write the share of missing pixels behind each channel, or clear it."""
        for role, label in self.shares.items():
            label.setText("" if shares is None else in_percent(shares.get(role, 1.0)))

    def refresh(self) -> None:
        """Follow the layer list: offer what is there, guess what the person left open."""
        layers = list(self._viewer.layers)
        for picker in (*self.pickers.values(), self.stack_layer):
            picker.offer(reversed(layers))
        images = [layer for layer in layers if _is_image(layer, least=2)]
        roles = guess_roles(images, prefer=self._viewer.layers.selection.active)
        if self._repaired:
            roles = repaired_layers(self._viewer, roles)
        if not any(picker.by_hand for picker in self.pickers.values()):
            for role, picker in self.pickers.items():
                picker.set_layer(roles.get(role))
        stacks = [
            layer
            for layer in images
            if not is_ours(layer) and guess_channel_axis(layer) is not None
        ]
        if stacks and self._repaired:
            stacks = [_repaired_stack(self._viewer, layer) for layer in stacks]
        if stacks and not self.stack_layer.by_hand and self.stack_layer.layer() is None:
            self.stack_layer.set_layer(stacks[-1])
        if not self._mode_by_hand:
            self._set_mode(bool(stacks) and len(roles) < 2)

    def _lay_out(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setColumnStretch(1, 1)
        grid.setVerticalSpacing(4)
        grid.setHorizontalSpacing(8)
        grid.addWidget(field_label(QLabel("Open as")), 0, 0)
        grid.addWidget(self.mode, 0, 1, 1, 2)
        self._stack_rows = [
            field_label(QLabel("Layer")),
            self.stack_layer,
            field_label(QLabel("Axis")),
            self.stack_axis,
        ]
        grid.addWidget(self._stack_rows[0], 1, 0)
        grid.addWidget(self.stack_layer, 1, 1, 1, 2)
        grid.addWidget(self._stack_rows[2], 2, 0)
        grid.addWidget(self.stack_axis, 2, 1, 1, 2)
        for row, role in enumerate(ROLES, start=3):
            grid.addWidget(field_label(_RoleLabel(role)), row, 0)
            columns = 1 if self._with_shares else 2
            grid.addWidget(self.pickers[role], row, 1, 1, columns)
            grid.addWidget(self.positions[role], row, 1, 1, columns)
            self.shares[role].setVisible(self._with_shares)
            if self._with_shares:
                grid.addWidget(self.shares[role], row, 2)
            self.pickers[role].setToolTip(_TIPS[role])
            self.positions[role].setToolTip(_TIPS[role])
            self.shares[role].setToolTip(f"Share of the {role} pixels that are missing.")
            self.shares[role].setAlignment(
                Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            )
            width = self.shares[role].fontMetrics().horizontalAdvance("100.0 %")
            self.shares[role].setMinimumWidth(width)
        for combo in (self.mode, self.stack_axis, *self.positions.values()):
            combo.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            combo.setMinimumContentsLength(12)
        self._show_mode()

    def _connect(self) -> None:
        self.mode.activated.connect(self._on_mode)
        self.stack_layer.chosen.connect(self._offer_axes)
        self.stack_axis.currentIndexChanged.connect(self._offer_positions)
        for combo in self.positions.values():
            combo.currentIndexChanged.connect(self.changed)
        for picker in self.pickers.values():
            picker.chosen.connect(self.changed)

    def _on_mode(self) -> None:
        self._mode_by_hand = True
        self._show_mode()
        self.changed.emit()

    def _set_mode(self, one_layer: bool) -> None:
        if self.mode.currentData() != one_layer:
            self.mode.setCurrentIndex(int(one_layer))
            self._show_mode()
            self.changed.emit()

    def _show_mode(self) -> None:
        one_layer = bool(self.mode.currentData())
        for widget in self._stack_rows:
            widget.setVisible(one_layer)
        for role in ROLES:
            self.pickers[role].setVisible(not one_layer)
            self.positions[role].setVisible(one_layer)

    def _offer_axes(self) -> None:
        layer = self.stack_layer.layer()
        self.stack_axis.blockSignals(True)
        self.stack_axis.clear()
        if layer is not None:
            shape, letters = full_resolution(layer).shape, named_axes(layer)
            for i in range(layer.ndim - 2 if letters is None else layer.ndim):
                name = f"axis {i}" if letters is None else letters[i]
                if name not in ("Y", "X"):
                    self.stack_axis.addItem(f"{name} ({shape[i]} long)", i)
            guessed = guess_channel_axis(layer)
            self.stack_axis.setCurrentIndex(
                max(0, self.stack_axis.findData(0 if guessed is None else guessed))
            )
        self.stack_axis.blockSignals(False)
        self._offer_positions()

    def _offer_positions(self) -> None:
        """Offer the positions along the channel axis, by name where the layer tells names."""
        layer, axis = self.stack_layer.layer(), self.stack_axis.currentData()
        count = 0 if layer is None or axis is None else full_resolution(layer).shape[axis]
        names = [] if layer is None else list(layer.metadata.get("channel_names", ()))
        for role, combo in self.positions.items():
            combo.blockSignals(True)
            combo.clear()
            combo.addItem(self._absent, None)
            for i in range(count):
                name = str(names[i]) if len(names) == count else ""
                combo.addItem(f"{i}: {name}" if name else f"channel {i}", i)
                if stain_role(name) == role:
                    combo.setCurrentIndex(i + 1)
            combo.blockSignals(False)
        self.changed.emit()


class _RoleLabel(QLabel):
    """The name of a role behind a dot in the colour that the atlas gives it."""

    def __init__(self, role: str) -> None:
        super().__init__()

        def draw(painter: QPainter, side: int) -> None:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(ROLE_COLORS[role]))
            inset = side * 0.22
            painter.drawEllipse(QRectF(inset, inset, side - 2 * inset, side - 2 * inset))

        self._dot = small_picture(self, draw)
        side = self.fontMetrics().height()
        self._indent = side + 2
        self.setText(ROLE_LABELS[role])
        self.setContentsMargins(self._indent, 0, 6, 0)
        self.setToolTip(_TIPS[role])

    def paintEvent(self, event: Any) -> None:
        """Draw the dot, then the text."""
        super().paintEvent(event)
        painter = QPainter(self)
        painter.drawPixmap(0, (self.height() - self._indent + 2) // 2, self._dot)
        painter.end()


def in_percent(share: float) -> str:
    """Return a share as people read it: never 0 % for a hole, never 100 % for a whole."""
    if 0 < share < 0.0005:
        return "< 0.1 %"
    if 0.9995 <= share < 1:
        return "> 99.9 %"
    return f"{100 * share:.1f} %"


def repaired_layers(viewer: Any, roles: dict[str, Any]) -> dict[str, Any]:
    """Return these layers, each replaced by what an imputation made of it, where one did."""
    if not roles:
        return roles
    names = [roles[role].name for role in ROLES if role in roles]
    made = {
        told_by(layer)["role"]: layer
        for layer in viewer.layers
        if told_by(layer).get("kind") == "imputed" and told_by(layer).get("sources") == names
    }
    return {role: made.get(role) or roles.get(role) for role in ROLES if role in {*roles, *made}}


def _repaired_stack(viewer: Any, stack: Any) -> Any:
    """Return what an imputation made of a layer with all channels, else the layer."""
    for layer in viewer.layers:
        told = told_by(layer)
        if told.get("kind") == "imputed" and told.get("sources") == [stack.name]:
            return layer if told.get("role") is None else stack
    return stack


def _is_image(layer: Any, least: int) -> bool:
    fits = isinstance(layer, Image) and not layer.rgb and layer.ndim >= least
    return fits and not is_beside(layer)
