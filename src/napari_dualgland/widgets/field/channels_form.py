"""Which layer shows what: the pickers at the top of the widgets.

Filled in from what the layers say of themselves; whatever the person picks stays picked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import QComboBox, QGridLayout, QWidget

from napari_dualgland.io.layer_axes import named_axes, shape_of
from napari_dualgland.io.layer_tag import channel_names
from napari_dualgland.jobs.inputs import FileInput, LayersInput
from napari_dualgland.stack import ROLES
from napari_dualgland.widgets.field.decided import NOT_RECORDED
from napari_dualgland.widgets.field.field_of_view import field_of
from napari_dualgland.widgets.field.layer_combo import LayerCombo
from napari_dualgland.widgets.field.pixel_size_form import PixelSizeForm
from napari_dualgland.widgets.field.role_label import ROLE_TIPS, RoleLabel
from napari_dualgland.widgets.field.source import Source
from napari_dualgland.widgets.field.watch import SignalWatch
from napari_dualgland.widgets.kit.fields import widen
from napari_dualgland.widgets.kit.style import field_label, plain_label

_NOWHERE = -1
_MOST_CHANNELS = 16
"""A last axis that is longer is one of the picture, and not of its channels."""
NOT_CHOSEN = "— choose a layer —"


class ChannelsForm(QWidget):
    """A view of the viewer's field of view: role pickers, for one layer per channel or in all.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Whose field of view is shown and changed.
    absent : str
        What it is called that a channel was not recorded.
    shares : bool
        Whether there is room for the share of missing pixels behind each channel.
    repaired : bool
        Whether imputed layers are taken, where there are some, in place of their sources.
    """

    changed = Signal()

    def __init__(
        self,
        viewer: Any,
        absent: str = NOT_RECORDED,
        shares: bool = True,
        repaired: bool = False,
    ) -> None:
        super().__init__()
        self._field = field_of(viewer)
        self._absent, self._repaired = absent, repaired
        self._with_shares = shares
        self.field = QComboBox()
        self.field.setToolTip(
            "Several fields of view are open: which of them is worked on and shown. The layers of "
            "the others are hidden."
        )
        self.mode = QComboBox()
        self.mode.addItem("One layer per channel", False)
        self.mode.addItem("One layer with all channels", True)
        self.mode.setToolTip(
            "Whether each stain has an image layer of its own, or one layer holds all of them."
        )
        self.stack_layer = LayerCombo(NOT_CHOSEN)
        self.stack_layer.setToolTip("The layer that holds all stains of the field of view.")
        self.stack_axis = QComboBox()
        self.stack_axis.setToolTip("The axis of the layer along which the channels lie.")
        self.pickers = {role: LayerCombo(NOT_CHOSEN, absent=absent) for role in ROLES}
        self.positions = {role: QComboBox() for role in ROLES}
        self.shares = {role: plain_label(parent=self) for role in ROLES}
        self.pixel_size = PixelSizeForm(self._field, repaired)
        self._lay_out()
        self.refresh()
        self._connect()

    def value(self) -> LayersInput:
        """Return the field of view as a job takes it; see :meth:`.FieldOfView.value`.

        Raises
        ------
        DualglandError
            Where imputed layers are not looked at: if nobody has said where a channel is, for it
            would be estimated whole.
        """
        value = self._field.value(self._repaired)
        if not self._repaired:
            self._field.require_decided(absent=self._absent)
        return value

    def require_decided(self) -> None:
        """Refuse channels of which nobody has said where they are."""
        self._field.require_decided(self._repaired, self._absent)

    def set_value(self, value: LayersInput | FileInput) -> None:
        """Choose the field of view of a job; see :meth:`.FieldOfView.set_value`."""
        self._field.set_value(value, self._repaired)

    def source(self) -> Source:
        """Return the chosen layers; see :meth:`.FieldOfView.source`."""
        return self._field.source(self._repaired)

    def show_shares(self, shares: dict[str, float] | None) -> None:
        """Write the share of missing pixels behind each channel, or clear it."""
        for role, label in self.shares.items():
            label.setText("" if shares is None else in_percent(shares.get(role, 1.0)))

    def refresh(self) -> None:
        """Show the layers that there are, and which of them are chosen."""
        field, one_layer = self._field, self._field.one_layer
        chosen = field.layers(self._repaired)
        for role, picker in self.pickers.items():
            picker.offer(field.offered())
            picker.set_layer(chosen.get(role))
            if role in field.unrecorded and role not in chosen:
                picker.set_absent()
        self.stack_layer.offer(field.offered(one_layer=True))
        self.stack_layer.set_layer(field.stack_layer(self._repaired))
        self._show_fields()
        _offer(self.mode, None, one_layer)
        self._show_axes()
        self._show_positions()
        self.pixel_size.refresh()
        for widget in self._stack_rows:
            widget.setVisible(one_layer)
        for role in ROLES:
            self.pickers[role].setVisible(not one_layer)
            self.positions[role].setVisible(one_layer)
            self._labels[role].setBuddy((self.positions if one_layer else self.pickers)[role])

    def _lay_out(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setColumnStretch(1, 1)
        grid.setVerticalSpacing(4)
        grid.setHorizontalSpacing(8)
        self._field_rows = [field_label(plain_label("Field")), self.field]
        self._stack_rows = [
            field_label(plain_label("Layer")),
            self.stack_layer,
            field_label(plain_label("Channels along")),
            self.stack_axis,
        ]
        above = [
            self._field_rows,
            [field_label(plain_label("Stains in")), self.mode],
            self._stack_rows[:2],
            self._stack_rows[2:],
        ]
        for row, (label, combo) in enumerate(above):
            grid.addWidget(label, row, 0)
            grid.addWidget(combo, row, 1, 1, 2)
        self._labels = {role: field_label(RoleLabel(role)) for role in ROLES}
        for row, role in enumerate(ROLES, start=len(above)):
            grid.addWidget(self._labels[role], row, 0)
            columns = 1 if self._with_shares else 2
            grid.addWidget(self.pickers[role], row, 1, 1, columns)
            grid.addWidget(self.positions[role], row, 1, 1, columns)
            self.shares[role].setVisible(self._with_shares)
            if self._with_shares:
                grid.addWidget(self.shares[role], row, 2)
            self.pickers[role].setToolTip(ROLE_TIPS[role])
            self.positions[role].setToolTip(ROLE_TIPS[role])
            self.shares[role].setToolTip(f"Share of the {role} pixels that are missing.")
            self.shares[role].setAlignment(
                Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            )
            measure = self.shares[role].fontMetrics().horizontalAdvance
            width = max(measure(in_percent(share)) for share in (1e-9, 1 - 1e-9, 1.0))
            self.shares[role].setMinimumWidth(width + 4)
        grid.addWidget(field_label(plain_label("Pixel size (µm)")), grid.rowCount(), 0)
        grid.addWidget(self.pixel_size, grid.rowCount() - 1, 1, 1, 2)
        for combo in (self.field, self.mode, self.stack_axis, *self.positions.values()):
            widen(combo)

    def _connect(self) -> None:
        field, repaired = self._field, self._repaired
        self.field.activated.connect(lambda: field.pick_field(self.field.currentData()))
        self.mode.activated.connect(lambda: field.pick_mode(self.mode.currentData()))
        self.stack_layer.activated.connect(
            lambda: field.pick_stack(self.stack_layer.layer(), repaired)
        )
        self.stack_axis.currentIndexChanged.connect(
            lambda: field.pick_axis(self.stack_axis.currentData())
        )
        for role, picker in self.pickers.items():
            picker.activated.connect(lambda _, role=role: self._on_picked(role))
        for role, combo in self.positions.items():
            combo.currentIndexChanged.connect(lambda _, role=role: self._on_placed(role))
        # Kept as attributes: psygnal and Qt refer to them weakly.
        self._watches = (
            SignalWatch(field.changed, self._on_changed),
            SignalWatch(field.listed, self.refresh),
        )
        for watch in self._watches:
            self.destroyed.connect(watch.stop)

    def _on_picked(self, role: str) -> None:
        picker = self.pickers[role]
        if picker.layer() is None and not picker.says_absent():
            self._field.leave_open(role)
        else:
            self._field.pick(role, picker.layer(), self._repaired)

    def _on_placed(self, role: str) -> None:
        combo = self.positions[role]
        chosen = combo.currentData()
        nowhere = chosen == _NOWHERE
        self._field.pick_position(role, None if nowhere else chosen, recorded=not nowhere)

    def _on_changed(self) -> None:
        self.refresh()
        self.changed.emit()

    def _show_fields(self) -> None:
        """Ask which field of view is meant, where there are several."""
        fields, chosen = self._field.fields(), self._field.field()
        at = next((x for x in fields if chosen is not None and x.ids == chosen.ids), None)
        _offer(self.field, [(x.name, x) for x in fields], at)
        if at is None:
            self.field.setCurrentIndex(-1)
        for widget in self._field_rows:
            widget.setVisible(len(fields) > 1)

    def _show_axes(self) -> None:
        layer, axes = self._field.stack_layer(self._repaired), []
        if layer is not None:
            shape, letters = shape_of(layer), named_axes(layer)
            for i, length in enumerate(shape):
                name = f"axis {i + 1}" if letters is None else letters[i]
                # Without names the last two are Y and X, unless the last is too short for that.
                plane = i == len(shape) - 2 or (i == len(shape) - 1 and length > _MOST_CHANNELS)
                if name not in ("Y", "X") and not (letters is None and plane):
                    axes.append((f"{name} ({length} long)", i))
        _offer(self.stack_axis, axes, self._field.channel_axis)

    def _show_positions(self) -> None:
        """Offer the positions along the channel axis, by name where the layer tells names."""
        layer, axis = self._field.stack_layer(self._repaired), self._field.channel_axis
        count = 0 if layer is None or axis is None else shape_of(layer)[axis]
        names = [] if layer is None else channel_names(layer)
        names = names if len(names) == count else [""] * count
        offered: list[tuple[str, int | None]] = [("— choose a channel —", None)]
        offered += [(f"{i}: {n}" if n else f"channel {i}", i) for i, n in enumerate(names)]
        offered.append((self._absent, _NOWHERE))
        chosen = self._field.positions(self._repaired)
        for role, combo in self.positions.items():
            nowhere = _NOWHERE if role in self._field.unrecorded else None
            _offer(combo, offered, chosen.get(role, nowhere))


def _offer(combo: QComboBox, items: Sequence[tuple[str, Any]] | None, chosen: Any) -> None:
    """Show a choice among these (None: the same) items, as nobody's doing."""
    blocker = QSignalBlocker(combo)
    if items is not None:
        combo.clear()
        for text, value in items:
            combo.addItem(text, value)
    values = [combo.itemData(i) for i in range(combo.count())]
    combo.setCurrentIndex(values.index(chosen) if chosen in values else 0)
    blocker.unblock()


def in_percent(share: float) -> str:
    """Return a share as people read it: never 0 % for a hole, never 100 % for a whole."""
    if 0 < share < 0.0005:
        return "< 0.1 %"
    if 0.9995 <= share < 1:
        return "> 99.9 %"
    return f"{100 * share:.1f} %"
