"""Batches that are really done, stopped, killed and gone on with, in real processes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import psutil
import pytest
from batch_scenes import HOLE, QUICK, broken_file, field_file
from batch_workers import workers

from napari_dualgland.batch import Status, find_stacks, make_batch, run_batch
from napari_dualgland.batch.manifest import MANIFEST, read_manifest
from napari_dualgland.batch.queue import QUEUE, load_batch
from napari_dualgland.batch.report import PAGE, TABLE
from napari_dualgland.batch.run import _held
from napari_dualgland.batch.unreported import Unreported
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.io import read
from napari_dualgland.progress import finish


def batch_of(fields, workers=1):
    output = fields.parent / "out"
    return make_batch(find_stacks([fields], output=output), output, {"impute": QUICK}, workers)


def ended(states):
    return {state.name: state.status for state in states}


def test_a_batch_is_stopped_gone_on_with_and_loses_what_is_at_fault_alone(fields):
    # Stopped when the first field is done: at most the one at hand is lost.
    stop = []

    def stop_when_done(step):
        stop.extend([True] * (step.stack.status == Status.DONE))

    first = ended(finish(run_batch(batch_of(fields), lambda: bool(stop)), stop_when_done))
    assert first["broken"] == Status.FAILED
    assert first["field 1"] == Status.DONE
    assert [*first.values()].count(Status.CANCELLED) >= 2
    assert not workers()

    # On with it: one process is killed at its stack, of another the file has changed since, and
    # what was broken is mended.
    field_file(fields / "field 1.ome.tif", 7)
    field_file(fields / "sound.ome.tif", 5).rename(fields / "broken.tif")
    killed = []

    def kill_one(step):
        if step.stack.name == "12_A1_3" and step.stack.status == Status.RUNNING and not killed:
            killed.extend(workers())
            (worker,) = killed
            worker.kill()

    second = {state.name: state for state in finish(run_batch(batch_of(fields)), kill_one)}
    assert second["12_A1_3"].error["kind"] == Kind.TOO_LARGE
    assert "fewer workers" in second["12_A1_3"].error["way_out"]
    assert not second["field 1"].earlier
    others = [name for name in second if name != "12_A1_3"]
    assert {second[name].status for name in others} == {Status.DONE}
    assert not workers()

    for state in (second[name] for name in others):
        (result,) = state.results
        imputed = read(result)
        source = read(state.source)
        hole = np.zeros(source.shape, bool)
        hole[(..., *HOLE)] = True
        np.testing.assert_array_equal(imputed.missing, hole)
        np.testing.assert_array_equal(imputed.data[~hole], source.data[~hole])
        assert imputed.data[hole].min() > 0
        assert state.told["missing"]["protein"] == pytest.approx(hole.mean())
    assert not workers()


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such names")
def test_stacks_are_done_whatever_they_are_called(tmp_path):
    folder, output = tmp_path / "in 'é\"", tmp_path / "out 'é\""
    sound = field_file(folder / "sound.ome.tif")
    for name in ("a\udcff", "<b>&'\"", "new\nline"):  # the first is no text in any encoding
        shutil.copy(sound, folder / f"{name}.ome.tif")
    for earlier in (False, True):
        asked = make_batch(find_stacks([folder]), output, {"impute": QUICK}, 1)
        states = finish(run_batch(asked))
        assert [(state.status, state.earlier) for state in states] == 4 * [(Status.DONE, earlier)]
    assert load_batch(output / QUEUE) == asked
    page = (output / PAGE).read_text(encoding="utf-8")
    assert "<b>&" not in page
    assert page.count("<article>") == 4
    assert len(pd.read_csv(output / TABLE)) == 4


def test_two_batches_in_one_folder_are_refused(fields):
    batch = batch_of(fields)
    batch.output.mkdir()
    with _held(batch.output), pytest.raises(DualglandError) as error:
        next(run_batch(batch))
    assert (error.value.kind, error.value.place) == (Kind.CONFLICT, str(batch.output))
    assert not (batch.output / MANIFEST).exists()


@pytest.fixture
def held(monkeypatch):
    """Have a spreadsheet open in a program that lets nobody replace it."""
    replace, tried = os.replace, []

    def refusing(source, target):
        if target.name == TABLE:
            tried.append(target)
            raise PermissionError(13, "Permission denied", str(source), None, str(target))
        replace(source, target)

    monkeypatch.setattr(os, "replace", refusing)
    return tried


def test_a_report_that_is_held_open_costs_no_stack(tmp_path, held, monkeypatch):
    monkeypatch.setattr("napari_dualgland.batch.run._REPORT", 0.0)
    field_file(tmp_path / "in" / "a.ome.tif")
    broken_file(tmp_path / "in" / "broken.tif")
    batch = batch_of(tmp_path / "in")
    with pytest.raises(Unreported) as error:
        finish(run_batch(batch))
    assert len(held) > 2  # while it went on, too
    assert ended(error.value.states) == {"a": Status.DONE, "broken": Status.FAILED}
    assert error.value.kind == Kind.UNWRITABLE
    assert "1 of 2 stacks are done" in str(error.value)
    # Closed, the same batch again writes it.
    monkeypatch.undo()
    states = {state.name: state for state in finish(run_batch(batch))}
    assert states["a"].earlier
    assert [*pd.read_csv(batch.output / TABLE)["status"]] == ["done", "failed"]


def test_a_report_that_is_held_open_hides_nothing_worse(fields, held, monkeypatch):
    monkeypatch.setattr("napari_dualgland.batch.pool._environment", lambda *_: {})
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(DualglandError) as error:
        finish(run_batch(batch_of(fields)))
    assert held
    assert error.value.kind == Kind.CRASHED


def test_a_worker_that_cannot_start_ends_the_batch_with_a_sentence(fields, monkeypatch):
    monkeypatch.setattr("napari_dualgland.batch.pool._environment", lambda *_: {})
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(DualglandError) as error:
        finish(run_batch(batch_of(fields)))
    assert error.value.kind == Kind.CRASHED


def command(fields, out):
    words = ["batch", fields, "--out", out, "--model", "prior", "--device", "cpu"]
    words += ["--no-rehearse", "--tile", "64", "--workers", "1"]
    return [sys.executable, "-m", "napari_dualgland", *map(str, words)]


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
def test_a_batch_that_was_killed_loses_the_stack_at_hand_at_most(tmp_path):
    fields, out = tmp_path / "in", tmp_path / "out"
    for number in range(3):
        field_file(fields / f"{number}.ome.tif", number)
    broken_file(fields / "broken.tif")
    done: set[str] = set()
    for moment in ('"running"', '"done"'):
        with subprocess.Popen(command(fields, out), stderr=subprocess.DEVNULL) as batch:
            before = len(_lines(out))
            until = time.monotonic() + 120
            while not any(moment in line for line in _lines(out)[before:]):
                assert batch.poll() is None
                assert time.monotonic() < until
                time.sleep(0.005)
            at_work = workers(batch.pid)
            batch.send_signal(signal.SIGKILL)
        # Nobody is left behind, and nothing that was done is lost.
        assert not psutil.wait_procs(at_work, timeout=60)[1]
        finished = {n for n, r in read_manifest(out).items() if r.status == Status.DONE}
        assert finished >= done
        done = finished
        assert not list(out.glob("*/.*"))
    assert done
    again = subprocess.run(command(fields, out), capture_output=True, text=True, check=False)
    assert again.returncode == 2
    assert again.stderr.count("failed:") == 1
    assert f"3 of 4 stacks done ({len(done)} of them by an earlier run), 1 failed" in again.stdout
    for number in range(3):
        read(out / str(number) / f"{number}_imputed.ome.tif")


def _lines(out):
    path = out / MANIFEST
    return path.read_text().splitlines() if path.is_file() else []
