"""What a new dock costs: its job, its form and its layers; all else is the kit's."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import numpy as np
import pytest
from pydantic import Field
from qtpy.QtGui import QGuiApplication

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.frozen import FrozenModel
from napari_dualgland.progress import Progress
from napari_dualgland.widgets.field.channels_form import ChannelsForm
from napari_dualgland.widgets.kit.dock import Dock
from napari_dualgland.widgets.kit.params_form import ParamsForm
from napari_dualgland.widgets.kit.run_bar import RunBar

from .conftest import plain_field

pytestmark = pytest.mark.skipif(
    os.environ.get("QT_QPA_PLATFORM") == "offscreen", reason="napari draws with OpenGL"
)


class BrightenParams(FrozenModel):
    by: int = Field(default=3, ge=1, le=99, title="By", description="Grey levels.")


class BrightenJob(FrozenModel):
    role: str
    params: BrightenParams = BrightenParams()

    def check_output(self):
        """Nothing is written."""

    def steps(self, loaded, should_stop):
        assert threading.current_thread() is not threading.main_thread()
        for done in range(1, 4):
            yield Progress(done, 3)
            if self.params.by == 98:
                raise DualglandError(Kind.BAD_VALUE, "the layer", "too bright")
            if self.params.by == 99:
                raise ZeroDivisionError("division by zero")
        return loaded + self.params.by

    def as_python(self):
        return f"brighten({self.params.by})"

    def as_command(self):
        raise DualglandError(Kind.UNSUPPORTED, "the job", "there is no such command")


class Brighten(Dock):
    """The whole of a dock: thirty lines."""

    def __init__(self, viewer):
        super().__init__(viewer, RunBar("Brighten", "steps"), ParamsForm(BrightenParams))
        self.channels = ChannelsForm(viewer)
        form = self.form("Channels", self.channels, self.params, self.run_bar, self.copy_as)
        self.hold(form)

    def value(self):
        return BrightenJob(
            role=next(iter(self.channels.source().layers)), params=self.params.value()
        )

    def set_value(self, value):
        self.params.set_value(value.params)

    def load(self, job):
        return np.asarray(self.channels.source().layers[job.role].data).astype(int)

    def show_result(self, result):
        self.viewer.add_image(result, name="brighter")
        return f"Brighter, {self.run_bar.took}.", result


@pytest.fixture
def brighten(viewer):
    for layer in plain_field():
        viewer.add_layer(layer)
    dock = Brighten(viewer)
    viewer.window.add_dock_widget(dock, name="Brighten")
    return dock


def run(dock, qtbot):
    dock.start()
    qtbot.waitUntil(lambda: dock.idle, timeout=60000)


@pytest.mark.binding
def test_a_dock_runs_its_job_and_shows_the_result(viewer, brighten, qtbot):
    with qtbot.waitSignal(brighten.result_ready, timeout=60000) as told:
        brighten.start()
        assert brighten.run_bar.button.text() == "Cancel"
        assert not brighten.channels.isEnabled()
        assert not brighten.params.isEnabled()
    qtbot.waitUntil(lambda: brighten.idle, timeout=60000)
    np.testing.assert_array_equal(viewer.layers["brighter"].data, told.args[0])
    assert told.args[0].sum() - viewer.layers["microtubules"].data.sum() == 3 * 160 * 160
    assert brighten.run_bar.button.text() == "Brighten"
    assert brighten.run_bar.says.text().startswith("Brighter")
    assert brighten.params.isEnabled()


@pytest.mark.binding
def test_errors_end_in_the_form(viewer, brighten, qtbot):
    for by, line in (
        (98, "the layer: too bright"),
        (99, "Unexpected ZeroDivisionError: division by zero"),
    ):
        brighten.set_value(BrightenJob(role="er", params=BrightenParams(by=by)))
        run(brighten, qtbot)
        assert line in brighten.run_bar.says.text()
        assert brighten.run_bar.button.text() == "Brighten"
    viewer.layers.clear()
    run(brighten, qtbot)
    assert "no channel is chosen" in brighten.run_bar.says.text()
    assert "brighter" not in viewer.layers


def test_what_cannot_be_shown_is_told(brighten, qtbot, monkeypatch):
    def broken(result):
        raise RuntimeError("no room")

    monkeypatch.setattr(brighten, "show_result", broken)
    run(brighten, qtbot)
    assert "no room" in brighten.run_bar.says.text()


def test_cancelled_is_cancelled(viewer, brighten, qtbot):
    brighten.start()
    brighten.cancel()
    qtbot.waitUntil(lambda: brighten.idle, timeout=60000)
    assert brighten.run_bar.says.text() == "Cancelled; nothing was changed."
    assert "brighter" not in viewer.layers


@pytest.mark.binding
def test_copy_as(brighten):
    brighten.copy_as.python_action.trigger()
    assert QGuiApplication.clipboard().text() == "brighten(3)"
    brighten.copy_as.command_action.trigger()
    assert "no such command" in brighten.run_bar.says.text()


def test_files_are_written_beside(brighten, qtbot, tmp_path):
    def write():
        assert threading.current_thread() is not threading.main_thread()
        return tmp_path / "out.tif"

    brighten.write(write)
    qtbot.waitUntil(lambda: "Wrote" in brighten.run_bar.says.text(), timeout=60000)

    def fail():
        raise OSError("the disk is full")

    brighten.write(fail)
    qtbot.waitUntil(lambda: "the disk is full" in brighten.run_bar.says.text(), timeout=60000)


ENDS_EARLY = """
import time
from qtpy.QtCore import QEventLoop
from qtpy.QtWidgets import QApplication, QWidget
from napari_dualgland.progress import Progress
from napari_dualgland.widgets.kit.thread import JobThread
app, window, loop = QApplication([]), QWidget(), QEventLoop()
def steps(should_stop):
    yield Progress(0, 0)
    time.sleep(1)
thread = JobThread(steps, window)
thread.progressed.connect(loop.quit)
thread.start()
loop.exec()
"""


def test_a_program_that_ends_in_the_middle_of_work_ends_well():
    env = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    command = [sys.executable, "-c", ENDS_EARLY]
    ended = subprocess.run(command, env=env, capture_output=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, b"")
