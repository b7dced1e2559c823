"""The queue over the form: each as high as it needs, as far as there is room."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QSplitter, QWidget
from typing_extensions import override

from napari_dualgland.widgets.kit.form_area import FormArea


class QueueOverForm(QSplitter):
    """Gives the form what it needs and the queue the rest, unless that is too little.

    Parameters
    ----------
    queue : QWidget
    form : FormArea
    """

    def __init__(self, queue: QWidget, form: FormArea) -> None:
        super().__init__(Qt.Orientation.Vertical)
        self._queue, self._form = queue, form
        self.setChildrenCollapsible(False)
        self.addWidget(queue)
        self.addWidget(form)
        self.setStretchFactor(0, 1)

    def share(self) -> None:
        """Share the height anew."""
        whole = self.height()
        form = min(self._form.needed_height(), whole - self._queue.minimumSizeHint().height())
        self.setSizes([whole - form, form])

    def share_soon(self) -> None:
        """Share the height as soon as it is known."""
        QTimer.singleShot(0, self.share)

    @override
    def showEvent(self, event: Any) -> None:
        """Share the height as soon as there is one."""
        super().showEvent(event)
        self.share_soon()
