"""A form that scrolls and cuts nothing, above a button that stays in sight.

Labels line up, and the form is never narrower than its content.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qtpy.QtCore import QEvent, QSize, QTimer
from qtpy.QtWidgets import QSizePolicy, QStackedWidget, QWidget

from napari_dualgland.widgets.kit.scrolled import ScrolledColumn, height_in
from napari_dualgland.widgets.kit.style import align_labels, column, heading

_MOST_BELOW = 0.45
"""Share of the height that what stands below the form may take, or else what the form leaves it."""


class FormArea(QWidget):
    """Widgets one below the other, of which the last stay in sight.

    Parameters
    ----------
    *parts : QWidget or str
        What scrolls; a text is a heading.
    pinned : QWidget
        What stands below them at all times: the button.
    below : sequence of QWidget or str
        What stands below that, as far as there is room.
    instead : QWidget or None
        What is shown in place of the form, as long as :meth:`show_instead` says so.
    """

    def __init__(
        self,
        *parts: QWidget | str,
        pinned: QWidget,
        below: Sequence[QWidget | str],
        instead: QWidget | None,
    ) -> None:
        super().__init__()
        self._instead = instead
        # napari leaves the height of the dock to what wants it, and adds no space of its own.
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self._form = _Scrolled(parts)
        self._below = _Scrolled(below) if below else None
        for part in (self._form, self._below):
            if part is not None:
                part.asks.connect(self._fit_soon)
        self._fitting = QTimer(self)
        self._fitting.setSingleShot(True)
        self._fitting.timeout.connect(self.fit)
        self._pages = QStackedWidget()
        self._pages.addWidget(self._form)
        if instead is not None:
            self._pages.addWidget(instead)
        self._rest, self._pinned = QWidget(), QWidget()
        column(self._pinned, pinned).setContentsMargins(8, 4, 10, 4)
        rest = (self._pinned,) if self._below is None else (self._pinned, self._below)
        column(self._rest, *rest, spacing=0)
        column(self, self._pages, self._rest, spacing=0).setStretch(0, 1)

    def show_instead(self, wanted: bool, *, alone: bool) -> None:
        """Show what stands in place of the form, or the form.

        Parameters
        ----------
        wanted : bool
            Whether the form gives way.
        alone : bool
            Whether the button gives way too.
        """
        if self._instead is not None:
            self._pages.setCurrentIndex(int(wanted))
            self._rest.setVisible(not (wanted and alone))
            self._fit_soon()

    def needed_height(self) -> int:
        """Return how high the form is where nothing of it is hidden, in pixels."""
        return int(self._form.needed_height() + self._rest.sizeHint().height())

    def fit(self) -> None:
        """Line up the labels and find the least width, for the fonts that there are now."""
        align_labels(self._form.inside)
        for part in (self._form, self._below):
            if part is not None:
                bar = part.verticalScrollBar().sizeHint().width()
                part.setMinimumWidth(part.inside.minimumSizeHint().width() + bar)
        self._share()

    def _fit_soon(self) -> None:
        if self.isVisible():
            self._fitting.start(0)

    def _share(self) -> None:
        if self._below is not None:
            needed = self._below.needed_height()
            above = height_in(self._pinned.layout(), self.width())
            above += max(self._form.needed_height(), self._pages.minimumSizeHint().height())
            least = round(_MOST_BELOW * self.height())
            most = max(least, self.height() - above)
            self._below.show_bar(needed > most)
            # No more than the least is asked for: the window must not grow.
            self._below.setMinimumHeight(max(1, min(needed, least)))
            self._below.setMaximumHeight(max(1, needed))
            self._below.wanted = min(needed, most)
            self._below.updateGeometry()

    def resizeEvent(self, event: Any) -> None:
        """Share the height anew."""
        super().resizeEvent(event)
        self._share()

    def showEvent(self, event: Any) -> None:
        """Fit the form to the fonts that napari has set by now."""
        super().showEvent(event)
        self.fit()

    def changeEvent(self, event: Any) -> None:
        """Fit the form to changed fonts: napari's theme or font size changed."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.StyleChange, QEvent.Type.FontChange):
            self._fit_soon()


class _Scrolled(ScrolledColumn):
    """A part of the form."""

    def __init__(self, parts: Sequence[QWidget | str]) -> None:
        super().__init__()
        self.wanted: int | None = None
        self.column.setContentsMargins(8, 4, 10, 4)
        self.column.setSpacing(6)
        for part in parts:
            self.column.addWidget(heading(part) if isinstance(part, str) else part)
        self.column.addStretch(1)

    def sizeHint(self) -> QSize:
        """Return the height that it is given, if that was said."""
        hint = super().sizeHint()
        return hint if self.wanted is None else QSize(hint.width(), self.wanted)
