"""A plot in a dock: in napari's colours, drawn when it is seen, and gone with its dock."""

from __future__ import annotations

import subprocess
import sys

import pytest
from matplotlib.colors import to_rgb
from napari.utils.theme import get_theme
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtWidgets import QApplication

from napari_dualgland.widgets.kit.figure import ThemedFigure


def draw_line(figure):
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1])
    axes.set_title("set points")


def shown_in(viewer, qtbot):
    plot = ThemedFigure()
    viewer.window.add_dock_widget(plot)
    plot.plot(draw_line)
    with qtbot.waitSignal(plot.drawn, timeout=60000):
        plot.window().show()
    return plot


def text_color(plot):
    return to_rgb(plot.canvas.figure.axes[0].title.get_color())


@pytest.mark.binding
def test_a_plot_follows_the_theme(viewer, qtbot):
    plot = shown_in(viewer, qtbot)
    for name in ("dark", "light", "dark"):
        viewer.theme = name
        theme = get_theme(name)
        text, ground = (to_rgb(getattr(theme, of).as_hex()) for of in ("text", "background"))
        qtbot.waitUntil(lambda text=text: text_color(plot) == text, timeout=60000)
        axes = plot.canvas.figure.axes[0]
        assert axes.get_facecolor()[:3] == ground
        # What is on the screen, and not only what matplotlib was told.
        corner = plot.grab().toImage().pixelColor(2, 2).getRgbF()[:3]
        assert corner == pytest.approx(ground, abs=0.02)


@pytest.mark.binding
def test_the_wheel_over_a_plot_is_left_to_the_form(qtbot):
    plot = ThemedFigure()
    qtbot.addWidget(plot)
    with qtbot.waitSignal(plot.drawn, timeout=60000):
        plot.show()
    middle = QPointF(plot.canvas.rect().center())
    turn = QPoint(0, -120)
    none = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase
    event = QWheelEvent(middle, middle, QPoint(), turn, *none, False)
    QApplication.sendEvent(plot.canvas, event)
    assert not event.isAccepted()


def test_nothing_is_drawn_before_it_is_seen(qtbot):
    calls = []
    plot = ThemedFigure()
    qtbot.addWidget(plot)
    plot.plot(calls.append)
    QApplication.processEvents()
    assert plot.canvas is None
    with qtbot.waitSignal(plot.drawn, timeout=60000):
        plot.show()
    assert len(calls) == 1


def test_matplotlib_is_loaded_by_no_module_of_a_dock():
    code = (
        "import sys, napari_dualgland.widgets.kit.figure as f;"
        "sys.exit(any(name.split('.')[0] == 'matplotlib' for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_plot_that_is_squeezed_to_nothing_waits_for_room(qtbot):
    plot = ThemedFigure(height=0)
    qtbot.addWidget(plot)
    plot.plot(draw_line)
    plot.resize(200, 20)
    with qtbot.assertNotEmitted(plot.drawn, wait=1500):
        plot.show()
    with qtbot.waitSignal(plot.drawn, timeout=60000):
        plot.resize(200, 120)
