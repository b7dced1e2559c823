"""Which model computes, and where: the choices that every dock with a network has."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

from qtpy.QtCore import QFileSystemWatcher, Signal
from qtpy.QtWidgets import QComboBox

from napari_dualgland.errors import DualglandError
from napari_dualgland.legible import legible
from napari_dualgland.model.weights import models_folder, models_for, read_card
from napari_dualgland.progress import Progress
from napari_dualgland.widgets.kit.fields import ChoiceField
from napari_dualgland.widgets.kit.style import footnote, in_lines, plain
from napari_dualgland.widgets.kit.thread import JobThread


class ModelField(ChoiceField):
    """Names of the models that can do a job, with what the chosen one is.

    A model that is put into the models folder, by a training run or by hand, is offered at once.

    Parameters
    ----------
    job : str
        What the model is for: ``impute`` or ``localize``.
    """

    def __init__(self, job: str) -> None:
        self._card = footnote()
        self._job = job
        combo = AskingCombo()
        super().__init__(combo, self._card)
        self._folder = QFileSystemWatcher(self)
        self._folder.directoryChanged.connect(lambda _: self.refresh())
        # Some disks of a network do not tell what has changed.
        combo.opened.connect(self.refresh)
        self.changed.connect(self._show_card)
        self.refresh()

    def refresh(self) -> None:
        """Offer the models that there are now; the chosen one stays, gone or not."""
        # Watched before it is read: what comes in between is told, and read then.
        self._watch(models_folder())
        there = models_for(self._job)
        self.offer(there)
        for name in self.names():
            if name not in there and name != self.value():
                self.combo.removeItem(self.names().index(name))
        self._show_card()

    def _watch(self, folder: Path) -> None:
        """Watch a folder; where it is not there yet, what it will be made in."""
        while not folder.is_dir() and folder != folder.parent:
            folder = folder.parent
        watched = self._folder.directories()
        if str(folder) not in watched:
            if watched:
                self._folder.removePaths(watched)
            self._folder.addPath(str(folder))

    def _show_card(self) -> None:
        name = self.combo.currentData()
        try:
            card, path = read_card(name)
        except DualglandError as error:
            self._card.setText(legible(str(error)))
            self._card.setToolTip(plain(str(name)))
            return
        self._card.setText(legible(card.summary))
        held = f"\nHeld out: {'; '.join(card.held_out)}" if card.held_out else ""
        what = (
            f"{card.name} {card.version}, {card.parameters:,} parameters, "
            f"licence {card.licence or 'not stated'}"
        )
        self._card.setToolTip(plain(what) + in_lines(held) + plain(f"\n{path}"))


class DeviceField(ChoiceField):
    """Names of devices; GPUs are looked for when the list is first opened.

    Asking for them imports torch, which takes seconds, so nobody waits for it who does not want
    to choose.
    """

    def __init__(self) -> None:
        self._combo = AskingCombo()
        super().__init__(self._combo)
        self._combo.opened.connect(self._look_once)
        self.offer(("auto", "cpu"))

    def _look_once(self) -> None:
        self._combo.opened.disconnect(self._look_once)
        thread = JobThread(_device_steps, self)
        thread.succeeded.connect(self.offer)
        thread.ended.connect(thread.deleteLater)
        thread.start()


class AskingCombo(QComboBox):
    """A picker that looks for what it offers when somebody opens it."""

    opened = Signal()
    """Somebody is about to choose."""

    def showPopup(self) -> None:
        """Tell before the list is shown."""
        self.opened.emit()
        super().showPopup()


def _device_steps(should_stop: Callable[[], bool]) -> Generator[Progress, None, Any]:
    yield Progress(0, 0, "Looking for GPUs")
    from napari_dualgland.model.device import available_devices

    return available_devices()
