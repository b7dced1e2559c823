"""What a dock shows where there is nothing to work on yet: one sentence, and where to begin."""

from __future__ import annotations

from typing import Any

from qtpy.QtWidgets import QPushButton, QVBoxLayout, QWidget

from napari_dualgland.legible import legible
from napari_dualgland.widgets.field.field_of_view import field_of
from napari_dualgland.widgets.field.unusable import why_unusable
from napari_dualgland.widgets.kit.style import heading, plain_label

PLUGIN, SAMPLE = "napari-dualgland", "damaged"
_NOTHING = (
    "Drop the images of one field of view on napari: four files of the Human Protein Atlas, or "
    "one TIFF with all channels."
)


class FirstContact(QWidget):
    """One sentence, and a button that opens the damaged sample.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where it is opened.
    verb : str
        What the dock does.

    Attributes
    ----------
    wanted : bool
        Whether there is no channel to work on.
    has_met : bool
        Whether there has been one.
    """

    def __init__(self, viewer: Any, verb: str) -> None:
        super().__init__()
        self._viewer, self._verb = viewer, verb
        self.wanted, self.has_met = True, False
        self.title = heading("Nothing to work on yet")
        self.says = plain_label()
        self.says.setWordWrap(True)
        self.open_sample = QPushButton("Open a damaged sample")
        self.open_sample.setMinimumHeight(34)
        self.open_sample.setToolTip(
            "Open a small simulated field of view with missing regions, to try things out."
        )
        self.open_sample.clicked.connect(self._on_open)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 12, 12, 12)
        column.setSpacing(10)
        for widget in (self.title, self.says, self.open_sample):
            column.addWidget(widget)
        column.addStretch(1)
        self.refresh()

    def refresh(self) -> None:
        """Follow the layer list."""
        field = field_of(self._viewer)
        there = bool(field.offered() or field.offered(one_layer=True))
        self.wanted, self.has_met = not there, self.has_met or there
        self.says.setText(legible(why_unusable(self._viewer.layers)) or _NOTHING)

    def _on_open(self) -> None:
        self._viewer.open_sample(PLUGIN, SAMPLE)
