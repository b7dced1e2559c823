"""*Impute* and *Localize* on one field, in turn: what is newest is seen, and nothing is lost."""

from __future__ import annotations

import os

import numpy as np
import pytest
from napari.layers import Labels

from napari_dualgland.io.layer_tag import tag_of
from napari_dualgland.stack import ROLES

from .conftest import plain_field

pytestmark = pytest.mark.skipif(
    os.environ.get("QT_QPA_PLATFORM") == "offscreen", reason="napari draws with OpenGL"
)


@pytest.fixture
def docks(scene, localize_dock, dock):
    """Both docks beside a damaged field."""
    image, labels = scene
    image = image.astype(np.float32)
    image[1, 20:60, 20:60] = np.nan
    given = Labels(labels, name="cellpose")
    localize = localize_dock([*plain_field(image), given])
    localize.cells.combo.set_layer(given)
    impute = dock()
    impute.missing.ways.set_value("nan")
    return impute, localize


def seen(viewer, kind):
    """Return the roles of the layers of a kind that are seen; None is of what was measured."""
    layers = [x for x in viewer.layers if x.visible and tag_of(x).kind == kind]
    return {tag_of(layer).role or layer.name for layer in layers} & {*ROLES, "localization"}


def remove(viewer, *kinds):
    for layer in [x for x in viewer.layers if tag_of(x).kind in kinds]:
        viewer.layers.remove(layer)


def test_a_fill_is_seen_of_what_a_localization_has_hidden(viewer, docks, run):
    impute, localize = docks
    viewer.layers["er"].visible = False
    run(localize)
    run(impute)
    assert seen(viewer, "imputed") == {*ROLES} - {"er"}
    assert not seen(viewer, "localization")
    assert localize.results.original.isChecked()


def test_sources_come_back_when_neither_result_is_there(viewer, docks, run):
    impute, localize = docks
    run(localize)
    run(impute)
    for shown in (False, True):
        localize.results.original.setChecked(shown)
        assert not seen(viewer, None)
    remove(viewer, "localization", "cells")
    assert not seen(viewer, None)
    remove(viewer, "imputed")
    assert seen(viewer, None) == {*ROLES}


def test_closing_localize_leaves_what_was_filled_alone(viewer, docks, run):
    impute, localize = docks
    run(localize)
    run(impute)
    viewer.window.remove_dock_widget(localize.parentWidget())
    assert seen(viewer, "imputed") == {*ROLES}
    assert not seen(viewer, None)


def test_a_second_fill_is_seen_after_a_localization_of_the_first(viewer, docks, run, click):
    impute, localize = docks
    run(impute)
    viewer.layers["er imputed"].visible = False
    run(localize)
    assert not seen(viewer, "imputed")
    run(impute)
    assert seen(viewer, "imputed") == {*ROLES} - {"er"}
    assert not seen(viewer, "localization")
    click(impute.results.compare)
    assert seen(viewer, None) == {*ROLES} - {"er"}


def test_a_cancelled_second_fill_leaves_the_localization_as_it_was(viewer, docks, run, qtbot):
    impute, localize = docks
    run(impute)
    run(localize)
    impute.start()
    impute._thread.progressed.connect(lambda step: step.patch is None or impute.cancel())
    qtbot.waitUntil(lambda: impute.idle, timeout=60000)
    assert "Cancelled" in impute.run_bar.says.text()
    assert seen(viewer, "localization")
    assert not seen(viewer, "imputed")
    remove(viewer, "localization", "cells")
    assert seen(viewer, "imputed") == {*ROLES}
