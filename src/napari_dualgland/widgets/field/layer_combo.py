"""A picker of layers that keeps up with the layer list.

Layers come, go and are renamed while a widget is open. The picker follows, keeps what
was chosen as long as it is there, and tells apart what a person chose from what was
guessed, so that a guess never overrules a person.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from qtpy.QtCore import QSize, Signal
from qtpy.QtWidgets import QComboBox

from napari_dualgland.widgets.kit.fields import widen
from napari_dualgland.widgets.kit.style import plain


class LayerCombo(QComboBox):
    """Chooses one of the viewer's layers, or none.

    Parameters
    ----------
    nothing : str
        What the choice of no layer is called.
    fits : callable, optional
        Tells whether a layer is offered; without it, all that are given are.
    absent : str, optional
        What it is called that there is no such layer, where a person may say so. To choose none
        then means that nothing has been said.
    """

    chosen = Signal()
    """The choice changed, by a person or because the layer went away."""

    def __init__(
        self,
        nothing: str,
        fits: Callable[[Any], bool] | None = None,
        absent: str = "",
    ) -> None:
        super().__init__()
        self._nothing, self._absent = nothing, absent
        self._fits = fits
        self.by_hand = False
        widen(self)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.offer(())
        self.activated.connect(self._on_activated)

    def layer(self) -> Any:
        """Return the chosen layer, None for the choice of none."""
        return self.currentData()

    def says_absent(self) -> bool:
        """Whether the person says that there is no such layer."""
        return bool(self._absent) and self.currentIndex() == self.count() - 1

    def set_absent(self) -> None:
        """Choose that there is no such layer."""
        self.setCurrentIndex(self.count() - 1)

    def set_layer(self, layer: Any) -> None:
        """Choose a layer that is offered, or none."""
        before = self.layer()
        self.setCurrentIndex(max(0, self._index_of(layer)))
        if self.layer() != before:
            self.chosen.emit()

    def offer(self, layers: Iterable[Any]) -> None:
        """Offer these layers, as far as they fit; the choice stays if it is among them."""
        before = self.layer()
        self.blockSignals(True)
        self.clear()
        self.addItem(self._nothing, None)
        for layer in layers:
            if self._fits is None or self._fits(layer):
                self.addItem(layer.name, layer)
        if self._absent:
            self.addItem(self._absent, None)
        index = self._index_of(before)
        self.setCurrentIndex(max(0, index))
        self.blockSignals(False)
        if before is not None and index < 0:
            self.by_hand = False
            self.chosen.emit()

    def minimumSizeHint(self) -> QSize:
        """Let a long layer name be cut by the picker, not stretch the dock."""
        return QSize(90, super().minimumSizeHint().height())

    def _index_of(self, layer: Any) -> int:
        if layer is None:
            return 0
        return next((i for i in range(self.count()) if self.itemData(i) == layer), -1)

    def _on_activated(self) -> None:
        self.by_hand = True
        self.setToolTip(plain(self.currentText()))
        self.chosen.emit()
