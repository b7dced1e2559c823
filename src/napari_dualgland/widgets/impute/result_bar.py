"""What can be done with a result: look at it in every way, export it, write it down."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from qtpy.QtCore import Qt, QTimer, Signal
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QSlider, QVBoxLayout, QWidget

from napari_dualgland.errors import DualglandError
from napari_dualgland.io import write
from napari_dualgland.io.layers import field_called
from napari_dualgland.results import Imputation
from napari_dualgland.widgets.field.proposed import fill_suffix, proposed, read_from
from napari_dualgland.widgets.field.roles import ESTIMATE_NOTE, PLAUSIBLE_NOTE
from napari_dualgland.widgets.impute.beside_layers import BesideLayers
from napari_dualgland.widgets.impute.compare import Compare
from napari_dualgland.widgets.impute.curtain import Curtain
from napari_dualgland.widgets.impute.result_layers import ResultLayers
from napari_dualgland.widgets.kit.ask_file import ask_file
from napari_dualgland.widgets.kit.style import footnote, in_lines, plain_label

_TEXTURE = (
    "Flip what was filled in between the estimate, which is as near to the truth as can be and "
    "therefore smooth, and one plausible picture of many, which has the grain of measured cells. "
    "The picture is for looking at, not for measuring."
)
_ONE_FILL = "This model makes one fill and draws no picture."
_LET_GO = (
    "⚠ One plane alone is filled: in the others, what an earlier run had filled is gone. "
    "Fill in the whole stack to have all planes."
)
_DRAW_MS = 30
"""The curtain follows the hand no faster than this."""


class ResultBar(QWidget):
    """Buttons under a finished run.

    Parameters
    ----------
    copy_as : QPushButton
        Stands beside them; it works before a run, too.
    """

    to_write = Signal(object)
    """A function that writes a file and returns its path."""

    def __init__(self, copy_as: QPushButton) -> None:
        super().__init__()
        self._result: Imputation | None = None
        self._layers: ResultLayers | None = None
        self._compare: Compare | None = None
        self._curtain: Curtain | None = None
        self._unsure: Any = None
        self.compare = _toggle("Compare", "Flip between the source and the imputed layers.")
        self.texture = _toggle("Texture", _TEXTURE)
        self.uncertainty = _toggle(
            "Uncertainty", "Show how far the fill of the selected channel may be off."
        )
        self.split = QSlider(Qt.Orientation.Horizontal)
        self.split.setRange(0, 100)
        self.split.setToolTip("Draw the source over the result like a curtain, from the left.")
        self.split.setAccessibleName("Curtain")
        self.export = QPushButton("Export …")
        self.export.setToolTip("Save as OME-TIFF, with the mask and the provenance inside.")
        self.says = footnote(ESTIMATE_NOTE)
        self._looks = QWidget()
        self._draw = QTimer(self)
        self._draw.setSingleShot(True)
        self._draw.setInterval(_DRAW_MS)
        self._lay_out(copy_as)
        self.compare.toggled.connect(self._on_compare)
        self.texture.toggled.connect(self._on_texture)
        self.uncertainty.toggled.connect(self._on_uncertainty)
        self.split.valueChanged.connect(lambda _: self._draw.start())
        self._draw.timeout.connect(self._on_split)
        self.export.clicked.connect(self._on_export)
        self.forget()

    def take(self, result: Imputation, layers: ResultLayers) -> None:
        """Offer a result.

        Parameters
        ----------
        result : Imputation
            What is exported.
        layers : ResultLayers
            That show it.
        """
        self.forget()
        self._result, self._layers = result, layers
        for widget in (self.compare, self.split, self.export):
            widget.setEnabled(True)
        self._looks.show()
        self.uncertainty.setEnabled(result.uncertainty is not None)
        self.texture.setEnabled(result.other is not None)
        self.texture.setToolTip(in_lines(_TEXTURE if result.other is not None else _ONE_FILL))
        self.texture.blockSignals(True)
        self.texture.setChecked(result.plausible)
        self.texture.blockSignals(False)
        self._say()

    @property
    def plausible(self) -> bool | None:
        """Whether a plausible picture is shown; None without a result."""
        return None if self._result is None else self._result.plausible

    def rest(self) -> None:
        """Show the results themselves again: nothing is compared, nothing laid over."""
        self.compare.setChecked(False)
        self.uncertainty.setChecked(False)
        self.split.setValue(0)
        self._draw.stop()
        self._on_split()

    def forget(self) -> None:
        """Show the results that are being compared, and offer none from here on."""
        self.rest()
        self._result = self._layers = self._compare = None
        for widget in (self.compare, self.texture, self.uncertainty, self.split, self.export):
            widget.setEnabled(False)
        # There is nothing to look at, and a small screen has other uses for the room.
        self._looks.hide()
        self.texture.blockSignals(True)
        self.texture.setChecked(False)
        self.texture.blockSignals(False)
        self._say()

    def follow_layers(self) -> None:
        """Forget a result whose layers are gone, so that its memory comes back."""
        if self._layers is not None and not self._layers.shown():
            self.forget()
        elif self._layers is not None and self._unsure not in (None, *self._layers.viewer.layers):
            self._unsure = None
            self.uncertainty.setChecked(False)

    def _lay_out(self, copy_as: QPushButton) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        within = QVBoxLayout(self._looks)
        within.setContentsMargins(0, 0, 0, 0)
        within.setSpacing(4)
        within.addLayout(_row(self.compare, self.texture, self.uncertainty))
        within.addLayout(_row(plain_label("Curtain"), self.split, wide=(self.split,)))
        column.addWidget(self._looks)
        column.addLayout(_row(self.export, copy_as))
        column.addWidget(self.says)

    def _say(self) -> None:
        plausible = self._result is not None and self._result.plausible
        lines = [PLAUSIBLE_NOTE if plausible else ESTIMATE_NOTE]
        if self._layers is not None and self._layers.lets_go:
            lines.append(_LET_GO)
        self.says.setText(" ".join(lines))

    def _on_compare(self, before: bool) -> None:
        self.compare.setText("Shows source" if before else "Compare")
        if self._layers is None:
            return
        if before:
            self.uncertainty.setChecked(False)
            self.split.setValue(0)
            self._on_split()
            self._compare = Compare(self._layers.viewer, self._layers.pairs())
        if self._compare is not None:
            self._compare.show(before)

    def _on_texture(self, plausible: bool) -> None:
        if self._result is None or self._layers is None or self._result.plausible == plausible:
            return
        self.compare.setChecked(False)
        self.uncertainty.setChecked(False)
        self._result = self._result.flipped()
        self._layers.fill(self._result)
        self._say()

    def _on_uncertainty(self, wanted: bool) -> None:
        unsure, self._unsure = self._unsure, None
        layers = self._layers
        if unsure is not None and layers is not None and unsure in layers.viewer.layers:
            layers.viewer.layers.remove(unsure)
        if not wanted or layers is None or self._result is None or not layers.shown():
            return
        self.compare.setChecked(False)
        beside = BesideLayers(layers.viewer, layers.source, layers.frame, layers.shown())
        self._unsure = beside.add_uncertainty(self._result, layers.selected())

    def _on_split(self) -> None:
        share = self.split.value() / 100
        if share == 0 and self._curtain is not None:
            self._curtain.close()
            self._curtain = None
        if share == 0 or self._layers is None:
            return
        if self._curtain is None:
            self.compare.setChecked(False)
            layers = self._layers
            self._curtain = Curtain(layers.viewer, layers.pairs(), layers.source.axes)
        self._curtain.draw(share)

    def _on_export(self) -> None:
        if self._result is None or self._layers is None:
            return
        plausible = self._result.plausible
        first, channels = self._layers.source.first, len(self._layers.shown())
        field = field_called(first, channels)
        path = ask_file(
            self,
            f"Export the {'plausible picture' if plausible else 'estimate'}",
            str(proposed(field, read_from(first), f"{fill_suffix(plausible)}.ome.tif")),
            "OME-TIFF, or TIFF for ImageJ with its mask beside it (*.ome.tif *.tif)",
            (".ome.tif", ".tif", ".tiff"),
            field,
            partial(_written, self._result),
        )
        if path is not None:
            self.to_write.emit(partial(write, self._result, path))


def _written(result: Imputation, path: Path) -> Iterable[Path]:
    """Return all files that an export writes; where it cannot be, the writing says why."""
    from napari_dualgland.io.writing import plan  # not before somebody exports

    try:
        return [file.path for file in plan(result, path).files]
    except DualglandError:
        return ()


def _row(*parts: QWidget, wide: Sequence[QWidget] = ()) -> QHBoxLayout:
    """Return widgets beside each other; those that are wide, or else all, share the room."""
    row = QHBoxLayout()
    for part in parts:
        row.addWidget(part, int(not wide or part in wide))
    return row


def _toggle(text: str, tip: str) -> QPushButton:
    button = QPushButton(text)
    button.setCheckable(True)
    button.setToolTip(in_lines(tip))
    return button
