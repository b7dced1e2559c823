"""What a dock says reads on either theme, once, and whole."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QSize
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from napari_dualgland.io.writing import Plan, PlannedFile
from napari_dualgland.widgets.export.plan_view import PlanView
from napari_dualgland.widgets.impute.notice import Notice
from napari_dualgland.widgets.kit.collapsible import Collapsible
from napari_dualgland.widgets.kit.message import Message
from napari_dualgland.widgets.kit.tone import Tone, ToneLabel

pytestmark = pytest.mark.binding

GROUNDS = ("#262930", "#efebe9")
"""Of napari's dark theme, and of its light one."""


def luminance(color: QColor) -> float:
    """Return the relative luminance of WCAG 2."""
    rgb = np.array(color.getRgbF()[:3])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def contrast(one: QColor, other: QColor) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("tone", Tone)
def test_a_tone_reads_on_the_theme_there_is_now(qtbot, tone, ground):
    window = QWidget()
    qtbot.addWidget(window)
    label = ToneLabel(tone, "font-size: 11px;")
    QVBoxLayout(window).addWidget(label)
    window.show()
    for each in (*GROUNDS, ground):
        window.setStyleSheet(f"QWidget {{ background-color: {each}; }}")
    shown = QColor(label.styleSheet().rpartition("color: ")[2].rstrip(";"))
    assert contrast(shown, QColor(ground)) >= 4.5
    assert "font-size: 11px" in label.styleSheet()


def test_whatever_warns_has_a_tone(qtbot):
    said, notice = Message(), Notice()
    for widget in (said, notice):
        qtbot.addWidget(widget)
        labels = widget.findChildren(QLabel)
        assert labels
        assert all(isinstance(label, ToneLabel) for label in labels)


def test_a_section_has_one_mark(qtbot):
    section = Collapsible("Advanced", QLabel("tile"))
    qtbot.addWidget(section)
    section.show()
    button = section.toggleButton()
    for _ in range(2):
        picture = button.icon().pixmap(QSize(16, 16)).toImage()
        pixels = [(x, y) for x in range(picture.width()) for y in range(picture.height())]
        assert not any(picture.pixelColor(*at).alpha() for at in pixels)
        assert button.text()[0] in "▸▾"
        button.click()


@pytest.mark.parametrize("width", [260, 420])
def test_no_line_of_a_planned_file_is_cut(qtbot, tmp_path, width):
    holds = "4 channels, imputed, mask of estimated pixels, uncertainty, plausible pictures"
    size = ("CYX", (4, 1024, 1024), "uint8", 1 << 23)
    file = PlannedFile(tmp_path / "field.ome.tif", holds, *size)
    view = PlanView()
    qtbot.addWidget(view)
    view.resize(width, 400)
    view.show()
    view.show_plan(Plan("OME-TIFF", "field", (file,)))
    qtbot.wait(20)
    (item,) = (view.list.item(i) for i in range(view.list.count()))
    text = view.list.fontMetrics().boundingRect(
        0, 0, view.list.viewport().width() - 12, 1000, 0x1000, item.text()
    )
    assert text.height() > 2 * view.list.fontMetrics().lineSpacing()  # it does wrap
    assert view.list.viewport().height() >= text.height()
