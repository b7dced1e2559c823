"""The button that opens the report of a batch, where there is one."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import QUrl
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import QPushButton

from napari_dualgland.batch.report import PAGE


class ReportButton(QPushButton):
    """Opens the report of a folder of results in the browser."""

    def __init__(self) -> None:
        super().__init__("Open re&port")
        self.setToolTip("Look at every stack before and after, in the browser.")
        self._page = Path()
        self.clicked.connect(self._on_clicked)

    def offer(self, folder: Path | None) -> None:
        """Offer the report that lies in a folder; None: there is none."""
        self._page = (folder or Path()) / PAGE
        self.setEnabled(folder is not None)

    def _on_clicked(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._page)))
