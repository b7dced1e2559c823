"""Which run is looked at: a new one, or one that is found again by its folder."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QWidget

from napari_dualgland.runs.folder import State, list_runs
from napari_dualgland.runs.process import standing
from napari_dualgland.widgets.kit.fields import widen
from napari_dualgland.widgets.kit.model_choice import AskingCombo
from napari_dualgland.widgets.kit.style import column

NEW = "New run"

_WORDS = {
    State.GOING: "going on",
    State.FINISHED: "finished",
    State.STOPPED: "stopped",
    State.BROKEN: "ended by itself",
}


class RunPicker(QWidget):
    """A new run, then the runs that there are, the latest first."""

    chosen = Signal(object)
    """The run's folder; None for a new run."""

    def __init__(self) -> None:
        super().__init__()
        self.combo = AskingCombo()
        self.combo.setAccessibleName("Training run")
        self.combo.setToolTip(
            "A run goes on when napari is closed. Choose it here to see it again, to stop it or "
            "to go on with it."
        )
        widen(self.combo)
        column(self, self.combo)
        self.refresh()
        self.combo.opened.connect(self.refresh)
        self.combo.currentIndexChanged.connect(lambda _: self.chosen.emit(self.value()))

    def value(self) -> Path | None:
        """Return the folder of the chosen run; None for a new one."""
        folder: str = self.combo.currentData()
        return Path(folder) if folder else None

    def set_value(self, folder: Path | None) -> None:
        """Choose a run; nobody is told."""
        with QSignalBlocker(self.combo):
            self.refresh()
            self.combo.setCurrentIndex(max(0, self.combo.findData(str(folder or ""))))

    def refresh(self) -> None:
        """Offer the runs that there are now."""
        before = self.value() if self.combo.count() else None
        with QSignalBlocker(self.combo):
            self.combo.clear()
            self.combo.addItem(NEW, "")
            for folder in list_runs():
                self.combo.addItem(f"{folder.name} ({_WORDS[standing(folder)]})", str(folder))
            self.combo.setCurrentIndex(max(0, self.combo.findData(str(before or ""))))

    def wanting(self) -> Path | None:
        """Return the latest run if it goes on, or broke while nobody looked; else None."""
        for folder in list_runs()[:1]:
            if standing(folder) in (State.GOING, State.BROKEN):
                return folder
        return None
