"""What is said of a finished run: one line, and the notes behind it for whoever opens them."""

from __future__ import annotations

from collections.abc import Collection

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_dualgland.legible import legible
from napari_dualgland.results import Imputation
from napari_dualgland.widgets.field.channels_form import in_percent
from napari_dualgland.widgets.kit.collapsible import Collapsible
from napari_dualgland.widgets.kit.style import plain_label


def shares(result: Imputation) -> dict[str, float]:
    """Return the share of pixels that were filled, 0 to 1, by role."""
    keys, told = result.stack.channel_keys, result.provenance.missing_fraction
    return {role: told[keys[i]] for role, i in result.stack.roles.items()}


def summary(found: Collection[float], tiles: int, took: str) -> str:
    """Return the line under a finished run.

    Parameters
    ----------
    found : collection of float
        Share of pixels that were filled, for each channel.
    tiles : int
        How many.
    took : str
        How long, in words.

    Returns
    -------
    str
    """
    many = "1 tile" if tiles == 1 else f"{tiles} tiles"
    filled = in_percent(sum(found) / len(found))
    return f"Filled {filled} of pixels in {many}, {took}; do not quantify them as measurements."


class NotesBox(QWidget):
    """The notes of a run, closed until somebody opens them; hidden where there are none."""

    def __init__(self) -> None:
        super().__init__()
        self.says = plain_label()
        self.says.setWordWrap(True)
        self.says.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._within = QVBoxLayout(self)
        self._within.setContentsMargins(0, 0, 0, 0)
        self.box = Collapsible("Notes", self.says)
        self.box.setToolTip("What the run had to say of this image.")
        self._within.addWidget(self.box)
        self.hide()

    def tell(self, result: Imputation | None, told: Collection[str] = ()) -> None:
        """Show the notes of a result, or of none.

        Parameters
        ----------
        result : Imputation or None
        told : collection of str
            Notes that stand elsewhere in the dock.
        """
        every = [] if result is None else [*result.notes, *result.provenance.notes]
        notes = [note for note in dict.fromkeys(every) if note not in told]
        self.says.setText("\n".join(f"• {legible(note)}" for note in notes))
        self.box.collapse(animate=False)
        self.setVisible(bool(notes))
