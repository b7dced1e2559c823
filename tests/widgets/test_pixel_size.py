"""The pixel size in the docks: shown, asked for where it is in doubt, stated once for all."""

from __future__ import annotations

import pytest
from napari.components import ViewerModel

from napari_dualgland.jobs import FileInput, ImputeJob
from napari_dualgland.stack import ROLES
from napari_dualgland.widgets.field.channels_form import ChannelsForm
from napari_dualgland.widgets.field.field_of_view import field_of

from .conftest import paint


@pytest.fixture
def opened(qtbot):
    """Return a function that opens four layers, and two forms that look at them."""

    def _opened(scale, units):
        viewer = ViewerModel()
        for role, pixels in zip(ROLES, paint(), strict=True):
            viewer.add_image(pixels, name=role, scale=(scale, scale), units=(units, units))
        forms = ChannelsForm(viewer), ChannelsForm(viewer, repaired=True)
        for form in forms:
            qtbot.addWidget(form)
        return viewer, *forms

    return _opened


def parts(form):
    statement = form.pixel_size.statement
    return statement.none, statement.number, form.pixel_size.says.text()


def test_what_the_layers_say_is_shown_and_not_stated(opened):
    _, form, _ = opened(0.24, "um")
    none, number, says = parts(form)
    assert (none.isChecked(), number.value(), says) == (True, 0.24, "")
    assert form.value().pixel_size is None
    assert form.source().stack().pixel_size.x == 0.24


def test_a_scale_without_a_unit_is_offered_and_needs_a_yes(opened):
    _, form, other = opened(0.24, "pixel")
    none, number, says = parts(form)
    assert (none.isChecked(), number.value()) == (True, 0.24)
    assert "0.24" in says
    stack = form.source().stack()
    assert stack.pixel_size is None
    assert "0.24" in stack.notes[0]
    none.setChecked(False)
    stack = form.source().stack()
    assert (stack.pixel_size.x, stack.notes) == (0.24, ())
    assert parts(form)[2] == ""
    # Stated once, it holds in every dock.
    assert other.value().pixel_size == 0.24
    assert not parts(other)[0].isChecked()
    none.setChecked(True)
    assert other.source().stack().pixel_size is None


def test_layers_in_pixels_ask_nothing(opened):
    _, form, _ = opened(1.0, "pixel")
    assert parts(form)[2] == ""
    assert form.source().stack().notes == ()


@pytest.mark.parametrize(("scale", "units"), [(352.78, "um"), (0.32, "m"), (0.08, "nm")])
def test_what_no_microscope_has_is_said(opened, scale, units):
    _, form, _ = opened(scale, units)
    assert "unknown" in parts(form)[2]
    assert form.source().stack().pixel_size is None
    form.pixel_size.statement.set_value(0.1)
    assert form.source().stack().pixel_size.x == 0.1


def test_a_statement_is_of_its_field_and_no_other(opened):
    viewer, form, _ = opened(1.0, "pixel")
    field = field_of(viewer)
    field.state_pixel_size(0.1)
    field.pick("er", None)
    assert field.pixel_size == 0.1  # the other three are still those
    before = dict(field.layers())
    for role, pixels in zip(ROLES, paint(), strict=True):
        field.pick(role, viewer.add_image(pixels, name=f"second {role}"))
    assert field.pixel_size is None
    assert parts(form)[0].isChecked()
    for role, layer in before.items():
        field.pick(role, layer)
    assert field.pixel_size == 0.1


def test_a_job_comes_back_with_every_digit(opened):
    _, form, _ = opened(1.0, "pixel")
    value = form.value().model_copy(update={"pixel_size": 0.08123456789012})
    form.set_value(value)
    assert form.value() == value
    form.set_value(value.model_copy(update={"pixel_size": None}))
    assert form.value().pixel_size is None


def test_a_job_about_the_file_comes_back(saved, opened_file):
    form = opened_file
    file = form.value().file
    assert (file.path, file.pixel_size) == (saved, None)
    stated = FileInput(path=saved, channels=file.channels, pixel_size=0.2)
    form.set_value(stated)
    assert form.value().file == stated
    job = ImputeJob(input=form.value())
    assert "--pixel-size 0.2" in job.as_command()
    assert "pixel_size=0.2" in job.as_python()


@pytest.fixture
def opened_file(saved, qtbot):
    """The form beside a file that was dropped."""
    from napari.layers import Layer

    from napari_dualgland.io import read
    from napari_dualgland.io.layer_tuples import layers_of

    viewer = ViewerModel()
    for layer in layers_of(read(saved)):
        viewer.add_layer(Layer.create(*layer))
    form = ChannelsForm(viewer)
    qtbot.addWidget(form)
    return form
