"""What *Copy as* gives where the mask was painted: a command, and Python that a console runs."""

from __future__ import annotations

import shlex
import subprocess
import sys

import numpy as np
import pytest
from napari.layers import Labels

from napari_dualgland.cli import main
from napari_dualgland.io import read, read_mask
from napari_dualgland.stack import ROLES

from .conftest import SIDE, answering

CONSOLE = """
import numpy as np
import napari
viewer = napari.Viewer(show=False)
viewer.open({path!r}, plugin="napari-dualgland")
marks = np.zeros(({side}, {side}), "uint8")
marks[30:50, 60:90] = 1
viewer.add_labels(marks, name="holes", scale=(0.1, 0.1))
before = set(dir())
{code}
np.save({out!r}, np.asarray(result.canonical()))
viewer.close()
"""


@pytest.fixture
def painted(opened, viewer):
    marks = np.zeros((SIDE, SIDE), "uint8")
    marks[30:50, 60:90] = 1
    viewer.add_layer(Labels(marks, name="holes", scale=(0.1, 0.1)))
    opened.missing.ways.set_value("labels")
    opened.missing.labels.set_layer(viewer.layers["holes"])
    return opened


def clipboard():
    from qtpy.QtGui import QGuiApplication

    return QGuiApplication.clipboard().text()


def test_a_painted_mask_is_saved_for_the_command(
    painted, viewer, run, saved, tmp_path, qtbot, monkeypatch
):
    from qtpy.QtWidgets import QFileDialog

    offered = []

    def ask(parent, title, path, kinds, **_):
        offered.append(path)
        return path, kinds

    monkeypatch.setattr(QFileDialog, "getSaveFileName", ask)
    painted.missing.roles["er"].setChecked(False)
    run(painted)
    painted.copy_as.command_action.trigger()
    qtbot.waitUntil(lambda: "--missing" in clipboard(), timeout=60000)
    assert offered == [str(saved.with_name("field 7_missing.tif"))]
    assert np.asarray(read_mask(offered[0]).fitted(read(saved))).sum() == 3 * 20 * 30
    words = shlex.split(clipboard())
    with pytest.raises(SystemExit) as end:
        main(words[1:])
    assert end.value.code == 0
    stack = read(saved.with_name("field 7_imputed.ome.tif"))
    for role, i in stack.roles.items():
        np.testing.assert_array_equal(stack.data[i], viewer.layers[f"{role} imputed"].data)


def test_nothing_is_saved_where_nobody_wants_it(painted, saved, monkeypatch):
    from qtpy.QtWidgets import QFileDialog

    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, **__: ("", ""))
    painted.copy_as.command_action.trigger()
    assert "in no mask file" in painted.run_bar.says.text()
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]


@pytest.mark.parametrize("name", ["field 7_missing", "field 7_missing.tif"])
def test_an_older_mask_is_replaced_with_leave_alone(painted, saved, monkeypatch, qtbot, name):
    from qtpy.QtGui import QGuiApplication
    from qtpy.QtWidgets import QFileDialog

    QGuiApplication.clipboard().clear()
    older = saved.with_name("field 7_missing.tif")
    older.write_text("precious")
    chosen = str(saved.with_name(name))
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, **__: (chosen, ""))
    asked = answering("No")
    painted.copy_as.command_action.trigger()
    assert f"{older.name} is there already" in asked[0]
    assert older.read_text() == "precious"
    answering("Yes")
    painted.copy_as.command_action.trigger()
    qtbot.waitUntil(lambda: "--missing" in clipboard(), timeout=60000)
    assert np.asarray(read_mask(older).fitted(read(saved))).any()


def test_copied_python_runs_in_a_console_of_its_own(painted, viewer, run, saved, tmp_path):
    run(painted)
    painted.copy_as.python_action.trigger()
    code = clipboard()
    assert "widgets" not in code
    out = tmp_path / "pixels.npy"
    script = CONSOLE.format(path=str(saved), side=SIDE, code=code, out=str(out))
    done = subprocess.run(
        [sys.executable, "-c", script], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    pixels = np.load(out)
    for i, role in enumerate(ROLES):
        np.testing.assert_array_equal(pixels[0, 0, i], viewer.layers[f"{role} imputed"].data)
