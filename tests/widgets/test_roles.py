"""A channel is estimated whole only where a person has said so; nothing else takes a role away."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Layer

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.io import read
from napari_dualgland.io.layer_tuples import layers_of
from napari_dualgland.stack import ROLES
from napari_dualgland.widgets.field.channels_form import ChannelsForm
from napari_dualgland.widgets.field.decided import NOT_RECORDED
from napari_dualgland.widgets.field.field_of_view import field_of

from .conftest import paint


def opened(roles=ROLES, suffix="", viewer=None, side=160):
    viewer = viewer or ViewerModel()
    pixels = dict(zip(ROLES, paint(side=160), strict=True))
    for role in roles:
        viewer.add_image(pixels[role][:side, :side], name=f"{role}{suffix}", colormap="gray")
    return viewer


def form_of(viewer, qtbot):
    form = ChannelsForm(viewer)
    qtbot.addWidget(form)
    return form


def of_other_size(viewer):
    layer = viewer.layers["er"]
    layer.data = np.asarray(layer.data)[:100, :100]


def another_scale(viewer):
    viewer.layers["er"].scale = (2, 2)


def deleted(viewer):
    viewer.layers.remove("er")


def deleted_and_another_added(viewer):
    viewer.layers.remove("er")
    viewer.add_image(paint()[0], name="phase")


def alike_twice(viewer):
    viewer.add_image(paint()[3], name="er")
    viewer.layers.pop("er")


def all_but_one_deleted(viewer):
    for role in ("microtubules", "protein", "er"):
        viewer.layers.remove(role)


@pytest.mark.parametrize(
    "happens", [deleted, deleted_and_another_added, alike_twice, all_but_one_deleted]
)
def test_a_channel_that_goes_is_not_given_up(happens, qtbot):
    viewer = opened()
    form = form_of(viewer, qtbot)
    form.value()
    happens(viewer)
    assert not field_of(viewer).unrecorded
    assert form.pickers["er"].currentText() != NOT_RECORDED
    with pytest.raises(DualglandError) as error:
        form.value()
    assert "ER" in error.value.place
    assert NOT_RECORDED in str(error.value)


@pytest.mark.parametrize("happens", [of_other_size, another_scale])
def test_layers_that_do_not_fit_are_refused_by_name(happens, qtbot):
    viewer = opened()
    form = form_of(viewer, qtbot)
    happens(viewer)
    viewer.add_image(paint()[0], name="something")  # the list is looked at anew
    assert set(field_of(viewer).layers()) == set(ROLES)
    with pytest.raises(DualglandError) as error:
        form.value()
    assert error.value.kind == Kind.MISMATCH
    assert "er" in error.value.place


@pytest.mark.parametrize("order", [ROLES, ROLES[::-1], ("er", *ROLES[:3])])
def test_layers_of_other_shapes_never_give_a_channel_up(order, qtbot):
    viewer = ViewerModel()
    for role in order:
        opened([role], viewer=viewer, side=100 if role == "er" else 160)
    form = form_of(viewer, qtbot)
    for _ in range(2):
        with pytest.raises(DualglandError) as error:
            form.value()
        assert error.value.kind == Kind.MISMATCH
        assert set(field_of(viewer).layers()) == set(ROLES[:3])
        viewer.layers.move(0, 3)


@pytest.mark.parametrize("alone", ROLES)
def test_one_layer_alone_is_no_reason_to_invent_three(alone, qtbot):
    form = form_of(opened([alone]), qtbot)
    with pytest.raises(DualglandError) as error:
        form.value()
    assert error.value.kind == Kind.LACKING


@pytest.mark.parametrize("name", ["mine", "nucleus old", "Image 3", "er (2)", "protein"])
@pytest.mark.parametrize("role", ROLES)
def test_renaming_and_moving_keep_every_role(role, name, qtbot):
    viewer = opened()
    form = form_of(viewer, qtbot)
    before = form.value()
    layer = viewer.layers[role]
    layer.name = name
    viewer.add_image(paint()[0], name="beside")
    viewer.layers.move(viewer.layers.index(layer), 0)
    after = form.value()
    assert {r: ref.id for r, ref in after.layers.items()} == {
        r: ref.id for r, ref in before.layers.items()
    }


def test_a_person_gives_a_channel_up_and_takes_it_back(qtbot):
    viewer = opened(ROLES[:3])
    form = form_of(viewer, qtbot)
    picker = form.pickers["er"]

    def choose(index):
        picker.setCurrentIndex(index)
        picker.activated.emit(index)

    choose(picker.count() - 1)
    assert set(form.value().layers) == set(ROLES[:3])
    viewer.layers["protein"].name = "antibody"
    assert form.pickers["er"].currentText() == NOT_RECORDED
    choose(0)
    with pytest.raises(DualglandError):
        form.value()
    # What was said was said of this field.
    choose(picker.count() - 1)
    viewer.layers.clear()
    opened(ROLES[:3], viewer=viewer)
    with pytest.raises(DualglandError):
        form.value()


def test_one_layer_with_fewer_channels(qtbot):
    viewer = ViewerModel()
    names = ["DAPI", "ER", "antibody", "phase"]
    viewer.add_image(paint(), metadata={"channel_names": names}, rgb=False)
    form = form_of(viewer, qtbot)
    with pytest.raises(DualglandError) as error:
        form.value()
    assert "Microtubules" in error.value.place
    combo = form.positions["microtubules"]
    combo.setCurrentIndex(combo.count() - 1)
    assert set(form.value().layers) == {"protein", "nucleus", "er"}


def test_a_set_without_one_of_its_files_is_confirmed_by_the_person(tmp_path, qtbot):
    import imageio.v3 as iio

    for colour, pixels in zip(("red", "green", "blue"), paint(), strict=False):
        iio.imwrite(tmp_path / f"1_A1_1_{colour}.png", pixels)
    viewer = ViewerModel()
    for looks in layers_of(read(tmp_path / "1_A1_1_red.png")):
        viewer.add_layer(Layer.create(*looks))
    form = form_of(viewer, qtbot)
    with pytest.raises(DualglandError) as error:
        form.value()
    assert "ER" in error.value.place


# --- fields side by side ------------------------------------------------------------------


def read_field(viewer, name, roles=ROLES):
    from napari_dualgland.stack import Channel, Stack

    channels = tuple(Channel(role, role) for role in roles)
    stack = Stack(paint()[: len(roles)], "CYX", channels, name=name)
    for looks in layers_of(stack):
        viewer.add_layer(Layer.create(*looks))


def visible(viewer):
    return {layer.name for layer in viewer.layers if layer.visible}


@pytest.mark.parametrize("count", [4, 3, 2])
def test_two_fields_are_kept_apart(count, qtbot):
    viewer = ViewerModel()
    form = form_of(viewer, qtbot)
    read_field(viewer, "1_A1_1")
    assert form.field.isHidden()
    read_field(viewer, "7_B2_3", ROLES[:count])
    first = {f"{role} · 1_A1_1" for role in ROLES}
    second = {f"{role} · 7_B2_3" for role in ROLES[:count]}
    assert {layer.name for layer in viewer.layers} == first | second
    assert visible(viewer) == second
    assert [form.field.itemText(i) for i in range(form.field.count())] == ["1_A1_1", "7_B2_3"]
    assert form.field.currentText() == "7_B2_3"
    assert not form.field.isHidden()
    viewer.layers["er · 1_A1_1"].name = "mine"
    form.field.setCurrentIndex(0)
    form.field.activated.emit(0)
    assert {ref.name for ref in form.value().layers.values()} == (first - {"er · 1_A1_1"}) | {
        "mine"
    }
    assert visible(viewer) == {ref.name for ref in form.value().layers.values()}


def test_each_field_is_as_it_was_left(qtbot):
    viewer = ViewerModel()
    form, other = form_of(viewer, qtbot), form_of(viewer, qtbot)
    read_field(viewer, "one", ROLES[:3])
    picker = form.pickers["er"]
    picker.setCurrentIndex(picker.count() - 1)
    picker.activated.emit(picker.currentIndex())
    viewer.layers["nucleus"].visible = False
    read_field(viewer, "two", ROLES[:3])
    with pytest.raises(DualglandError):
        form.value()
    form.field.setCurrentIndex(0)
    form.field.activated.emit(0)
    assert other.field.currentText() == "one"
    assert set(form.value().layers) == set(ROLES[:3])
    assert visible(viewer) == {"microtubules · one", "protein · one"}


def test_a_field_of_the_same_name_from_elsewhere_is_another(qtbot):
    viewer = ViewerModel()
    form = form_of(viewer, qtbot)
    read_field(viewer, "field7")
    read_field(viewer, "field7")
    assert [form.field.itemText(i) for i in range(form.field.count())] == ["field7", "field7 (2)"]
    assert len(set(form.value().layers.values())) == 4


def test_sets_dropped_together_are_told_apart_by_name(tmp_path, qtbot):
    import imageio.v3 as iio

    from napari_dualgland.io.napari_io import get_reader

    files = []
    for stem in ("1_A1_1", "1_A1_2"):
        for colour, pixels in zip(("red", "green", "blue", "yellow"), paint(), strict=True):
            files.append(str(tmp_path / f"{stem}_{colour}.png"))
            iio.imwrite(files[-1], pixels)
    viewer = ViewerModel()
    form = form_of(viewer, qtbot)
    for looks in get_reader(files)(files):
        viewer.add_layer(Layer.create(*looks))
    assert {layer.name for layer in viewer.layers} == {
        f"{role} · {stem}" for role in ROLES for stem in ("1_A1_1", "1_A1_2")
    }
    assert form.field.count() == 2
    assert len(visible(viewer)) == 4
    # What is written bears the name of the channel, not of the layer.
    assert [channel.name for channel in form.source().stack().channels] == list(ROLES)


@pytest.mark.parametrize("labels", [None, ("y", "x", "c")])
def test_channels_along_the_last_axis_are_usable(labels, qtbot):
    viewer = ViewerModel()
    viewer.add_image(np.moveaxis(paint(), 0, -1), rgb=False, name="all", axis_labels=labels)
    form = form_of(viewer, qtbot)
    assert form.mode.currentData() is True
    assert form.stack_axis.currentData() == 2
    for i, role in enumerate(ROLES):
        form.positions[role].setCurrentIndex(i + 1)
    stack = form.source().stack()
    assert stack.axes == "YXC"
    np.testing.assert_array_equal(np.moveaxis(np.asarray(stack.data), -1, 0), paint())
    assert set(form.value().layers) == set(ROLES)
