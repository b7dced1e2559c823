"""What is written down outlasts a kill, and tells when a stack has to be done anew."""

from __future__ import annotations

import json
import os

import pytest
from batch_scenes import QUICK, field_file, field_set

from napari_dualgland.batch import BatchRequest, Status, find_stacks, make_batch, request_of
from napari_dualgland.batch.ledger import Ledger
from napari_dualgland.batch.manifest import MANIFEST, Manifest, Record, read_manifest
from napari_dualgland.batch.queue import QUEUE, Batch, load_batch
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.localization.params import LocalizeParams


@pytest.fixture
def done(tmp_path):
    """A batch of which both stacks are done, as far as the manifest can tell."""
    field_file(tmp_path / "in" / "a.ome.tif")
    field_set(tmp_path / "in" / "b")
    (tmp_path / "out").mkdir()
    batch = asked(tmp_path)
    ledger = Ledger(batch)
    for stack in batch.stacks:
        ledger.begin(stack.name)
        field_file(stack.jobs[0].output, 1)
        ledger.hear(stack.name, {"event": "done", "told": {"missing": {"er": 0.5}}})
    return tmp_path


def asked(folder, params=QUICK, where="out"):
    return make_batch(find_stacks([folder / "in"]), folder / where, {"impute": params})


def waiting(batch):
    ledger = Ledger(batch)
    return {name: ledger.states[name].message for name in ledger.waiting}


def test_what_is_done_is_kept(done):
    ledger = Ledger(asked(done))
    assert ledger.waiting == []
    for state in ledger.states.values():
        assert (state.status, state.earlier) == (Status.DONE, True)
        assert state.told["missing"] == {"er": 0.5}
        assert all(path.is_file() for path in state.results)


def test_changed_files_are_done_anew(done):
    (member,) = (done / "in").glob("b_yellow.png")
    os.utime(member, (1, 1))
    assert waiting(asked(done)) == {"b": "done anew: its files have changed since"}
    (done / "in" / "a.ome.tif").write_bytes(b"other")
    member.unlink()
    assert [*waiting(asked(done))] == ["a", "b"]


def test_other_options_are_done_anew(done):
    other = QUICK.model_copy(update={"seed": 1})
    assert set(waiting(asked(done, other)).values()) == {"done anew: other options are asked for"}


def test_another_model_of_the_same_name_is_done_anew(done, monkeypatch):
    from napari_dualgland.model.weights import read_card

    def newer(model):
        card, path = read_card(model)
        return card.model_copy(update={"sha256": "of the one that was trained today"}), path

    monkeypatch.setattr("napari_dualgland.batch.ledger.read_card", newer)
    assert set(waiting(asked(done)).values()) == {"done anew: other options are asked for"}


@pytest.mark.parametrize("how", ["gone", "changed"])
def test_results_that_are_not_as_they_were_are_done_anew(done, how):
    result = done / "out" / "a" / "a_imputed.ome.tif"
    result.unlink() if how == "gone" else result.write_bytes(b"edited")
    assert waiting(asked(done)) == {"a": "done anew: its results have changed or are gone"}


def test_a_folder_of_results_may_be_moved(done):
    (done / "out").rename(done / "elsewhere")
    assert waiting(asked(done, where="elsewhere")) == {}


@pytest.mark.parametrize("cut", range(1, 200, 23))
def test_a_line_that_a_kill_has_cut_off_costs_its_stack_alone(done, cut):
    path = done / "out" / MANIFEST
    path.write_bytes(path.read_bytes()[:-cut])
    assert [*waiting(asked(done))] == (["b"] if cut > 1 else [])
    manifest = Manifest(done / "out")
    manifest.add(Record(name="b", source="b", status=Status.FAILED))
    assert read_manifest(done / "out")["b"].status == Status.FAILED
    assert read_manifest(done / "out")["a"].status == Status.DONE


@pytest.mark.parametrize(
    "line", [b"", b"null", b"[1]", b'{"name": 3}', b"\xff\xfe", b"[" * 10**5, b'{"name": "a"}']
)
def test_odd_lines_are_left_out(done, line):
    path = done / "out" / MANIFEST
    path.write_bytes(line + b"\n" + path.read_bytes() + line + b"\n")
    assert waiting(asked(done)) == {}


def test_a_folder_that_cannot_be_written_to_is_refused(tmp_path):
    (tmp_path / MANIFEST).mkdir()
    with pytest.raises(DualglandError):
        Manifest(tmp_path).add(Record(name="a", source="a", status=Status.DONE))


def test_a_batch_goes_to_json_and_back(done):
    batch = asked(done)
    path = done / QUEUE
    path.write_text(batch.model_dump_json())
    assert load_batch(path) == batch
    path.write_text(json.dumps({"kind": "batch", "stacks": 3}))
    with pytest.raises(DualglandError) as error:
        load_batch(path)
    assert error.value.kind == Kind.WRONG_CONTENT


def test_what_was_asked_for_is_read_from_a_batch(done):
    found = tuple(find_stacks([done / "in"]))
    do = {"impute": QUICK, "localize": LocalizeParams(threshold=0.25)}
    request = BatchRequest(stacks=found, output=done / "out", do=do, workers=3)
    assert request_of(request.batch()) == request
    # A stack that is worked on in its own way brings its jobs.
    batch = request.batch()
    own = batch.stacks[1].model_copy(update={"jobs": batch.stacks[1].jobs[:1]})
    mixed = Batch(stacks=(batch.stacks[0], own), output=batch.output)
    assert request_of(mixed).stacks[0] == found[0]
    assert request_of(mixed).stacks[1].jobs == own.jobs
    assert request_of(mixed).batch().stacks == mixed.stacks


def test_a_request_as_code(done):
    request = BatchRequest(
        stacks=tuple(find_stacks([done / "in"])), output=done / "a b", do={"impute": QUICK}
    )
    line = request.as_command()
    assert "--model prior" in line
    assert f"'{done / 'a b'}'" in line
    scope: dict[str, object] = {}
    before_running = request.as_python().partition("for step in")[0]
    exec(before_running, scope)
    assert scope["batch"] == request.batch()
    special = request.model_copy(update={"do": {"localize": LocalizeParams(threshold=0.4)}})
    with pytest.raises(DualglandError) as error:
        special.as_command()
    assert error.value.kind == Kind.UNSUPPORTED


def test_models_that_are_not_there_are_told_at_once(done):
    with pytest.raises(DualglandError) as error:
        asked(done, QUICK.model_copy(update={"model": "nonesuch"})).check()
    assert error.value.kind == Kind.NOT_THERE
