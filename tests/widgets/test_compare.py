"""*Compare* while layers go: of each channel what is left, source or result, stays in sight."""

from __future__ import annotations

import os

import pytest

from napari_dualgland.io.layer_tag import tag_of
from napari_dualgland.stack import ROLES

from .conftest import plain_field

pytestmark = pytest.mark.skipif(
    os.environ.get("QT_QPA_PLATFORM") == "offscreen", reason="napari draws with OpenGL"
)


@pytest.fixture
def compared(viewer, dock, run, click):
    """*Impute* after a run, with the sources in sight."""
    widget = dock(plain_field())
    run(widget)
    click(widget.results.compare)
    assert viewer.layers["protein"].visible
    return widget


def test_sources_stay_in_sight_when_all_results_go(viewer, compared):
    for layer in [x for x in viewer.layers if tag_of(x).kind == "imputed"]:
        viewer.layers.remove(layer)
    assert not compared.results.compare.isEnabled()
    assert all(viewer.layers[role].visible for role in ROLES)


def test_a_source_stays_in_sight_whose_result_is_gone(viewer, compared, click):
    viewer.layers.remove("protein imputed")
    click(compared.results.compare)
    for role in ROLES:
        assert viewer.layers[role].visible == (role == "protein")
        assert role == "protein" or viewer.layers[f"{role} imputed"].visible


def test_a_result_that_is_hidden_after_it_was_compared_stays_hidden(viewer, compared, click, run):
    click(compared.results.compare)
    viewer.layers["er imputed"].visible = False
    run(compared)
    assert not viewer.layers["er imputed"].visible
