"""Where the protein is, as a person picks it: any, what Localize finds, or a class by name."""

from __future__ import annotations

from qtpy.QtWidgets import QComboBox

from napari_dualgland.classes import CLASSES, NEGATIVE
from napari_dualgland.compartments.location import learned
from napari_dualgland.compartments.params import ANY, FOUND
from napari_dualgland.widgets.kit.fields import ChoiceField
from napari_dualgland.widgets.kit.style import footnote, in_lines


class LocationField(ChoiceField):
    """The location whose set points cells are held against."""

    def __init__(self) -> None:
        self._note = footnote()
        combo = QComboBox()
        combo.addItem("Any: all annotated cells", ANY)
        combo.addItem("As Localize finds it, cell by cell", FOUND)
        combo.setToolTip(
            in_lines(
                "A compartment is out of balance if it is brighter or darker than in annotated "
                "cells of the atlas with the protein in this place. Localize is run first where "
                "you let it find the place."
            )
        )
        super().__init__(combo, self._note)
        self.offer(name for name in CLASSES if CLASSES.index(name) != NEGATIVE)
        self.changed.connect(self._tell)
        self._tell()

    def _tell(self) -> None:
        """Say where the choice falls back on all annotated cells."""
        name = self.value()
        unknown = name not in (ANY, FOUND) and not learned(name)
        self._note.setText(
            "No set points were learned for it; all annotated cells are used." if unknown else ""
        )
        self._note.setVisible(unknown)
