"""One value of a form: the widget that magicgui has for its annotation, made exact.

A spin box rounds to what it can show. A field remembers what it was given for as long as nobody
changes what is shown, so that a form may be filled from a file and read again without a loss.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from contextlib import suppress
from decimal import Decimal
from typing import Any, get_args

from magicgui.widgets import create_widget
from pydantic.fields import FieldInfo
from qtpy.QtCore import QObject, QSignalBlocker, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QWidget,
)
from typing_extensions import override

_FEWEST_DIGITS, _MOST_DIGITS = 6, 15
"""Behind the point: as many as a value needs, between these."""
_LARGEST: dict[type, float] = {int: 2**63 - 1, float: 1e6}
"""Of a number that nothing bounds; a larger one makes room for itself."""


class Field(QObject):
    """A value that a person may change.

    Parameters
    ----------
    widget : QWidget
        What the person sees.
    summary : QLabel, optional
        What is to be said below it.
    """

    changed = Signal()

    def __init__(self, widget: Any, summary: QLabel | None = None) -> None:
        super().__init__(widget)
        self.widget: Any = widget
        self.summary = summary

    def value(self) -> Any:
        """Return the value."""
        raise NotImplementedError

    def set_value(self, value: Any) -> None:
        """Show a value."""
        raise NotImplementedError


class ChoiceField(Field):
    """One of several names; one that is not offered yet is added when it is set.

    Parameters
    ----------
    combo : QComboBox
        The data of its items are the names.
    summary : QLabel, optional
        What is to be said below it.
    """

    def __init__(self, combo: QComboBox, summary: QLabel | None = None) -> None:
        super().__init__(combo, summary)
        self.combo = combo
        widen(combo)
        combo.currentIndexChanged.connect(lambda _: self.changed.emit())

    def names(self) -> list[str]:
        """Return the names that are offered."""
        return [self.combo.itemData(i) for i in range(self.combo.count())]

    def offer(self, names: Iterable[str]) -> None:
        """Add those of these names that are not there."""
        for name in names:
            if name not in self.names():
                self.combo.addItem(name, name)

    def value(self) -> str:
        """Return the chosen name."""
        return str(self.combo.currentData())

    def set_value(self, value: str) -> None:
        """Choose a name."""
        self.offer([value])
        self.combo.setCurrentIndex(self.names().index(value))


class _MagicField(Field):
    """A switch, a text or one of a few words."""

    def __init__(self, annotation: Any) -> None:
        magic: Any = create_widget(annotation=annotation)
        super().__init__(magic.native)
        self._magic = magic
        if isinstance(self.widget, QComboBox):
            widen(self.widget)
        self._magic.changed.connect(lambda _: self.changed.emit())

    def value(self) -> Any:
        return self._magic.value

    def set_value(self, value: Any) -> None:
        self._magic.value = value


class _DecimalBox(QDoubleSpinBox):
    """A spin box that takes more digits than it shows zeros."""

    @override
    def textFromValue(self, v: float) -> str:
        text, point = super().textFromValue(v), self.locale().decimalPoint()
        return text.rstrip("0").removesuffix(point) if point in text else text


class _NumberField(Field):
    """A number within the bounds that ge, gt, le, lt and multiple_of set."""

    def __init__(self, kind: type, info: FieldInfo) -> None:
        super().__init__(_DecimalBox() if kind is float else create_widget(annotation=kind).native)
        self._kind = kind
        names = ("ge", "gt", "le", "lt", "multiple_of")
        self._bounds = {k: getattr(m, k) for m in info.metadata for k in names if hasattr(m, k)}
        self._multiple = self._bounds.get("multiple_of")
        self.widget.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.widget.setStepType(self.widget.StepType.DefaultStepType)
        self.widget.setSingleStep(self._multiple or (1 if kind is int else 0.1))
        # superqt's box of whole numbers bounds each digit: of "128" the "1" would become 64.
        self.widget.setKeyboardTracking(kind is float)
        self.widget.valueChanged.connect(lambda _: self.changed.emit())
        if self._multiple is not None:
            self.widget.editingFinished.connect(lambda: self._show(self.value()))
        self._given: Any = None
        self._shown: Any = None

    def value(self) -> Any:
        """Return what was set, unless somebody has changed what is shown since."""
        shown = self._read()
        if shown == self._shown:
            return self._given
        return shown if self._multiple is None else round(shown / self._multiple) * self._multiple

    def set_value(self, value: Any) -> None:
        """Show a number with all its digits."""
        if self._given is not None and value == self.value():
            return  # to show it anew would write over what somebody is typing
        least = 1.0
        if self._kind is float:
            exponent = Decimal(repr(value)).as_tuple().exponent
            digits = -exponent if isinstance(exponent, int) else 0
            digits = min(max(digits, _FEWEST_DIGITS), _MOST_DIGITS)
            self.widget.setDecimals(digits)
            least = 10.0**-digits
        bounds, most = self._bounds, _LARGEST[self._kind]
        if most < value < math.inf:
            most = value
        # What must not be reached is missed by the last digit.
        low = bounds["gt"] + least if "gt" in bounds else bounds.get("ge", -most)
        high = bounds["lt"] - least if "lt" in bounds else bounds.get("le", most)
        self.widget.setRange(self._kind(low), self._kind(high))
        self._show(min(max(value, low), high))
        self._given, self._shown = value, self.widget.value()

    def _read(self) -> Any:
        """Return what is in the box; a whole number may still be half typed."""
        if self._kind is int:
            with suppress(ValueError):
                typed = int(self.widget.lineEdit().text())
                return min(max(typed, self.widget.minimum()), self.widget.maximum())
        return self.widget.value()

    def _show(self, value: Any) -> None:
        # superqt's spin box takes the focus whenever its text changes.
        with QSignalBlocker(self.widget.lineEdit()):
            self.widget.setValue(self._kind(value))


class OptionalField(Field):
    """A number, or None where a box is ticked."""

    def __init__(self, number: _NumberField, none: str, start: Any) -> None:
        whole = QWidget()
        super().__init__(whole)
        self.number = number
        self.none = QCheckBox(none)
        number.set_value(start)
        row = QHBoxLayout(whole)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.none)
        row.addWidget(number.widget, 1)
        self.none.toggled.connect(number.widget.setDisabled)
        self.none.toggled.connect(lambda _: self.changed.emit())
        number.changed.connect(self.changed)

    def value(self) -> Any:
        return None if self.none.isChecked() else self.number.value()

    def set_value(self, value: Any) -> None:
        self.none.setChecked(value is None)
        if value is not None:
            self.number.set_value(value)

    def suggest(self, number: Any, none: str) -> None:
        """Show a number that counts as soon as somebody takes it.

        Parameters
        ----------
        number : int or float
            What is shown while the box is ticked.
        none : str
            What the box says.
        """
        self.none.setText(none)
        if self.none.isChecked():
            self.number.set_value(number)


def field_for(info: FieldInfo) -> Field:
    """Return the field that a pydantic model's own says is needed."""
    kinds = [kind for kind in get_args(info.annotation) if kind is not type(None)]
    optional = type(None) in get_args(info.annotation)
    annotation: Any = kinds[0] if optional else info.annotation
    if annotation not in (int, float):
        return _MagicField(annotation)
    number = _NumberField(annotation, info)
    extra = info.json_schema_extra
    if not optional:
        return number
    assert isinstance(extra, dict)
    return OptionalField(number, str(extra["none"]), extra["start"])


def widen(combo: QComboBox) -> None:
    """Let a combo take the width of the form, however long what it offers."""
    combo.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    combo.setMinimumContentsLength(12)
