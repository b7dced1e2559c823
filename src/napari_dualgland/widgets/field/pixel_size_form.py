"""How large a pixel is: what the layers say of it, and a place to state it where they are wrong.

A scale without a unit may be µm or anything else, so it is offered and never taken by itself.
"""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QSignalBlocker
from qtpy.QtWidgets import QWidget

from napari_dualgland.errors import DualglandError
from napari_dualgland.io.layers import sampling, scale_of
from napari_dualgland.io.units import is_no_unit
from napari_dualgland.jobs.inputs import LayersInput
from napari_dualgland.pixel_size import plausible
from napari_dualgland.widgets.field.field_of_view import FieldOfView
from napari_dualgland.widgets.field.source import Source
from napari_dualgland.widgets.kit.fields import OptionalField, field_for
from napari_dualgland.widgets.kit.style import column, footnote

KNOWN, UNKNOWN = "as the layers say", "not known"
_INFO = LayersInput.model_fields["pixel_size"]


class PixelSizeForm(QWidget):
    """A view of the pixel size of the viewer's field of view.

    Parameters
    ----------
    field : FieldOfView
        Of which it is shown and stated.
    repaired : bool
        As of :class:`.ChannelsForm`.
    """

    def __init__(self, field: FieldOfView, repaired: bool = False) -> None:
        super().__init__()
        self._field, self._repaired = field, repaired
        size = field_for(_INFO)
        assert isinstance(size, OptionalField)
        self.statement = size
        size.widget.setToolTip(
            "Micrometres per pixel. Areas and classes hang on it, so state it where the layers "
            "do not say it, or say it wrongly."
        )
        self.says = footnote()
        column(self, size.widget, self.says, spacing=2)
        size.changed.connect(lambda: field.state_pixel_size(size.value()))

    def refresh(self) -> None:
        """Show what is stated, and what the layers say."""
        try:
            source = self._field.source(self._repaired)
        except DualglandError:  # what is wrong with the choice is said where it is used
            source = None
        known, number, words = (False, None, "") if source is None else offered(source)
        stated = self._field.pixel_size
        # What the field of view says is no news to it.
        with QSignalBlocker(self.statement):
            self.statement.set_value(stated)
            start = number or _start()
            self.statement.suggest(start, KNOWN if known else UNKNOWN)
        self.says.setText(words if stated is None else "")
        self.says.setVisible(bool(self.says.text()))
        self.statement.widget.setEnabled(source is not None)


def offered(source: Source) -> tuple[bool, float | None, str]:
    """Return what the layers of a field of view say of its pixel size.

    Parameters
    ----------
    source : Source

    Returns
    -------
    known : bool
        Whether it can be believed.
    number : float or None
        µm per pixel; what may be µm where it is not known; None where there is nothing.
    words : str
        What a person is to be told or asked; empty where there is nothing to say.
    """
    told = sampling(source.first, source.axes)
    size, notes = told["pixel_size"], told["notes"]
    if size is not None:
        return True, size.x, "\n".join(notes)
    value, unit = scale_of(source.first, source.axes)["X"]
    if is_no_unit(unit) and value != 1 and plausible("X", value):
        return (
            False,
            value,
            (
                f"The layers' scale is {value:g} per pixel, without a unit. Is it µm? Then untick "
                f"“{UNKNOWN}”."
            ),
        )
    return False, None, "\n".join(notes)


def _start() -> Any:
    extra = _INFO.json_schema_extra
    assert isinstance(extra, dict)
    return extra["start"]
