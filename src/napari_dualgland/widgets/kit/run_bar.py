"""The button that starts and cancels, the progress, and the one line that says how it went."""

from __future__ import annotations

import time
from typing import Any

from qtpy.QtCore import QEvent, QTimer, Signal
from qtpy.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QWidget

from napari_dualgland.progress import Progress
from napari_dualgland.widgets.kit.accessibility import FIRST
from napari_dualgland.widgets.kit.message import Message
from napari_dualgland.widgets.kit.style import column, plain, plain_label

_SETTLE_MS = 250
"""A press that comes sooner after the start was meant for *start*, not for *Cancel*."""


_SURE = 0.05
"""Share of the work from which on it tells how long the rest will take."""


class RunBar(QWidget):
    """A button that turns into *Cancel* while the work goes on.

    Parameters
    ----------
    verb : str
        What the button says, the widget's own name.
    things : str
        What is counted while it works, in the plural.

    Attributes
    ----------
    verb : str
        As given.
    """

    started = Signal()
    """The person wants the work done."""
    cancelled = Signal()
    """The person wants it stopped."""

    def __init__(self, verb: str, things: str) -> None:
        super().__init__()
        self.verb, self._things = verb, things
        self._running = False
        self._began = 0.0
        self._first: tuple[float, int] | None = None
        self.total = 0
        self.button = _StartButton(verb)
        self.button.setToolTip(
            plain(f"{verb}: start with what stands above; press again to cancel.")
        )
        self._settling = QTimer(self)
        self._settling.setSingleShot(True)
        self._settling.setInterval(_SETTLE_MS)
        self.button.setMinimumHeight(34)
        font = self.button.font()
        font.setBold(True)
        self.button.setFont(font)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setMaximumHeight(8)
        self.elapsed = plain_label()
        self.elapsed.setToolTip("How long it has been working.")
        self._second = QTimer(self)
        self._second.setInterval(1000)
        self._second.timeout.connect(self._show_elapsed)
        self.says = Message()
        line = QHBoxLayout()
        line.addWidget(self.bar, 1)
        line.addWidget(self.elapsed)
        self._row = QHBoxLayout()
        self._row.setSpacing(4)
        self._row.addWidget(self.button, 1)
        column(self, self._row, line, self.says)
        self.bar.hide()
        self.elapsed.hide()
        self.button.clicked.connect(self._on_clicked)

    def put_beside(self, widget: QWidget) -> None:
        """Lay something small to the right of the button."""
        self._row.addWidget(widget)

    def begin(self) -> None:
        """Turn the button into *Cancel*."""
        self._running = True
        self._first = None
        self._began = time.monotonic()
        self.total = 0
        self.button.setText("Cancel")
        self.button.setEnabled(True)
        self.bar.setRange(0, 0)
        self.bar.show()
        self._show_elapsed()
        self.elapsed.show()
        self._second.start()
        self._settling.start()
        self.say("Starting …")

    def end(self, line: str, *, error: bool = False) -> None:
        """Restore the button and say how it went.

        Parameters
        ----------
        line : str
            What is said.
        error : bool
            Whether it stands out.
        """
        self._running = False
        self.button.setText(self.verb)
        self.button.setEnabled(True)
        self.bar.hide()
        self._second.stop()
        self._settling.stop()
        self.elapsed.hide()
        self.says.sum_up(line, error=error)

    @property
    def took(self) -> str:
        """How long the work has taken, as people say it."""
        return in_time(time.monotonic() - self._began)

    def say(self, line: str, *, error: bool = False) -> None:
        """Show one line: how far the work is, or, after it, something beside how it went.

        Parameters
        ----------
        line : str
            Nothing is shown where it is empty.
        error : bool
            Whether it stands out.
        """
        (self.says.sum_up if self._running else self.says.add)(line, error=error)

    def progress(self, step: Progress) -> None:
        """Show how far the work is and how long it will still take."""
        if step.share is not None:
            self.bar.setRange(0, 1000)
            self.bar.setValue(max(1, round(1000 * step.share)))
        if step.total == 0 or (step.share is not None and step.done == 0 and step.message):
            self.total = step.total
            # As a sentence: engines speak in lower case, for their words stand in lists.
            said = f"{step.message[:1].upper()}{step.message[1:]} …" if step.message else ""
            self.say(" · ".join(word for word in (said, self._left_in_words(step)) if word))
            return
        self.total = step.total
        if step.share is None:
            self.bar.setRange(0, step.total)
            self.bar.setValue(step.done)
        words = [f"{step.done} of {step.total} {self._things}"]
        left = self._left_in_words(step)
        if left:
            words.append(left)
        if step.message:
            words.append(step.message)
        self.say(" · ".join(words))

    def _left_in_words(self, step: Progress) -> str:
        left = self._seconds_left(step)
        return "" if left is None else f"{in_time(left)} left"

    def _seconds_left(self, step: Progress) -> float | None:
        """Extrapolate: from the share of all work, or else from the first finished one on.

        Loading the model is no part of the latter, and no word is said before a second or two.
        """
        now = time.monotonic()
        if step.share is not None:
            took = now - self._began
            sure = step.share > _SURE and took > 1
            return took / step.share * (1 - step.share) if sure else None
        if step.done and self._first is None:
            self._first = (now, step.done)
        if self._first is None or step.done <= self._first[1]:
            return None
        since, first = self._first
        return (now - since) / (step.done - first) * (step.total - step.done)

    def _show_elapsed(self) -> None:
        minutes, seconds = divmod(int(time.monotonic() - self._began), 60)
        self.elapsed.setText(f"{minutes}:{seconds:02d}")

    def _on_clicked(self) -> None:
        if not self._running:
            self.started.emit()
            return
        if self._settling.isActive():
            return
        self.button.setText("Cancelling …")
        self.button.setEnabled(False)
        self.cancelled.emit()


class _StartButton(QPushButton):
    """A button to which a double click is one press: most people double-click everything."""

    def __init__(self, verb: str) -> None:
        super().__init__(verb)
        self.setProperty(FIRST, True)

    def setText(self, text: str | None) -> None:
        """Change the text alone: Qt would forget the keys that press the button."""
        keys = self.shortcut()
        super().setText(text)
        self.setShortcut(keys)

    def mouseDoubleClickEvent(self, event: Any) -> None:
        event.accept()

    def event(self, event: Any) -> bool:
        """Take no key that repeats because it is held down."""
        if event.type() in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease) and event.isAutoRepeat():
            return True
        return bool(super().event(event))


def in_time(seconds: float) -> str:
    """Return a duration as people say it: ``8 s``, ``3 min``, ``2 h 5 min``."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
