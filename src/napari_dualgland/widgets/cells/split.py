"""The form above and what was found below, as high as each must be."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QSplitter, QWidget

from napari_dualgland.widgets.kit.form_area import FormArea


class FormAndResults(QSplitter):
    """What fills a dock whose results are walked by.

    Parameters
    ----------
    form : FormArea
    results : QWidget
        Hidden as long as there are none.
    """

    def __init__(self, form: FormArea, results: QWidget) -> None:
        super().__init__(Qt.Orientation.Vertical)
        self._form, self._results = form, results
        self.setChildrenCollapsible(False)
        self.addWidget(form)
        self.addWidget(results)
        self.setStretchFactor(1, 1)

    def share_height(self) -> None:
        """Give the form what it needs, but the results the most: from here on they are used."""
        whole = self.height()
        # A legend flows: how high it is hangs on how wide it may be.
        below = self._results.layout().minimumHeightForWidth(self.width())
        most = max(min(whole - below, whole * 2 // 5), whole // 4)
        form = min(self._form.needed_height(), most)
        self.setSizes([form, whole - form])
