"""What the Localize dock gives away: code, tables, folders."""

from __future__ import annotations

import os

import pandas as pd
import pytest
from qtpy.QtWidgets import QFileDialog

from .conftest import answering

pytestmark = pytest.mark.skipif(
    os.environ.get("QT_QPA_PLATFORM") == "offscreen", reason="napari draws with OpenGL"
)


def test_copied_python_finds_the_same(viewer, localized):
    localized.copy_as.python_action.trigger()
    from qtpy.QtGui import QGuiApplication

    scope: dict = {}
    code = QGuiApplication.clipboard().text()
    exec(compile(code, "copied", "exec"), scope)
    pd.testing.assert_frame_equal(scope["result"].table, localized.results.result.table, atol=1e-4)


@pytest.mark.binding
def test_copied_command(viewer, saved, localize_dock):
    from qtpy.QtGui import QGuiApplication

    viewer.open(saved, plugin="napari-dualgland")
    widget = localize_dock()
    widget.copy_as.command_action.trigger()
    line = QGuiApplication.clipboard().text()
    assert line.startswith("dualgland localize ")
    assert "field 7.ome.tif" in line
    assert "--out" in line
    assert "--model" in line


@pytest.mark.binding
def test_export_writes_every_cell(localized, tmp_path, monkeypatch, qtbot):
    path = tmp_path / "out.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a, **k: (str(path), ""))
    localized.results.table.text.setText("no such class")
    assert localized.results.table.filter.rowCount() == 0
    localized.results.export.click()
    qtbot.waitUntil(lambda: "Wrote" in localized.run_bar.says.text(), timeout=60000)
    read = pd.read_csv(path)
    assert read["cell"].tolist() == [7, 14, 21, 28, 35, 42]
    assert list(read.columns) == list(localized.results.result.table.columns)


def test_export_all_fills_a_folder(localized, tmp_path, monkeypatch, qtbot):
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *a: str(tmp_path / "all"))
    localized.results.export_all.click()
    qtbot.waitUntil(lambda: "Writing" not in localized.run_bar.says.text(), timeout=60000)
    assert "Wrote" in localized.run_bar.says.text()
    assert "Looked at 6 cells" in localized.run_bar.says.text()
    from napari_dualgland.jobs.localize import FILES

    assert {file.name for file in (tmp_path / "all").iterdir()} == set(FILES)


@pytest.mark.parametrize("name", ["cells", "cells.csv", "cells.CSV"])
def test_an_older_table_is_replaced_with_leave_alone(localized, tmp_path, monkeypatch, qtbot, name):
    older = tmp_path / (name if "." in name else f"{name}.csv")
    older.write_text("precious")
    chosen = str(tmp_path / name)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a, **k: (chosen, ""))
    asked = answering("No")
    localized.results.export.click()
    assert f"{older.name} is there already" in asked[0]
    assert "Writing" not in localized.run_bar.says.text()
    assert older.read_text() == "precious"
    answering("Yes")
    localized.results.export.click()
    qtbot.waitUntil(lambda: "Wrote" in localized.run_bar.says.text(), timeout=60000)
    assert len(pd.read_csv(older)) == 6
    assert [path.name for path in tmp_path.glob("cells*")] == [older.name]


def test_the_files_of_another_field_are_replaced_with_leave_alone(
    localized, tmp_path, monkeypatch, qtbot
):
    (tmp_path / "cells.tif").write_text("precious")
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *a: str(tmp_path))
    asked = answering("No")
    localized.results.export_all.click()
    assert "cells.tif is there already" in asked[0]
    assert "Writing" not in localized.run_bar.says.text()
    answering("Yes")
    localized.results.export_all.click()
    qtbot.waitUntil(lambda: "Wrote" in localized.run_bar.says.text(), timeout=60000)
    assert (tmp_path / "cells.tif").read_bytes() != b"precious"


def test_the_export_dock_finds_it_and_writes_what_the_command_does(viewer, localized, tmp_path):
    from napari_dualgland.jobs.export import ExportJob
    from napari_dualgland.jobs.localize import FILES
    from napari_dualgland.progress import finish
    from napari_dualgland.widgets.export.found import found_in

    result = localized.results.result
    viewer.window.remove_dock_widget(localized.parentWidget())
    kinds = [found.kind for found in found_in(viewer)]
    assert kinds.count("localization") == 1
    assert "cells" not in kinds  # they are in it
    found = next(f for f in found_in(viewer) if f.kind == "localization")
    assert found.load() is result
    assert found.field == result.stack.name
    job = ExportJob(what=found.label, layers=found.refs(), output=tmp_path / "all")
    assert [file.path.name for file in job.plan(result).files] == list(FILES)
    finish(job.steps(result, lambda: False))
    assert {path.name for path in (tmp_path / "all").iterdir()} == set(FILES)
