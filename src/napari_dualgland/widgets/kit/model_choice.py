"""Which model computes, and where: the choices that every dock with a network has."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox

from napari_dualgland.errors import DualglandError
from napari_dualgland.legible import legible
from napari_dualgland.model.weights import models_for, read_card
from napari_dualgland.progress import Progress
from napari_dualgland.widgets.kit.fields import ChoiceField
from napari_dualgland.widgets.kit.style import footnote, in_lines, plain
from napari_dualgland.widgets.kit.thread import JobThread


class ModelField(ChoiceField):
    """Names of the models that can do a job, with what the chosen one is.

    Parameters
    ----------
    job : str
        What the model is for: ``impute`` or ``localize``.
    """

    def __init__(self, job: str) -> None:
        self._card = footnote()
        super().__init__(QComboBox(), self._card)
        self.offer(models_for(job))
        self.changed.connect(self._show_card)
        self._show_card()

    def _show_card(self) -> None:
        name = self.combo.currentData()
        try:
            card, path = read_card(name)
        except DualglandError as error:
            self._card.setText(legible(str(error)))
            self.widget.setToolTip(plain(str(name)))
            return
        self._card.setText(legible(card.summary))
        held = f"\nHeld out: {'; '.join(card.held_out)}" if card.held_out else ""
        what = (
            f"{card.name} {card.version}, {card.parameters:,} parameters, "
            f"licence {card.licence or 'not stated'}"
        )
        self.widget.setToolTip(plain(what) + in_lines(held) + plain(f"\n{path}"))


class DeviceField(ChoiceField):
    """Names of devices; GPUs are looked for when the list is first opened.

    Asking for them imports torch, which takes seconds, so nobody waits for it who does not want
    to choose.
    """

    def __init__(self) -> None:
        self._combo = _AskingCombo()
        super().__init__(self._combo)
        self._combo.opened.connect(self._look_once)
        self.offer(("auto", "cpu"))

    def _look_once(self) -> None:
        self._combo.opened.disconnect(self._look_once)
        thread = JobThread(_device_steps, self)
        thread.succeeded.connect(self.offer)
        thread.ended.connect(thread.deleteLater)
        thread.start()


class _AskingCombo(QComboBox):
    opened = Signal()

    def showPopup(self) -> None:
        self.opened.emit()
        super().showPopup()


def _device_steps(should_stop: Callable[[], bool]) -> Generator[Progress, None, Any]:
    yield Progress(0, 0, "Looking for GPUs")
    from napari_dualgland.model.device import available_devices

    return available_devices()
