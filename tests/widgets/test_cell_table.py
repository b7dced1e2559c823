"""The table of cells: what it says, how it sorts, what it leaves out."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pandas as pd
import pytest
from qtpy.QtCore import Qt

from napari_dualgland.classes import CLASSES
from napari_dualgland.widgets.cells.table import SORT, in_words
from napari_dualgland.widgets.localize.cell_table import CellFilter, CellTableModel, columns_of
from napari_dualgland.widgets.localize.cell_table_view import CellTable

pytestmark = pytest.mark.binding

THRESHOLDS = (0.5,) * len(CLASSES)
VESICLES = "Vesicles and punctate cytosolic patterns"


def table():
    cells = pd.DataFrame(
        {
            "cell": [2, 10, 9, 31],
            "y": [1.0, 2.0, 3.0, 4.0],
            "x": [1.0, 2.0, 3.0, 4.0],
            "area_um2": [100.4, 1234.0, math.nan, 99.0],
            "nuclei": [1, 1, 2, 1],
            "touches_border": [True, False, False, False],
            "mitotic": [False, False, False, True],
            "classes": ["Nucleoli; Cytosol", "", VESICLES, "Cytosol"],
            "uncertainty": [0.1, 0.2, 0.3, 0.4],
            "imputed": [0.0, 0.0, 0.002, 0.0],
            "missing": [0.0, 0.31, 0.0, 0.0],
        }
    )
    for k, name in enumerate(CLASSES):
        cells[name] = [0.01 * k, 0.5, 0.25, 1.0]
    cells["intensity nucleus"] = [10.0, math.nan, 30.25, 7.0]
    return cells


@pytest.fixture
def model(qtbot, qapp):
    model = CellTableModel()
    model.show_table(table(), columns_of(table(), THRESHOLDS))
    return model


@pytest.fixture
def filtered(model):
    proxy = CellFilter()
    proxy.setSourceModel(model)
    return proxy


def column(model, key):
    return next(i for i, c in enumerate(model.columns) if c.key == key)


def texts(proxy, model, key):
    at = column(model, key)
    return [proxy.index(row, at).data() for row in range(proxy.rowCount())]


def test_it_speaks_as_people_read(model):
    def said(row, key):
        return model.index(row, column(model, key)).data()

    assert said(0, "classes") == "Nucleoli; Cytosol"
    assert said(2, "classes") == "Vesicles"
    assert said(1, "classes") == "—"
    assert said(1, "area_um2") == "1\u202f234"
    assert said(2, "area_um2") == "—"
    assert said(1, "missing") == "31 %"
    assert said(2, "imputed") == "< 1 %"
    assert said(0, "missing") == "·"
    assert said(3, "mitotic") == "yes"
    assert said(1, "intensity nucleus") == "—"
    assert said(1, "Nucleoplasm") == "0.50"


def test_every_column_of_the_table_is_shown_and_explained(model):
    assert {c.key for c in model.columns} == set(table().columns)
    for i in range(model.columnCount()):
        assert model.headerData(i, Qt.Orientation.Horizontal)
        assert model.headerData(i, Qt.Orientation.Horizontal, Qt.ItemDataRole.ToolTipRole)


def test_probabilities_are_coloured_by_how_large_they_are(model):
    at = column(model, "Mitochondria")
    role = Qt.ItemDataRole.BackgroundRole
    faint, full = (model.index(row, at).data(role).alphaF() for row in (2, 3))
    assert 0 < faint < full < 0.51
    assert "over its threshold" in model.index(3, at).data(Qt.ItemDataRole.ToolTipRole)
    assert "over its threshold" not in model.index(2, at).data(Qt.ItemDataRole.ToolTipRole)
    assert model.index(0, column(model, "cell")).data(role) is None


def test_numbers_are_sorted_as_numbers_and_what_is_unknown_last(filtered, model):
    at = column(model, "cell")
    filtered.sort(at, Qt.SortOrder.AscendingOrder)
    assert texts(filtered, model, "cell") == ["2", "9", "10", "31"]
    area = column(model, "area_um2")
    for order, wanted in (
        (Qt.SortOrder.AscendingOrder, ["31", "2", "10", "9"]),
        (Qt.SortOrder.DescendingOrder, ["10", "2", "31", "9"]),
    ):
        filtered.sort(area, order)
        assert texts(filtered, model, "cell") == wanted
    filtered.sort(column(model, "classes"), Qt.SortOrder.DescendingOrder)
    assert texts(filtered, model, "classes")[-1] == "—"
    assert filtered.index(0, area).data(SORT) is not None


def test_the_filter_looks_for_words_and_for_damage(filtered, model):
    filtered.look_for("CYTO nucleoli")
    assert texts(filtered, model, "cell") == ["2"]
    filtered.look_for("cyto")
    assert texts(filtered, model, "cell") == ["2", "9", "31"]
    filtered.set_damaged_only(True)
    assert texts(filtered, model, "cell") == ["9"]
    filtered.look_for("")
    assert texts(filtered, model, "cell") == ["10", "9"]


def test_an_empty_table_is_fine(model, filtered):
    model.show_table(table().iloc[:0], columns_of(table(), THRESHOLDS))
    filtered.sort(0)
    assert model.rowCount() == filtered.rowCount() == 0


@pytest.mark.parametrize(
    ("value", "style", "text"), [(0.996, "share", "100 %"), (3.0, "count", "3"), (2.25, "1", "2.2")]
)
def test_words(value, style, text):
    assert in_words(value, style) == text


def test_uncertainty_is_in_sight_in_a_narrow_dock(qtbot):
    shown = CellTable()
    qtbot.addWidget(shown)
    cells = table()
    cells.loc[0, "classes"] = "; ".join(CLASSES[:6])
    shown.take(SimpleNamespace(table=cells, thresholds=THRESHOLDS))
    shown.resize(330, 400)
    shown.show()
    qtbot.waitExposed(shown)
    header = shown.view.horizontalHeader()
    at = column(shown.model, "uncertainty")
    assert header.sectionSize(at) > 0

    def in_sight():
        end = header.sectionPosition(at) + header.sectionSize(at)
        assert end <= shown.view.viewport().width() + 1

    qtbot.waitUntil(in_sight)
