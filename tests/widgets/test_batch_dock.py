"""The *Batch* dock as a person uses it: dropped on, clicked, stopped, closed in the middle."""

from __future__ import annotations

import os
from contextlib import suppress

import pytest
from batch_workers import workers
from qtpy.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from qtpy.QtGui import QDesktopServices, QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import QApplication, QFileDialog

from napari_dualgland.batch import BatchRequest, StackState, Status, find_stacks
from napari_dualgland.errors import Kind
from napari_dualgland.io import write
from napari_dualgland.jobs import FileInput, ImputeJob
from napari_dualgland.localization.params import LocalizeParams
from napari_dualgland.progress import finish
from napari_dualgland.stack import ROLES, Channel, PixelSize, Stack
from napari_dualgland.widgets.batch.opening import reading_steps

from .conftest import QUICK, names, paint, refused

pytestmark = pytest.mark.skipif(
    os.environ.get("QT_QPA_PLATFORM") == "offscreen", reason="napari draws with OpenGL"
)


@pytest.fixture
def stacks(tmp_path):
    """Four damaged fields in a folder, and a file that is broken."""
    folder = tmp_path / "in"
    folder.mkdir()
    channels = tuple(Channel(role, role) for role in ROLES)
    for seed in range(4):
        stack = Stack(paint(seed=seed), "CYX", channels, pixel_size=PixelSize(0.1, 0.1))
        write(stack, folder / f"field {seed}.ome.tif")
    (folder / "broken.tif").write_bytes(b"II*\0nonsense")
    return folder


@pytest.fixture
def batch(viewer, qtbot, tmp_path):
    """The dock, opened as napari's menu does, with options that run fast on any machine."""
    dock = viewer.window.add_plugin_dock_widget("napari-dualgland", "Batch")[1]
    out, do = tmp_path / "out", {"impute": QUICK}
    dock.set_value(BatchRequest(stacks=(), output=out, do=do, workers=1))
    yield dock
    with suppress(RuntimeError):  # it was closed, and is gone
        dock.objectName()
        dock.cancel()
        qtbot.waitUntil(lambda: dock.idle, timeout=60000)


@pytest.fixture
def drop(qtbot):
    """Drop files on a widget, as from the file manager."""

    def _drop(dock, paths):
        files = QMimeData()
        files.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
        rest = (Qt.DropAction.CopyAction, files, Qt.MouseButton.LeftButton)
        rest = (*rest, Qt.KeyboardModifier.NoModifier)
        entered = QDragEnterEvent(QPoint(20, 90), *rest)
        QApplication.sendEvent(dock, entered)
        if entered.isAccepted():
            QApplication.sendEvent(dock, QDropEvent(QPointF(20, 90), *rest))
        return entered.isAccepted()

    return _drop


def states(dock):
    return [row.state for row in dock.queue.model.rows]


def statuses(dock):
    return [state.status for state in states(dock)]


@pytest.mark.binding
def test_from_the_drop_to_the_result(viewer, batch, stacks, drop, click, qtbot, monkeypatch):
    queue = batch.queue
    assert drop(batch, [stacks])
    qtbot.waitUntil(lambda: len(queue.stacks()) == 5, timeout=60000)
    assert drop(batch, [stacks / "broken.tif"])
    qtbot.waitUntil(lambda: "1 were there already" in batch.run_bar.says.text(), timeout=60000)
    assert not queue.open_result.isEnabled()

    click(batch.run_bar.button)
    assert not batch.idle
    assert not drop(batch, [stacks])
    assert not queue.add_files.isEnabled()
    qtbot.waitUntil(lambda: batch.idle, timeout=120000)
    assert statuses(batch) == [Status.FAILED, *4 * [Status.DONE]]
    assert "4 of 5 stacks done" in batch.run_bar.says.text()
    assert not workers()

    # The error stays with its stack and says its way out, under the table and as its tip.
    qtbot.waitUntil(lambda: "Way out: fetch or export it again" in queue.says.text())
    tip = queue.model.data(queue.model.index(0, 0), Qt.ItemDataRole.ToolTipRole)
    assert "Way out" in tip
    queue.view.selectRow(1)
    assert "Filled: microtubules" in queue.says.text()

    click(queue.open_result)
    qtbot.waitUntil(lambda: len(names(viewer)) == 5, timeout=60000)
    assert {*ROLES, "missing"} == {*names(viewer)}

    opened = []
    monkeypatch.setattr(QDesktopServices, "openUrl", opened.append)
    click(batch.report)
    assert opened[0].toLocalFile().endswith("out/report.html")

    # What failed was mended; what is done is kept.
    (stacks / "field 0.ome.tif").replace(stacks / "broken.tif")
    queue.view.selectRow(1)
    click(queue.remove)
    click(queue.retry)
    qtbot.waitUntil(lambda: batch.idle, timeout=120000)
    assert statuses(batch) == 4 * [Status.DONE]
    assert [state.earlier for state in states(batch)] == [False, True, True, True]


def test_closed_in_the_middle_nothing_is_left(viewer, batch, stacks, click, qtbot):
    batch.queue.take(find_stacks([stacks]))
    click(batch.run_bar.button)
    qtbot.waitUntil(lambda: bool(workers()), timeout=60000)
    viewer.window.remove_dock_widget(batch)
    qtbot.waitUntil(lambda: not workers(), timeout=60000)


def test_stopped_and_gone_on_with(batch, stacks, click, qtbot, tmp_path):
    batch.queue.take(find_stacks([stacks / "broken.tif"]))
    click(batch.run_bar.button)
    qtbot.waitUntil(lambda: Status.RUNNING in statuses(batch), timeout=60000)
    qtbot.wait(300)  # a second press of a double click is no wish to cancel
    click(batch.run_bar.button)
    qtbot.waitUntil(lambda: batch.idle, timeout=60000)
    assert statuses(batch) == [Status.CANCELLED]
    assert "goes on" in batch.run_bar.says.text()
    assert not workers()
    # Another day: the folder brings its batch.
    asked = batch.value()
    batch.queue.take([])
    batch.results.set_output(tmp_path)
    batch.results.folder.setText(str(tmp_path / "out"))
    batch.results.folder.editingFinished.emit()
    qtbot.waitUntil(lambda: bool(batch.queue.stacks()), timeout=60000)
    assert batch.value() == asked


def test_what_is_lacking_is_said_in_the_dock(batch, stacks, click):
    with refused(Kind.LACKING, "Stacks"):
        batch.value()
    batch.queue.take(find_stacks([stacks]))
    batch.results.folder.setText("")
    with refused(Kind.LACKING, "Folder"):
        batch.value()
    click(batch.run_bar.button)
    assert batch.idle
    assert "no folder is named" in batch.run_bar.says.text()
    batch.results.folder.setText("~nobody-of-that-name/out")
    batch.results.folder.editingFinished.emit()
    assert not batch.report.isEnabled()
    click(batch.run_bar.button)
    assert "no such user's home" in batch.run_bar.says.text()
    batch.results.folder.setText("")
    batch.todo.ticks["impute"].setChecked(False)
    with refused(Kind.LACKING, "What to do"):
        batch.value()


def test_the_dock_shows_every_batch(batch, stacks, tmp_path):
    value = BatchRequest(
        stacks=tuple(find_stacks([stacks])),
        output=tmp_path / "there",
        do={"impute": QUICK, "localize": LocalizeParams(threshold=0.123456)},
        workers=3,
    )
    batch.set_value(value)
    assert batch.value() == value
    automatic = value.model_copy(update={"workers": None, "do": {"localize": LocalizeParams()}})
    batch.set_value(automatic)
    assert batch.value() == automatic


def test_files_and_folders_are_chosen(batch, stacks, click, qtbot, monkeypatch):
    files = [str(stacks / "field 0.ome.tif"), str(stacks / "no.tif")]
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: (files, ""))
    click(batch.queue.add_files)
    qtbot.waitUntil(lambda: len(states(batch)) == 2, timeout=60000)
    assert statuses(batch) == [Status.WAITING, Status.FAILED]
    assert "no such file" in batch.queue.says.text()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(stacks))
    click(batch.queue.add_folder)
    qtbot.waitUntil(lambda: len(states(batch)) == 6, timeout=60000)
    batch.queue.view.selectRow(1)
    click(batch.queue.remove)
    left = ["field 0", "broken", "field 1", "field 2", "field 3"]
    assert [state.name for state in states(batch)] == left


def test_a_job_for_an_image_that_is_there_is_a_stack_of_its_own(batch, stacks, drop, qtbot):
    image, job = stacks / "field 0.ome.tif", stacks / "job.json"
    asked = ImputeJob(input=FileInput(path=image), params=QUICK, output=stacks / "out.ome.tif")
    job.write_text(asked.model_dump_json())
    for given, count in ((image, 1), (job, 2), (job, 2), (image, 2)):
        batch.run_bar.say("")
        assert drop(batch, [given])
        qtbot.waitUntil(lambda: "Added" in batch.run_bar.says.text(), timeout=60000)
        assert len(batch.queue.stacks()) == count
    assert [bool(stack.jobs) for stack in batch.queue.stacks()] == [False, True]


@pytest.mark.parametrize(("result", "opened"), [("boundaries", 2), ("imputed", 1)])
def test_what_was_found_in_an_imputed_image_is_opened_over_it(tmp_path, result, opened):
    """Its name has the word of an imputed result within it, and it is none."""
    source, made = tmp_path / "x_imputed.ome.tif", tmp_path / f"x_imputed_{result}.ome.tif"
    for file in (source, made):
        write(Stack(paint(), "CYX", tuple(Channel(role, role) for role in ROLES)), file)
    state = StackState(0, "x_imputed", source, Status.DONE, results=(made,))
    layers = finish(reading_steps(state, lambda: False))
    assert len(layers) == opened * len(ROLES)


def test_a_report_that_cannot_be_written_is_said_below_what_was_done(
    batch, stacks, click, qtbot, tmp_path
):
    (tmp_path / "out" / "report.csv").mkdir(parents=True)
    batch.queue.take(find_stacks([stacks / "field 0.ome.tif"]))
    click(batch.run_bar.button)
    qtbot.waitUntil(lambda: batch.idle, timeout=120000)
    assert statuses(batch) == [Status.DONE]
    first, last = batch.run_bar.says.text().splitlines()
    assert "1 of 1 stacks done" in first
    assert "the report cannot be written" in last
