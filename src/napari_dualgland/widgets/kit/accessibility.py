"""Accessibility: every control can be reached, read out and understood: by keys, by ear, by a tip.

What Qt leaves to each form is done here once for all of them: a label names its field and leads
to it by a letter, the Tab key goes from the top down, and a field without a tip of its own has
that of its label.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QComboBox,
    QFormLayout,
    QGridLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QScrollArea,
    QSplitter,
    QStackedWidget,
    QTabWidget,
    QTextEdit,
    QWidget,
)

from napari_dualgland.widgets.kit.style import plain

INPUTS = (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QTextEdit,
)
"""What a person types into, turns or presses."""

FIRST = "dualgland_first"
"""Property of the button that starts the work."""

_NAPARI_MENUS = frozenset("fvlpwhe")
"""Letters that open a menu of napari together with Alt."""


def inputs_of(root: QWidget) -> list[Any]:
    """Return what a person can use inside a widget, from the top down, what is hidden too."""
    return list(dict.fromkeys(_walk(root)))


def make_accessible(root: QWidget) -> None:
    """Name all inputs of a form, give them tips and letters, and put them in order."""
    _name_by_labels(root)
    found = inputs_of(root)
    for widget in found:
        _describe(widget, root)
    reached = [w for w in found if w.focusPolicy() & Qt.FocusPolicy.TabFocus]
    for first, second in pairwise(reached):
        QWidget.setTabOrder(first, second)
    _give_letters(root, found)


# --- which --------------------------------------------------------------------------------


def _walk(widget: Any) -> Iterator[Any]:
    if isinstance(widget, INPUTS):
        yield widget
        return
    if isinstance(widget, QScrollArea):
        inside = widget.widget()
        if inside is not None:
            yield from _walk(inside)
        return
    if isinstance(widget, QSplitter | QStackedWidget | QTabWidget):
        for i in range(widget.count()):
            yield from _walk(widget.widget(i))
        return
    layout = widget.layout()
    if layout is not None:
        yield from _walk_layout(layout)


def _walk_layout(layout: Any) -> Iterator[Any]:
    order = list(range(layout.count()))
    if isinstance(layout, QGridLayout):
        order.sort(key=lambda i: tuple(layout.getItemPosition(i))[:2])
    elif isinstance(layout, QFormLayout):
        order.sort(key=lambda i: _form_place(layout, i))
    for i in order:
        item = layout.itemAt(i)
        if item is None:
            continue
        if item.widget() is not None:
            yield from _walk(item.widget())
        elif item.layout() is not None:
            yield from _walk_layout(item.layout())


def _form_place(form: QFormLayout, index: int) -> tuple[int, int]:
    row, role = form.getItemPosition(index)
    return int(row), int(role != QFormLayout.ItemRole.LabelRole)


# --- what they are called -----------------------------------------------------------------


def _name_by_labels(root: QWidget) -> None:
    """Pair the labels of forms and grids with what stands beside them."""
    for form in root.findChildren(QFormLayout):
        for row in range(form.rowCount()):
            _pair(
                _widget(form.itemAt(row, QFormLayout.ItemRole.LabelRole)),
                [_widget(form.itemAt(row, QFormLayout.ItemRole.FieldRole))],
            )
    for grid in root.findChildren(QGridLayout):
        places = [(grid.getItemPosition(i), _widget(grid.itemAt(i))) for i in range(grid.count())]
        labels = {at[0]: x for at, x in places if at[1] == 0 and isinstance(x, QLabel)}
        for row, label in labels.items():
            # Several may take turns in one place.
            _pair(label, [x for at, x in places if at[0] == row and x is not label])


def _widget(item: Any) -> Any:
    return None if item is None else item.widget()


def _pair(label: Any, fields: list[Any]) -> None:
    if not isinstance(label, QLabel) or not label.text():
        return
    name = label.text().replace("&", "")
    for field in fields:
        for widget in () if field is None else inputs_of(field):
            own = widget.text() if isinstance(widget, QAbstractButton) else ""
            if not widget.accessibleName():
                widget.setAccessibleName(f"{name}: {own}" if own else name)
            if not widget.toolTip():
                widget.setToolTip(plain(field.toolTip() or label.toolTip()))
            if not isinstance(label.buddy(), INPUTS):
                label.setBuddy(widget)


def _describe(widget: Any, root: QWidget) -> None:
    """Give a widget the name that it shows, and the tip of what it is a part of."""
    if not widget.accessibleName():
        if isinstance(widget, QAbstractButton) and widget.text():
            widget.setAccessibleName(widget.text().replace("&", "").strip("▸▾ …"))
        elif isinstance(widget, QLineEdit):
            widget.setAccessibleName(widget.placeholderText())
    whole = widget.parentWidget()
    while not widget.toolTip() and whole is not None and root.isAncestorOf(whole):
        widget.setToolTip(plain(whole.toolTip()))
        whole = whole.parentWidget()
    if not widget.accessibleDescription():
        widget.setAccessibleDescription(widget.toolTip())


# --- by which letter ----------------------------------------------------------------------


def _give_letters(root: QWidget, found: list[Any]) -> None:
    """Give each button, and each label of a field, one letter that nothing else here has."""
    order = {id(widget): i for i, widget in enumerate(found)}
    labels = [x for x in root.findChildren(QLabel) if id(x.buddy()) in order]
    buttons = [x for x in found if isinstance(x, QAbstractButton) and x.text()]
    taken = set(_NAPARI_MENUS) | {x.text().lower().partition("&")[2][:1] for x in labels}
    taken |= {_letter(x) for x in buttons}
    # What starts the work comes first, then what is asked from the top down, then the rest.
    for button in (x for x in buttons if x.property(FIRST)):
        _press_by(button, taken)
    for label in sorted(labels, key=lambda x: order[id(x.buddy())]):
        if "&" not in label.text() and (letter := _free(label.text(), taken)):
            at = label.text().lower().index(letter)
            label.setText(f"{label.text()[:at]}&{label.text()[at:]}")
    for button in sorted(buttons, key=lambda x: not isinstance(x, QPushButton)):
        _press_by(button, taken)


def _press_by(button: Any, taken: set[str]) -> None:
    if button.shortcut().isEmpty() and (letter := _free(button.text(), taken)):
        button.setShortcut(QKeySequence(f"Alt+{letter.upper()}"))


def _letter(button: Any) -> str:
    return str(button.shortcut().toString())[-1:].lower()


def _free(text: str, taken: set[str]) -> str:
    """Return the first letter of a text that is free, and take it."""
    letter = next((c for c in text.lower() if c.isascii() and c.isalpha() and c not in taken), "")
    taken.add(letter)
    return letter
