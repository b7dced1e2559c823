"""Outlines of cells: one stands out, whatever numbers cells have, at the cost of one colour."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Labels
from napari.utils.colormaps import DirectLabelColormap

from napari_dualgland.widgets.cells.outlines import (
    CHOSEN,
    OUTLINE,
    choose_cell,
    cycle_length,
    outline_colors,
)


@pytest.mark.parametrize(
    "cells",
    [[1, 2, 3], [7, 14, 21], [1, 65536, 131071], [5], list(range(1, 600)), [10**9, 10**9 + 1, 3]],
)
def test_one_cell_stands_out_and_no_other(cells):
    cells = np.array(cells)
    layer = Labels(np.array([cells, cells * 0], np.int32))
    layer.colormap = outline_colors(cycle_length(cells))
    told = []
    layer.events.colormap.connect(told.append)
    refreshed = []
    layer.events.set_data.connect(refreshed.append)
    for chosen in (cells[0], cells[-1]):
        choose_cell(layer, int(chosen))
        colors = layer.colormap.map(np.array([0, *cells]))
        assert colors[0][3] == 0
        for cell, color in zip(cells, colors[1:], strict=True):
            np.testing.assert_allclose(color, CHOSEN if cell == chosen else OUTLINE, atol=1e-6)
    choose_cell(layer, None)
    np.testing.assert_allclose(layer.colormap.map(cells), [OUTLINE] * len(cells), atol=1e-6)
    assert len(told) == 3
    # What is slow on a large field: mapping every pixel once more.
    assert not refreshed


def test_colours_that_a_person_has_set_stay():
    own = DirectLabelColormap(color_dict={None: "#000000", 0: "#00000000", 1: "#ff0000"})
    layer = Labels(np.array([[0, 1, 2]], np.int32), colormap=own)
    choose_cell(layer, 2)
    assert layer.selected_label == 2
    np.testing.assert_allclose(layer.get_color(1), (1, 0, 0, 1))
