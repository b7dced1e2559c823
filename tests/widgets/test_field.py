"""The field of view is chosen once a viewer, follows the layers, and outlives any renaming."""

from __future__ import annotations

import gc
import threading
import weakref

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels, Layer
from napari.utils._proxies import PublicOnlyProxy

from napari_dualgland.errors import Kind
from napari_dualgland.io import read, write
from napari_dualgland.io.layer_tag import LayerTag, id_of, metadata_of
from napari_dualgland.io.layer_tuples import layers_of
from napari_dualgland.jobs.impute import ImputeJob
from napari_dualgland.jobs.inputs import FileInput, LayersInput, MaskLayer
from napari_dualgland.provenance import Provenance
from napari_dualgland.results import Imputation
from napari_dualgland.stack import ROLES
from napari_dualgland.widgets.field.channels_form import ChannelsForm
from napari_dualgland.widgets.field.field_of_view import field_of
from napari_dualgland.widgets.field.job_input import loaded, ref_of
from napari_dualgland.widgets.field.repaired import estimates_of, missing_of

from .conftest import paint, refused


@pytest.fixture
def opened_layers():
    """Four layers whose names alone tell what they are, in a viewer without a window."""
    viewer = ViewerModel()
    for role, pixels in zip(ROLES, paint(), strict=True):
        viewer.add_image(pixels, name=role, colormap="gray")
    return viewer


def repair(viewer, roles=ROLES):
    """Add what an imputation leaves: a layer per role, and what marks its estimates."""
    sources = tuple(id_of(viewer.layers[role]) for role in roles)
    for role in ROLES:
        beside = id_of(viewer.layers[role]) if role in roles else None
        tag = LayerTag(kind="imputed", role=role, sources=sources, beside=beside)
        viewer.add_image(paint()[0], name=f"{role} imputed", metadata=metadata_of(tag))
    tag = LayerTag(kind="missing", sources=sources)
    viewer.add_layer(Labels(np.ones((160, 160), int), name="missing", metadata=metadata_of(tag)))


def chosen(viewer, repaired=False):
    return {role: x.name for role, x in field_of(viewer).layers(repaired).items()}


def named(viewer, *names):
    return dict(zip(ROLES, names, strict=True))


# --- one for all --------------------------------------------------------------------------


def test_a_viewer_and_its_proxy_have_one_field(opened_layers):
    assert field_of(PublicOnlyProxy(opened_layers)) is field_of(opened_layers)
    assert field_of(ViewerModel()) is not field_of(opened_layers)


def test_it_goes_with_its_viewer():
    viewer = ViewerModel()
    viewer.add_image(paint()[0], name="protein")
    gone = [weakref.ref(field_of(viewer)), weakref.ref(viewer)]
    del viewer
    gc.collect()
    assert [ref() for ref in gone] == [None, None]


def test_what_is_chosen_in_one_form_is_shown_in_the_other(opened_layers, qtbot):
    first, second = ChannelsForm(opened_layers), ChannelsForm(opened_layers, repaired=True)
    told = []
    for form in (first, second):
        qtbot.addWidget(form)
        form.changed.connect(lambda form=form: told.append(form))
    qtbot.keyClicks(first.pickers["protein"], "n")
    assert second.pickers["protein"].currentText() == "nucleus"
    assert set(map(id, told)) == {id(first), id(second)}
    second.mode.setCurrentIndex(1)
    second.mode.activated.emit(1)
    assert first.mode.currentData() is True
    assert first.stack_layer.isVisibleTo(first)


def test_a_form_that_is_gone_is_told_nothing(opened_layers, qtbot):
    form = ChannelsForm(opened_layers)
    form.deleteLater()
    qtbot.waitUntil(lambda: not len(field_of(opened_layers).changed), timeout=60000)
    opened_layers.layers.remove("er")
    assert "er" not in chosen(opened_layers)


# --- names do not matter ------------------------------------------------------------------


def test_a_renamed_layer_keeps_its_role(opened_layers):
    field = field_of(opened_layers)
    told = []
    field.changed.connect(lambda: told.append(1))
    opened_layers.layers["protein"].name = "what I look at"
    opened_layers.layers["er"].name = "nucleus"
    assert not told
    opened_layers.add_image(np.zeros((3, 3)), name="something else")
    assert chosen(opened_layers) == named(
        opened_layers, "microtubules", "what I look at", "nucleus", "nucleus [1]"
    )


def test_names_that_are_put_right_are_followed(opened_layers):
    field_of(opened_layers)
    protein, nucleus = opened_layers.layers["protein"], opened_layers.layers["nucleus"]
    protein.name = "tmp"
    nucleus.name = "protein"
    protein.name = "DAPI"
    assert field_of(opened_layers).layers()["protein"] is nucleus
    assert field_of(opened_layers).layers()["nucleus"] is protein


def test_another_field_is_taken_when_it_is_opened(opened_layers):
    field_of(opened_layers)
    opened_layers.layers["protein"].name = "what I look at"
    for role, pixels in zip(ROLES, paint(), strict=True):
        opened_layers.add_image(pixels, name=f"second {role}")
    assert set(chosen(opened_layers).values()) == {f"second {role}" for role in ROLES}


# --- repaired layers ----------------------------------------------------------------------


def test_repaired_layers_are_found_whatever_they_are_called(opened_layers):
    repair(opened_layers)
    assert chosen(opened_layers) == named(opened_layers, *ROLES)
    opened_layers.layers["er"].name = "yellow one"
    opened_layers.layers["er imputed"].name = "filled in"
    opened_layers.layers["missing"].name = "holes"
    assert chosen(opened_layers, True) == named(
        opened_layers, *(f"{role} imputed" for role in ROLES[:3]), "filled in"
    )
    value = field_of(opened_layers).value(repaired=True)
    assert value.estimated.name == "holes"
    assert field_of(opened_layers).value().estimated is None


def test_a_channel_that_was_never_recorded_is_repaired_too(opened_layers):
    opened_layers.layers.remove("er")
    repair(opened_layers, ROLES[:3])
    assert chosen(opened_layers, True)["er"] == "er imputed"
    assert "er" not in chosen(opened_layers)


def test_a_measured_layer_may_be_picked_among_repaired_ones(opened_layers):
    repair(opened_layers)
    field, layers = field_of(opened_layers), opened_layers.layers
    field.pick("protein", layers["protein"], repaired=True)
    assert chosen(opened_layers, True) == named(
        opened_layers, "microtubules imputed", "protein", "nucleus imputed", "er imputed"
    )
    field.pick("protein", layers["nucleus imputed"], repaired=True)
    assert chosen(opened_layers)["protein"] == "nucleus"
    layers.remove("er imputed")
    assert chosen(opened_layers, True)["protein"] == "nucleus"


# --- one layer with all channels ----------------------------------------------------------


def test_names_along_the_axis_tell_the_positions():
    viewer = ViewerModel()
    names = ["DAPI", "phase", "ER", "antibody"]
    viewer.add_image(paint(), name="all", metadata={"channel_names": names}, rgb=False)
    field = field_of(viewer)
    assert field.one_layer
    assert field.source().positions == {"protein": 3, "nucleus": 0, "er": 2}
    roles = (None, *ROLES[:3], "er")
    tag = LayerTag(
        kind="imputed", sources=field.source().ids, roles=roles, axes="CYX", provenance=None
    )
    viewer.add_image(np.zeros((5, 160, 160)), name="filled", metadata=metadata_of(tag), rgb=False)
    repaired = field.source(repaired=True)
    assert repaired.first.name == "filled"
    assert field.source().first.name == "all"


# --- a run as a value ---------------------------------------------------------------------


def test_the_value_comes_back_by_ids_and_else_by_names(opened_layers):
    field, layers = field_of(opened_layers), opened_layers.layers
    field.pick("er", None)
    value = LayersInput.model_validate_json(field.value().model_dump_json())
    layers["protein"].name = "renamed"
    field.pick("protein", layers["nucleus"])
    field.pick("nucleus", None)
    field.set_value(value)
    assert chosen(opened_layers) == {
        "microtubules": "microtubules",
        "protein": "renamed",
        "nucleus": "nucleus",
    }
    elsewhere = value.layers["nucleus"].model_copy(update={"id": "of another session"})
    field.set_value(value.model_copy(update={"layers": {"nucleus": elsewhere}}))
    assert chosen(opened_layers) == {"nucleus": "nucleus"}
    unknown = elsewhere.model_copy(update={"name": "nobody"})
    with refused(Kind.NOT_THERE, "'nobody'"):
        field.set_value(value.model_copy(update={"layers": {"nucleus": unknown}}))


def test_layers_of_a_file_name_it(saved, opened_layers):
    opened_layers.layers.clear()
    for looks in layers_of(read(saved)):
        opened_layers.add_layer(Layer.create(*looks))
    assert field_of(opened_layers).value().file == FileInput(path=saved.absolute())
    field_of(opened_layers).pick("er", None)
    file = field_of(opened_layers).value().file
    assert file.channels == {role: role for role in ROLES[:3]}
    scale = opened_layers.layers["er"].scale
    opened_layers.add_image(paint()[0], name="drawn", scale=scale)
    field_of(opened_layers).pick("er", opened_layers.layers["drawn"])
    assert field_of(opened_layers).value().file is None


def test_estimates_of_a_file_stay_estimates(saved, tmp_path, opened_layers):
    stack = read(saved)
    missing = np.zeros(stack.shape, bool)
    missing[1, 20:40] = True
    known = Provenance(version="0", model="prior", date="2025-01-01")
    path = write(Imputation.of(stack, missing, provenance=known), tmp_path / "filled.ome.tif")
    opened_layers.layers.clear()
    for looks in layers_of(read(path)):
        opened_layers.add_layer(Layer.create(*looks))
    value = field_of(opened_layers).value()
    assert value.estimated.name == "missing"
    source = field_of(opened_layers).source()
    work = loaded(source, missing_of(opened_layers.layers, source))
    np.testing.assert_array_equal(work.stack.imputed, missing)
    opened_layers.layers.remove("missing")
    with refused(Kind.LACKING, "microtubules"):  # or they would be measured
        estimates_of(opened_layers.layers, source)


class OfTheMainThread(Image):
    """A layer that no worker may touch."""

    @property
    def data(self):
        assert threading.current_thread() is threading.main_thread()
        return super().data

    @data.setter
    def data(self, pixels):
        Image.data.fset(self, pixels)


def test_a_worker_touches_no_layer():
    viewer = ViewerModel()
    for role, pixels in zip(ROLES, paint(), strict=True):
        viewer.add_layer(OfTheMainThread(pixels, name=role))
    painted = np.zeros((160, 160), int)
    painted[20:30, 40:50] = 1
    marks = viewer.add_labels(painted, name="marks")
    source = field_of(viewer).source()
    job = ImputeJob(input=field_of(viewer).value(), missing=MaskLayer(layer=ref_of(marks)))
    work = loaded(source, missing=marks)
    ended = []

    def run():
        steps = job.find_steps(work)
        try:
            while True:
                next(steps)
        except StopIteration as end:
            ended.append(end.value)
        with pytest.raises(AssertionError):
            source.stack()

    worker = threading.Thread(target=run)
    worker.start()
    worker.join()
    assert ended[0].shares == pytest.approx(dict.fromkeys(ROLES, 100 / 160**2))
    assert ref_of(marks).path is None
