"""What every dock of the plugin is: a form that scrolls, fits its fonts and says what went wrong.

The dock is never narrower than its form, labels line up, and an error ends in one line of
the form and in napari's notification, never in silence.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from napari.utils.notifications import notification_manager, show_error
from qtpy.QtCore import QEvent, Qt, QTimer
from qtpy.QtGui import QGuiApplication
from qtpy.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from napari_dualgland.errors import DualglandError
from napari_dualgland.progress import Progress
from napari_dualgland.widgets.kit.run_bar import RunBar
from napari_dualgland.widgets.kit.style import align_labels
from napari_dualgland.widgets.kit.thread import Job, Steps


class FormDock(QWidget):
    """A dock with a form, a button that starts the work, and the line that says how it went.

    Parameters
    ----------
    run_bar : RunBar
        The button and the line.
    """

    def __init__(self, run_bar: RunBar) -> None:
        super().__init__()
        self.run_bar = run_bar
        self._job: Job | None = None

    # --- work -------------------------------------------------------------------------

    @property
    def idle(self) -> bool:
        """Whether no work is going on."""
        return self._job is None

    def work(self, steps: Steps) -> None:
        """Do this in a thread; the form rests and the button says *Cancel* meanwhile."""
        self.enable_form(False)
        self.run_bar.begin()
        job = Job(steps, self)
        job.progressed.connect(self.on_progress)
        job.succeeded.connect(self.on_done)
        job.failed.connect(self.on_failed)
        job.cancelled.connect(self.on_cancelled)
        job.ended.connect(self._on_ended)
        self._job = job
        job.start()

    def cancel(self) -> None:
        """Stop at the next step; what the button *Cancel* does."""
        if self._job is not None:
            self._job.cancel()

    def on_progress(self, step: Progress) -> None:
        """Say how far the work is."""
        self.run_bar.progress(step)

    def on_done(self, result: Any) -> None:
        """Show what came out."""
        raise NotImplementedError

    def on_failed(self, error: Exception) -> None:
        """Say what went wrong."""
        self.tell(error)

    def on_cancelled(self) -> None:
        """Say that nothing came of it."""
        self.run_bar.end("Cancelled; nothing was changed.")

    def on_ended(self) -> None:
        """Tidy up after any of the three."""

    def enable_form(self, enabled: bool) -> None:
        """Let the person change the form, or not while it works."""
        raise NotImplementedError

    def _on_ended(self) -> None:
        job, self._job = self._job, None
        if job is not None:
            job.deleteLater()
        self.on_ended()
        self.enable_form(True)

    # --- words ------------------------------------------------------------------------

    def tell(self, error: Exception) -> None:
        """Show an error in the widget and as napari's notification, and restore the button."""
        if isinstance(error, DualglandError):
            self.run_bar.end(str(error), error=True)
            show_error(str(error))
            return
        first = (str(error).splitlines() or [""])[0]
        self.run_bar.end(f"Unexpected {type(error).__name__}: {first}", error=True)
        # With its traceback, which napari's notification unfolds for a report.
        notification_manager.receive_error(type(error), error, error.__traceback__)

    def copy(self, write: Callable[[], str]) -> None:
        """Put text on the clipboard, or say why there is none."""
        try:
            QGuiApplication.clipboard().setText(write())
        except DualglandError as error:
            self.run_bar.say(str(error), error=True)
            return
        self.run_bar.say("Copied to the clipboard.")

    # --- looks ------------------------------------------------------------------------

    def scrolled(self, *widgets: QWidget) -> QScrollArea:
        """Return the form: these widgets, one below the other, in an area that scrolls."""
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(8, 6, 10, 8)
        column.setSpacing(6)
        for widget in widgets:
            column.addWidget(widget)
        column.addStretch(1)
        self._form = inside
        scroll = self._scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(inside)
        return scroll

    def form_height(self) -> int:
        """Return how high the form is where nothing of it is hidden, in pixels."""
        return self._form.sizeHint().height()

    def hold(self, content: QWidget) -> None:
        """Fill the dock with the form, or with what holds the form."""
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(content)

    def fit(self) -> None:
        """Cut nothing: labels line up, the dock is never narrower than the form.

        To be done anew when napari's theme or font size changes the fonts.
        """
        align_labels(self._form)
        bar = self._scroll.verticalScrollBar().sizeHint().width()
        self.setMinimumWidth(self._form.minimumSizeHint().width() + bar)

    def showEvent(self, event: Any) -> None:
        """Fit the form to the fonts that napari has set by now."""
        super().showEvent(event)
        self.fit()

    def changeEvent(self, event: Any) -> None:
        """Fit the form to changed fonts."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.StyleChange, QEvent.Type.FontChange) and self.isVisible():
            QTimer.singleShot(0, self.fit)
