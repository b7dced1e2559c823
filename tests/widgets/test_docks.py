"""Docks are jobs: shown, given back to the last digit, and lying as tabs over one field of view."""

from __future__ import annotations

import os

import numpy as np
import pytest
from napari.layers import Labels, Shapes
from npe2 import PluginManager
from qtpy.QtWidgets import QDockWidget, QMainWindow

from napari_dualgland.errors import Kind
from napari_dualgland.imputation.params import ImputeParams
from napari_dualgland.jobs import (
    Detect,
    ImputeJob,
    LabelsFile,
    LocalizeJob,
    MaskFile,
    Plane,
)
from napari_dualgland.jobs.saved import parse_job
from napari_dualgland.localization.params import LocalizeParams
from napari_dualgland.missing import MissingParams
from napari_dualgland.stack import ROLES
from napari_dualgland.widgets.field.channels_form import ChannelsForm

from .conftest import SIDE, paint, plain_field, refused, say_not_recorded

pytestmark = pytest.mark.skipif(
    os.environ.get("QT_QPA_PLATFORM") == "offscreen", reason="napari draws with OpenGL"
)


FIELD_DOCKS = ("Impute", "Localize", "Boundaries")


@pytest.fixture
def docks(viewer, qtbot):
    """The docks that look at a field, opened as napari's menu does, beside a marked z-stack."""
    pixels = np.stack([paint(seed=k) for k in range(3)], axis=1)
    for layer in plain_field(pixels):
        viewer.add_layer(layer)
    viewer.add_layer(Labels(np.ones((SIDE, SIDE), int), name="marks"))
    viewer.add_layer(Shapes([np.array([[4, 5], [4, 11], [8, 11], [8, 5]])], name="outline"))
    made = {
        name: viewer.window.add_plugin_dock_widget("napari-dualgland", name)[1]
        for name in FIELD_DOCKS
    }
    qtbot.wait(50)
    return made


def dock_of(widget):
    while not isinstance(widget, QDockWidget):
        widget = widget.parentWidget()
    return widget


@pytest.mark.binding
def test_docks_opened_together_lie_as_tabs(docks):
    impute, *others = (dock_of(docks[name]) for name in FIELD_DOCKS)
    window = impute.window()
    assert isinstance(window, QMainWindow)
    for other in others:
        assert other in window.tabifiedDockWidgets(impute)


def test_docks_share_the_field_of_view(viewer, docks):
    impute, *others = docks.values()
    nucleus, er = viewer.layers["nucleus"], viewer.layers["er"]
    picker = impute.channels.pickers["er"]
    picker.setCurrentIndex(next(i for i in range(picker.count()) if picker.itemData(i) == nucleus))
    picker.activated.emit(picker.currentIndex())
    picker = impute.channels.pickers["nucleus"]
    picker.setCurrentIndex(next(i for i in range(picker.count()) if picker.itemData(i) == er))
    picker.activated.emit(picker.currentIndex())
    for dock in others:
        assert dock.channels.source().layers["er"] == nucleus
        assert dock.value().input == impute.value().input


def test_what_nobody_gave_up_is_estimated_by_no_dock(viewer, docks):
    """Whatever imputes, by itself or first, refuses and names what its own picker offers."""
    widgets = PluginManager.instance().get_manifest("napari-dualgland").contributions.widgets
    for name in {widget.display_name for widget in widgets} - {*FIELD_DOCKS}:
        _, other = viewer.window.add_plugin_dock_widget("napari-dualgland", name)
        assert other.findChild(ChannelsForm) is None  # else it is one of the docks that are asked
    viewer.layers.remove("er")
    for dock in docks.values():
        if hasattr(dock, "cells"):
            dock.value()  # it only looks, and needs no channel that is not there
            dock.cells.impute_first.setChecked(True)
        with refused(Kind.LACKING, "ER") as told:
            dock.value()
        picker = dock.channels.pickers["er"]
        assert picker.itemText(picker.count() - 1) in told.value.way_out
    say_not_recorded(docks["Impute"], "er")
    for dock in docks.values():
        assert "er" not in dock.value().input.layers


def changed(job, **fields):
    return job.model_copy(update=fields)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"roles": ("protein", "er"), "plane": Plane(z=2)},
        {"missing": Detect.nan_only()},
        {"missing": Detect(params=MissingParams(noise=1 / 3, min_size=10**7, nan=False))},
        {"missing": MaskFile(path="/nowhere/mask.tif"), "output": "/nowhere/out.ome.tif"},
        {"params": ImputeParams(seed=2**40, tile=352, model="own.safetensors", device="cuda:3")},
    ],
)
def test_impute_shows_every_job(docks, fields):
    dock = docks["Impute"]
    job = ImputeJob.model_validate({**dict(dock.value()), **fields})
    dock.set_value(job)
    assert dock.value() == job
    again = parse_job(job.model_dump(mode="json"), "here")
    dock.set_value(again)
    assert dock.value() == job


@pytest.mark.binding
@pytest.mark.parametrize("kind", ["labels", "shapes"])
def test_impute_shows_layers_that_mark(viewer, docks, kind):
    dock = docks["Impute"]
    dock.missing.ways.set_value(kind)
    job = dock.value()
    assert job.missing.layer.name == {"labels": "marks", "shapes": "outline"}[kind]
    dock.missing.ways.set_value("nan")
    dock.set_value(job)
    assert dock.value() == job
    viewer.layers.remove(job.missing.layer.name)
    with refused(Kind.NOT_THERE, job.missing.layer.name):
        dock.set_value(job)


@pytest.mark.parametrize(
    "fields",
    [
        {"params": LocalizeParams(threshold=0.123456, nucleus_um=14.87, smallest_um2=59.123)},
        {"missing": MaskFile(path="/nowhere/mask.tif"), "impute_first": True},
        {"cells": LabelsFile(path="/nowhere/cells.tif"), "output": "/nowhere/out"},
    ],
)
def test_localize_shows_every_job(docks, fields):
    dock = docks["Localize"]
    plain = dock.value()
    job = LocalizeJob.model_validate({**dict(plain), **fields})
    dock.set_value(parse_job(job.model_dump(mode="json"), "here"))
    assert dock.value() == job
    dock.set_value(plain)
    assert dock.value() == plain


def test_localize_shows_the_layer_of_cells(viewer, docks):
    dock = docks["Localize"]
    sizes = [dock.params.fields[name].widget for name in ("nucleus_um", "smallest_um2")]
    assert all(size.isEnabled() for size in sizes)
    dock.cells.combo.set_layer(viewer.layers["marks"])
    assert not any(size.isEnabled() for size in sizes)
    job = dock.value()
    assert job.cells.layer.name == "marks"
    dock.cells.combo.set_layer(None)
    dock.set_value(job)
    assert dock.value() == job


@pytest.mark.parametrize("name", FIELD_DOCKS)
def test_a_job_of_one_plane_is_shown(viewer, docks, name):
    dock = docks[name]
    whole = dock.value()
    job = changed(whole, plane=Plane(z=1))
    dock.set_value(parse_job(job.model_dump(mode="json"), "here"))
    assert viewer.dims.current_step[0] == 1
    assert dock.value() == job
    dock.set_value(whole)
    assert dock.value() == whole


def test_a_job_of_another_session_is_found_by_names(docks):
    dock = docks["Impute"]
    dock.missing.ways.set_value("labels")
    told = dock.value().model_dump(mode="json")
    told["missing"]["layer"]["id"] = "of another day"
    dock.set_value(parse_job(told, "here"))
    assert dock.value().missing.layer.id != "of another day"


def test_all_roles_are_offered(docks):
    assert docks["Impute"].value().roles == ROLES
