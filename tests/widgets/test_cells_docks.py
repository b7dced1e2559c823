"""What the docks share that look at cells: none shows half of a run, or what is not there."""

from __future__ import annotations

import os

import numpy as np
import pytest
from qtpy.QtCore import QTimer

from napari_dualgland.jobs import Plane
from napari_dualgland.stack import ROLES

from .conftest import names, plain_field, press

pytestmark = pytest.mark.skipif(
    os.environ.get("QT_QPA_PLATFORM") == "offscreen", reason="napari draws with OpenGL"
)

LEFT = {
    "localize": {"localization", "cells"},
    "boundaries": {"compartments", "boundary map", "cells"},
}
"""The layers of a run, by dock."""


@pytest.fixture(params=LEFT)
def cells_dock(request):
    """Dock each of them beside layers."""
    make = request.getfixturevalue(f"{request.param}_dock")
    make_left = LEFT[request.param]
    return lambda layers: (make(layers), make_left)


@pytest.mark.binding
@pytest.mark.parametrize("nth", [1, 2])
def test_a_dock_that_is_closed_while_layers_appear_leaves_all(
    viewer, scene, cells_dock, click, qtbot, nth
):
    widget, left = cells_dock(plain_field(scene[0]))
    come, closed = [], []
    dock = widget.parentWidget()

    def close():
        viewer.window.remove_dock_widget(dock)
        closed.append(True)

    def on_inserted(event):
        come.append(event.value.name)
        if len(come) == nth:
            QTimer.singleShot(0, close)

    viewer.layers.events.inserted.connect(on_inserted)
    click(widget.run_bar.button)
    qtbot.waitUntil(lambda: bool(closed), timeout=60000)
    assert {*names(viewer)} == {*ROLES, *left}
    assert all(layer.visible for layer in viewer.layers)


def test_what_was_found_may_go_while_the_next_run_works(viewer, scene, cells_dock, run):
    """Rows and swatches of a run whose layers are gone say so, and do no more."""
    widget, _ = cells_dock(plain_field(scene[0]))
    run(widget)
    widget.start()
    viewer.layers.clear()
    for act in (
        lambda: widget.results.chosen.emit(widget.results.cells.iloc[0]),
        lambda: widget.results.legend.toggled.emit(1, True),
    ):
        widget.run_bar.say("")
        act()
        assert "not in the viewer any more" in widget.run_bar.says.text()
    widget.cancel()


def test_one_plane_of_a_stack_is_looked_at_in_its_place(viewer, scene, cells_dock, run):
    """Its layers are those of the stack; rows lead to the plane and clicks from it."""
    stacked = np.stack([scene[0]] * 3, 1)  # C, Z, Y, X
    widget, left = cells_dock(plain_field(stacked))
    job = widget.value().model_copy(update={"plane": Plane(z=2)})
    widget.set_value(job)
    run(widget, timeout=120000)
    assert left <= {*names(viewer)}, widget.run_bar.says.text()
    for name in left:
        pixels = np.asarray(viewer.layers[name].data)
        assert pixels.shape[:3] == (3, *scene[0].shape[1:])
        assert pixels[2].any()
        assert not pixels[:2].any()
    viewer.dims.set_point(0, 0)
    row = widget.results.cells.iloc[-1]
    widget.results.chosen.emit(row)
    assert viewer.dims.current_step[0] == 2
    told = []
    widget.run_view.clicked.connect(told.append)
    cells = np.asarray(viewer.layers["cells"].data)
    y, x = (int(i[0]) for i in np.nonzero(cells[2] == row["cell"]))
    press(viewer, viewer.layers["cells"], (2, y, x))
    assert told == [{"y": y, "x": x}]
    assert viewer.layers["cells"].selected_label == row["cell"]
