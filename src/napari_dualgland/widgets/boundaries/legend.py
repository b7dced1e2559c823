"""Which colour is which compartment: swatches to read, and to click for its probabilities."""

from __future__ import annotations

from napari_dualgland.io.boundaries_writing import COMPARTMENT_COLORS
from napari_dualgland.widgets.boundaries.layers import SPOKEN
from napari_dualgland.widgets.cells.swatches import Swatches
from napari_dualgland.widgets.kit.style import footnote

_TIPS = {
    "nucleus": "Where DAPI is bright.",
    "nuclear rim": "Where the nucleus ends.",
    "cytoplasm": "Where microtubules or ER are bright, outside the nucleus.",
    "cell edge": "Where the cell ends.",
    "background": "Outside of cells; it has no colour in the layer.",
}


class Legend(Swatches):
    """The five compartments, and the mark of what a model has named."""

    def __init__(self) -> None:
        super().__init__()
        for k, (name, color) in enumerate(COMPARTMENT_COLORS.items()):
            button = self.add(k, name.capitalize(), color, _TIPS[name])
            button.setAccessibleName(f"Probability of {name}")
        self.spoken = footnote()
        self.spoken.setStyleSheet(
            f"font-size: 11px; border-left: 6px solid {SPOKEN}; padding-left: 4px;"
        )
        self.column.setSpacing(4)
        self.column.addWidget(self.spoken)

    def say(self, spoken: str) -> None:
        """Say where the model spoke; nothing where it did not."""
        self.spoken.setText(spoken)
        self.spoken.setVisible(bool(spoken))
