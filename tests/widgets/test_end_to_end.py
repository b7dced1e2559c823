"""The whole way of a new user: four files dropped, three docks, and what is on the disk after."""

from __future__ import annotations

import os
import warnings

import numpy as np
import pandas as pd
import pytest
from napari._qt.dialogs.qt_reader_dialog import QtReaderDialog
from qtpy.QtCore import QMimeData, QPoint, QPointF, Qt, QTimer, QUrl
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import QApplication, QDialogButtonBox, QFileDialog

from napari_dualgland.io import read, write
from napari_dualgland.results import Imputation
from napari_dualgland.sample import sample_path
from napari_dualgland.stack import ROLES, Channel, PixelSize, Stack

pytestmark = pytest.mark.skipif(
    os.environ.get("QT_QPA_PLATFORM") == "offscreen", reason="napari draws with OpenGL"
)

CELLS = (slice(20, 404), slice(20, 404))
"""Some cells of the damaged sample around a dead tile."""
COLORS = ("red", "green", "blue", "yellow")


@pytest.fixture
def field(tmp_path):
    """Four files of one field, as the atlas names them, and their pixels."""
    pixels = np.asarray(read(sample_path("dualgland_damaged.ome.tif")).canonical())[0, 0]
    pixels = np.ascontiguousarray(pixels[:, *CELLS])
    write(Stack(pixels, "CYX", tuple(Channel(r, r) for r in ROLES)), tmp_path / "B2_1.png")
    (tmp_path / "B2_1_info.json").unlink()
    return [tmp_path / f"B2_1_{color}.png" for color in COLORS], pixels


@pytest.fixture
def window(make_napari_viewer, qtbot):
    """A window on the screen."""
    viewer = make_napari_viewer(show=True)
    yield viewer
    qtbot.wait(20)


@pytest.fixture
def menu(window, qtbot):
    """Open a dock from the plugin's menu with the mouse."""

    def _menu(name):
        menu = whole = window.window._qt_window.menuBar()
        whole.window().activateWindow()
        for words in ("Plugins", "Dual Gland", name):
            (action,) = (a for a in menu.actions() if a.text().replace("&", "").startswith(words))
            where, inside = menu.actionGeometry(action).center(), action.menu()
            qtbot.mouseClick(menu, Qt.MouseButton.LeftButton, pos=where)
            for _ in range(20):
                if inside is None or inside.isVisible():
                    break
                qtbot.wait(250)  # a window that is drawn just then may close what was opened
                if not inside.isVisible():
                    qtbot.mouseClick(menu, Qt.MouseButton.LeftButton, pos=where)
            menu = inside
        while (left_open := QApplication.activePopupWidget()) is not None:
            left_open.close()
        return window.window.dock_widgets[f"{name} (Dual Gland)"]

    return _menu


def drop(viewer, paths):
    """Drop files on the picture; answer napari, which asks whose they are."""
    files = QMimeData()
    files.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    rest = (Qt.DropAction.CopyAction, files, Qt.MouseButton.LeftButton)
    rest = (*rest, Qt.KeyboardModifier.NoModifier)
    where = viewer.window._qt_viewer
    entered = QDragEnterEvent(QPoint(200, 200), *rest)
    QApplication.sendEvent(where, entered)
    assert entered.isAccepted()

    def answer():
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, QtReaderDialog)
        (ours,) = (b for b in dialog.reader_btn_group.buttons() if b.text() == "Dual Gland")
        ours.click()
        dialog.persist_checkbox.setChecked(False)
        dialog.btn_box.button(QDialogButtonBox.StandardButton.Ok).click()

    QTimer.singleShot(300, answer)
    QApplication.sendEvent(where, QDropEvent(QPointF(200, 200), *rest))


def type_into(qtbot, line, text):
    line.selectAll()
    qtbot.keyClicks(line, text)
    qtbot.keyClick(line, Qt.Key.Key_Return)


def pick(qtbot, combo, words):
    """Go down a picker by keys until it says so."""
    qtbot.keyClick(combo, Qt.Key.Key_Home)
    for _ in range(combo.count()):
        if not combo.currentText().startswith(words):
            qtbot.keyClick(combo, Qt.Key.Key_Down)
    assert combo.currentText().startswith(words), [combo.itemText(i) for i in range(combo.count())]


def planned(export):
    listed = export.planned.list
    return "\n".join(listed.item(i).text() for i in range(listed.count()))


@pytest.mark.binding
def test_from_four_dropped_files_to_files_on_the_disk(
    window, menu, field, qtbot, click, tmp_path, monkeypatch
):
    paths, measured = field
    out = tmp_path / "out"
    out.mkdir()
    dropped = [path.read_bytes() for path in paths]
    drop(window, paths)
    assert {layer.name for layer in window.layers} == {*ROLES}

    # What is missing, and filled.
    impute = menu("Impute")
    click(impute.channels.pixel_size.statement.none)
    type_into(qtbot, impute.channels.pixel_size.statement.number.widget.lineEdit(), "0.16")
    pick(qtbot, impute.params.fields["model"].combo, "prior")
    click(impute.show_missing)
    qtbot.waitUntil(lambda: impute.idle, timeout=60000)
    assert impute.key.isVisible()
    assert np.asarray(window.layers["missing"].data).any()
    click(impute.run_bar.button)
    qtbot.waitUntil(lambda: impute.idle, timeout=60000)
    assert "do not quantify" in impute.run_bar.says.text()

    before, after = (window.layers[n] for n in ("protein", "protein imputed"))
    assert (before.visible, after.visible) == (False, True)
    whole = window.window._qt_window

    keys = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier
    for shows_source in (True, False):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            # As a desktop does when a menu or a dialog has closed; a bare screen forgets at times.
            QApplication.setActiveWindow(whole)
        qtbot.keyClick(whole, Qt.Key.Key_C, keys)
        assert (before.visible, after.visible) == (shows_source, not shows_source)

    # Where the protein is, and where compartments end.
    localize = menu("Localize")
    click(localize.run_bar.button)
    qtbot.waitUntil(lambda: localize.idle, timeout=60000)
    cells = localize.results.result.table
    assert len(cells) >= 2
    boundaries = menu("Boundaries")
    click(boundaries.run_bar.button)
    qtbot.waitUntil(lambda: boundaries.idle, timeout=60000)
    assert {"compartments", "boundary map"} <= {layer.name for layer in window.layers}
    maps = out / "maps.ome.tif"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, **__: (str(maps), ""))
    click(boundaries.results.export_maps)
    qtbot.waitUntil(lambda: "Wrote" in boundaries.run_bar.says.text(), timeout=60000)

    # To the disk: the field with its mask, then the cells.
    export = menu("Export")
    shown = [export.what.what.itemText(i) for i in range(export.what.what.count())]
    assert shown[0] == "B2_1: imputed field"
    for words, name in (("imputed field", "field.ome.tif"), ("localization", "cells.csv")):
        pick(qtbot, export.what.what, f"B2_1: {words}")
        if name.endswith("csv"):
            pick(qtbot, export.what.format, "CSV")
        type_into(qtbot, export.place.line, str(out / name))
        qtbot.waitUntil(lambda n=name: n in planned(export), timeout=60000)
        click(export.run_bar.button)
        qtbot.waitUntil(lambda: export.idle, timeout=60000)
        assert f"Wrote {name}" in export.run_bar.says.text()

    # What was measured is as it was, bit for bit; the mask says of the rest that it is not.
    back = read(out / "field.ome.tif")
    assert isinstance(back, Imputation)
    assert back.pixel_size == PixelSize(0.16, 0.16)
    pixels, filled = np.asarray(back.data), np.asarray(back.imputed)
    assert filled.any()
    np.testing.assert_array_equal(pixels[~filled], measured[~filled])
    assert (pixels[filled] != measured[filled]).any()
    np.testing.assert_array_equal(filled.any(0), np.asarray(window.layers["missing"].data) > 0)
    told = pd.read_csv(out / "cells.csv")
    assert told["cell"].tolist() == cells["cell"].tolist()
    assert told["classes"].fillna("").tolist() == cells["classes"].tolist()
    assert np.asarray(read(maps).data).shape[-2:] == measured.shape[-2:]
    assert {path.name for path in out.iterdir()} == {"field.ome.tif", "cells.csv", maps.name}
    assert [path.read_bytes() for path in paths] == dropped
