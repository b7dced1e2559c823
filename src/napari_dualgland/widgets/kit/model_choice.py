"""Which model computes, and where: the choices that every widget with a network has."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtGui import QIcon
from qtpy.QtWidgets import QComboBox, QSizePolicy, QWidget
from superqt import QCollapsible

from napari_dualgland.errors import DualglandError
from napari_dualgland.model.weights import models_for, read_card
from napari_dualgland.widgets.kit.style import footnote
from napari_dualgland.widgets.kit.thread import Job


class ModelCombo(QComboBox):
    """Names of the models that can do a job; ``summary`` says what the chosen one is.

    Parameters
    ----------
    job : str
        What the model is for: ``impute`` or ``localize``.
    wanted : str
        The model to choose first.
    parent : QWidget, optional
        Qt's parent.
    """

    def __init__(self, job: str, wanted: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.summary = footnote()
        widen(self)
        for name in models_for(job):
            self.addItem(name, name)
        self.setCurrentIndex(max(0, self.findData(wanted)))
        self.currentIndexChanged.connect(self._show_card)
        self._show_card()

    def choose(self, name: str) -> None:
        """Choose a model; one that is not listed yet is added."""
        if self.findData(name) < 0:
            self.addItem(name, name)
        self.setCurrentIndex(self.findData(name))

    def _show_card(self) -> None:
        if self.currentData() is None:
            self.summary.setText("There is no such model; train one, or install one.")
            return
        try:
            card, path = read_card(self.currentData())
        except DualglandError as error:
            self.summary.setText(str(error))
            return
        self.summary.setText(card.summary)
        held = f"\nHeld out: {'; '.join(card.held_out)}" if card.held_out else ""
        self.setToolTip(
            f"{card.name} {card.version}, {card.parameters:,} parameters, "
            f"licence {card.licence or 'not stated'}{held}\n{path}"
        )


class DeviceCombo(QComboBox):
    """Names of devices; GPUs are looked for when it is first opened.

    Asking for them imports torch, which takes seconds, so nobody waits for it who does
    not want to choose.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._asked = False
        widen(self)
        self.setToolTip("Where to compute; auto takes the fastest there is.")
        for name in ("auto", "cpu"):
            self.addItem(name)

    def offer(self, name: str) -> None:
        """Add a device to the list, if it is not there."""
        if self.findText(name, Qt.MatchFlag.MatchExactly) < 0:
            self.addItem(name)

    def choose(self, name: str) -> None:
        """Choose a device; one that is not listed yet is added."""
        self.offer(name)
        self.setCurrentText(name)

    def showPopup(self) -> None:
        """Open the list, and look for GPUs the first time."""
        if not self._asked:
            self._asked = True
            job = Job(_device_steps, self)
            job.succeeded.connect(self._offer_all)
            job.ended.connect(job.deleteLater)
            job.start()
        super().showPopup()

    def _offer_all(self, names: tuple[str, ...]) -> None:
        for name in names:
            self.offer(name)


class Advanced(QCollapsible):
    """The section of options that hardly anybody needs, closed at first."""

    def __init__(self, content: QWidget, title: str = "Advanced") -> None:
        super().__init__(title)
        self._title = title
        self.addWidget(content)
        # As text and not as icons: text takes the colour of the theme.
        self.setCollapsedIcon(QIcon())
        self.setExpandedIcon(QIcon())
        self.toggled.connect(self._name)
        self._name(False)
        # napari paints a checked button as an active tool, which an open section is not.
        self.toggleButton().setStyleSheet(
            "text-align: left; border: none; background: transparent; padding: 2px 0px;"
        )
        self.layout().setContentsMargins(0, 0, 0, 0)
        self.content().layout().setContentsMargins(0, 4, 0, 0)

    def _name(self, expanded: bool) -> None:
        self.setText(f"▾ {self._title}" if expanded else f"▸ {self._title}")


def widen(combo: QComboBox) -> None:
    """Let a combo take the width of the form, however long what it offers."""
    combo.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    combo.setMinimumContentsLength(12)


def _device_steps(should_stop: Any) -> Any:
    from napari_dualgland.model.device import available_devices

    return available_devices()
    yield
