"""The look of a form, in one place: headings, footnotes, and labels that line up.

Names, paths and notes come from files, and Qt takes what looks like markup for markup; so labels
and tips are made here, where they show a text as it is.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable

from qtpy.QtCore import Qt
from qtpy.QtGui import QPainter, QPixmap
from qtpy.QtWidgets import QFormLayout, QLabel, QLayout, QVBoxLayout, QWidget

from napari_dualgland.legible import legible

_LABEL = "dualgland_label"


def form_layout(parent: QWidget) -> QFormLayout:
    """Return a form that is as dense as napari's own."""
    form = QFormLayout(parent)
    form.setContentsMargins(0, 0, 0, 0)
    form.setVerticalSpacing(4)
    form.setHorizontalSpacing(8)
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    return form


def column(parent: QWidget, *parts: QWidget | QLayout, spacing: int = 4) -> QVBoxLayout:
    """Lay widgets and rows one below the other, with nothing around them.

    Parameters
    ----------
    parent : QWidget
        That holds them.
    *parts : QWidget or QLayout
        From the top down.
    spacing : int
        Pixels between them.

    Returns
    -------
    QVBoxLayout
    """
    layout = QVBoxLayout(parent)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(spacing)
    for part in parts:
        if isinstance(part, QWidget):
            layout.addWidget(part)
        else:
            layout.addLayout(part)
    return layout


def plain_label(text: str = "", parent: QWidget | None = None) -> QLabel:
    """Return a label that shows whatever text it is given as it is.

    Parameters
    ----------
    text : str
    parent : QWidget, optional
        Qt's parent.

    Returns
    -------
    QLabel
    """
    label = QLabel(text, parent)
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label


def plain(text: str) -> str:
    """Return a text that is shown as it is where Qt would look for markup: tips, notifications.

    In what Qt would take for markup, a mark that is not seen follows each ``<`` and ``&``, and
    makes no tag of it.
    """
    shown = "\n".join(legible(line) for line in text.split("\n"))
    if not Qt.mightBeRichText(shown):  # type: ignore[attr-defined]  # qtpy has it
        return shown
    return shown.replace("<", "<\u2060").replace("&", "&\u2060")


def heading(text: str) -> QLabel:
    """Return the bold name of a section."""
    label = plain_label(text)
    font = label.font()
    font.setBold(True)
    label.setFont(font)
    label.setContentsMargins(0, 6, 0, 0)
    return label


def footnote(text: str = "") -> QLabel:
    """Return small print that wraps."""
    label = plain_label(text)
    label.setWordWrap(True)
    label.setStyleSheet("font-size: 11px;")
    return label


def in_lines(text: str) -> str:
    """Return a tooltip's text, plain and in lines as short as they should be; Qt breaks none."""
    return plain("\n".join(textwrap.fill(line, 80) for line in text.split("\n")))


def field_label(label: QLabel) -> QLabel:
    """Mark a label that stands before a field, for :func:`align_labels`."""
    label.setProperty(_LABEL, True)
    return label


def align_labels(form: QWidget) -> None:
    """Give the labels before all fields of a form one width, so that the fields line up."""
    labels = [label for label in form.findChildren(QLabel) if label.property(_LABEL)]
    for rows in form.findChildren(QFormLayout):
        for row in range(rows.rowCount()):
            item = rows.itemAt(row, QFormLayout.ItemRole.LabelRole)
            label = None if item is None else item.widget()
            if isinstance(label, QLabel):
                labels.append(label)
    width = max(label.sizeHint().width() + 4 for label in labels)
    for label in labels:
        label.setFixedWidth(width)


def small_picture(widget: QWidget, draw: Callable[[QPainter, int], None]) -> QPixmap:
    """Return a picture as high as a line of a widget's text, sharp on any screen.

    Parameters
    ----------
    widget : QWidget
        Beside whose text it stands.
    draw : callable
        Takes the painter and the side of the picture.

    Returns
    -------
    QPixmap
    """
    ratio = widget.devicePixelRatioF()
    side = widget.fontMetrics().height()
    picture = QPixmap(round(side * ratio), round(side * ratio))
    picture.setDevicePixelRatio(ratio)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    draw(painter, side)
    painter.end()
    return picture
