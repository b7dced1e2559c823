"""A plot in a dock, in the colours and the type size of napari's theme.

matplotlib takes half a second to load, so that it is loaded in a thread, and only when a plot is
seen for the first time. It takes the Qt binding that is loaded already, which is the one that
qtpy has chosen. pyplot, which keeps every figure alive, is not used.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from qtpy.QtCore import QEvent, QTimer, Signal
from qtpy.QtGui import QColor, QPalette
from qtpy.QtWidgets import QWidget
from typing_extensions import override

from napari_dualgland.progress import Progress
from napari_dualgland.widgets.kit.style import column
from napari_dualgland.widgets.kit.thread import JobThread

Draw = Callable[[Any], None]
"""Takes an empty :class:`matplotlib.figure.Figure` and fills it."""

_FAINT, _LINES = 0.25, 0.5
"""How far a grid and an axis stand out from the background; the text does wholly."""
_TYPE = 0.9
"""Size of the type, relative to that of the form around it."""
_LEAST = 50
"""Pixels of height under which axes have no room beside their labels."""
_MARGIN = 0.04
"""Inches around a plot."""


class ThemedFigure(QWidget):
    """Holds a plot, and draws it anew where the theme or the type size changes.

    Parameters
    ----------
    height : int
        The least that it takes, in pixels.
    parent : QWidget, optional
        Qt's parent.
    """

    drawn = Signal()
    """The plot is made, with the colours that there are now."""
    clicked = Signal(object)
    """A :class:`matplotlib.backend_bases.MouseEvent`: where the plot was pressed."""

    def __init__(self, height: int = 180, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMinimumHeight(height)
        self.canvas: Any = None
        self._draw: Draw | None = None
        self._thread: JobThread | None = None
        self._due = QTimer(self)
        self._due.setSingleShot(True)
        self._due.timeout.connect(self._redraw)
        column(self)

    def plot(self, draw: Draw | None) -> None:
        """Show what this draws, from now on; nothing where it is None."""
        self._draw = draw
        self.redraw()

    def redraw(self) -> None:
        """Draw anew, as soon as the plot is seen; however often this is called, once."""
        if self.isVisible():
            self._due.start(0)

    def colors(self) -> dict[str, str]:
        """Return matplotlib's settings that follow the theme and the type around the plot."""
        self.ensurePolished()
        palette = self.palette()
        text = palette.color(QPalette.ColorRole.WindowText)
        ground = palette.color(QPalette.ColorRole.Window)
        line = _between(ground, text, _LINES)
        of = {
            **dict.fromkeys(("figure.facecolor", "axes.facecolor", "legend.facecolor"), ground),
            **dict.fromkeys(("text.color", "axes.labelcolor", "axes.titlecolor"), text),
            **dict.fromkeys(("xtick.labelcolor", "ytick.labelcolor"), text),
            **dict.fromkeys(("axes.edgecolor", "xtick.color", "ytick.color"), line),
            **dict.fromkeys(("legend.edgecolor", "patch.edgecolor"), line),
            "grid.color": _between(ground, text, _FAINT),
        }
        return {key: color.name() for key, color in of.items()}

    # --- when it is drawn ---------------------------------------------------------------

    def showEvent(self, event: Any) -> None:
        """Draw what has changed while nobody saw it."""
        super().showEvent(event)
        self.redraw()

    def resizeEvent(self, event: Any) -> None:
        """Draw what there was no room for."""
        super().resizeEvent(event)
        if event.oldSize().height() < _LEAST <= event.size().height():
            self.redraw()

    def changeEvent(self, event: Any) -> None:
        """Follow the theme and the size of the type."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.StyleChange, QEvent.Type.FontChange):
            self.redraw()

    @override
    def eventFilter(self, watched: Any, event: Any) -> bool:
        """Leave the mouse wheel to the form that the plot lies in."""
        if event.type() == QEvent.Type.Wheel:
            event.ignore()
            return True
        return bool(super().eventFilter(watched, event))

    def _redraw(self) -> None:
        if self.canvas is None:
            self._load()
            return
        if self.height() < _LEAST:
            return  # squeezed to nothing; it is drawn when it has got its room
        from matplotlib import rc_context

        figure = self.canvas.figure
        figure.clear()
        points = _TYPE * self.fontInfo().pixelSize() * 72 / figure.dpi
        sizes = dict.fromkeys(("axes.titlesize", "axes.labelsize", "legend.fontsize"), points)
        looks: dict[Any, Any] = {**self.colors(), **sizes, "font.size": points}
        with rc_context(looks):
            figure.set_facecolor(self.colors()["figure.facecolor"])
            if self._draw is not None:
                self._draw(figure)
        self.canvas.draw_idle()
        self.drawn.emit()

    # --- matplotlib ---------------------------------------------------------------------

    def _load(self) -> None:
        if self._thread is None:
            self._thread = JobThread(_load_matplotlib, self)
            self._thread.succeeded.connect(self._on_loaded)
            self._thread.start()

    def _on_loaded(self, _: Any) -> None:
        from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg
        from matplotlib.figure import Figure
        from matplotlib.layout_engine import ConstrainedLayoutEngine

        figure = Figure(layout=ConstrainedLayoutEngine(w_pad=_MARGIN, h_pad=_MARGIN))
        self.canvas = FigureCanvasQTAgg(figure)
        self.canvas.installEventFilter(self)
        self.canvas.mpl_connect("button_press_event", self.clicked.emit)
        self.layout().addWidget(self.canvas)
        self._redraw()


def _load_matplotlib(should_stop: Callable[[], bool]) -> Generator[Progress, None, None]:
    """Load what takes long, and draw once where nobody waits: fonts are found and read then."""
    yield Progress(0, 0)
    import matplotlib.backends.backend_qtagg  # noqa: F401
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(layout="constrained")
    axes = figure.add_subplot()
    axes.plot([0, 1], label="0")
    axes.set_title("0")
    axes.legend()
    FigureCanvasAgg(figure).draw()


def _between(ground: QColor, text: QColor, share: float) -> QColor:
    """Return the colour that lies this far on the way from one to the other."""
    pairs = zip(ground.getRgbF()[:3], text.getRgbF()[:3], strict=True)
    return QColor.fromRgbF(*((1 - share) * a + share * b for a, b in pairs))
