"""Several files that belong together: all of a run or all of the one before, and told truly."""

from __future__ import annotations

import errno
import os
import signal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_dualgland.cli.console import INTERRUPTED, guarded
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.io.atomic import replacing, replacing_all
from napari_dualgland.io.beside import beside_name, longest_name
from napari_dualgland.written import written

NAMES = ("a.csv", "b.tif", "c.ome.tif")


@pytest.fixture
def paths(tmp_path):
    return [tmp_path / name for name in NAMES]


def write_set(paths, text):
    with replacing_all(paths) as beside:
        for path in beside:
            path.write_text(text)


def failing(monkeypatch, what, at, also=False):
    """Let the call number ``at`` of os fail for want of room; ``also`` those after it."""
    real, count = getattr(os, what), [0]

    def call(*args, **options):
        count[0] += 1
        if count[0] == at or (also and count[0] > at):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(*args, **options)

    monkeypatch.setattr(os, what, call)


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


@pytest.mark.parametrize("older", [False, True], ids=["new", "older"])
@pytest.mark.parametrize("at", [1, 2, 3])
@pytest.mark.parametrize("what", ["fsync", "replace"])
def test_a_set_that_fails_stays_what_it_was(tmp_path, paths, monkeypatch, what, at, older):
    if older:
        write_set(paths, "old")
    before, told = contents(tmp_path), len(written())
    with monkeypatch.context() as patched:
        failing(patched, what, at)
        with pytest.raises(DualglandError) as refused:
            write_set(paths, "new")
    assert refused.value.kind == Kind.NO_SPACE
    assert refused.value.way_out == "nothing was written"
    assert contents(tmp_path) == before
    assert len(written()) == told


@pytest.mark.parametrize("at", [2, 3])
def test_what_cannot_be_put_back_is_told(tmp_path, paths, monkeypatch, at):
    write_set(paths, "old")
    with monkeypatch.context() as patched:
        failing(patched, "replace", at, also=True)
        with pytest.raises(DualglandError) as refused:
            write_set(paths, "new")
    new = [name for name, text in contents(tmp_path).items() if text == "new"]
    assert sorted(new) == list(NAMES[: at - 1])
    assert all((name in refused.value.way_out) == (name in new) for name in NAMES)
    assert sorted(path.name for path in written()[-len(new) :]) == sorted(new)


def test_a_disk_without_second_names(tmp_path, paths, monkeypatch):
    write_set(paths, "old")
    with monkeypatch.context() as patched:
        failing(patched, "link", 1, also=True)
        write_set(paths, "new")
    assert set(contents(tmp_path).values()) == {"new"}


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_between_the_names_waits_for_the_last(tmp_path, paths, monkeypatch, capsys, stop):
    real, count = os.replace, [0]

    def replace(*args):
        real(*args)
        count[0] += 1
        if count[0] == 1:
            signal.raise_signal(stop)

    monkeypatch.setattr(os, "replace", replace)
    assert guarded(lambda: write_set(paths, "new"), as_json=False, debug=False) == INTERRUPTED
    assert contents(tmp_path) == dict.fromkeys(NAMES, "new")
    said = capsys.readouterr().err
    assert all(str(path) in said for path in paths)


def test_an_interruption_before_any_name_says_so(paths, capsys):
    def stopped():
        with replacing_all(paths):
            raise KeyboardInterrupt

    assert guarded(stopped, as_json=False, debug=False) == INTERRUPTED
    assert "no file was written" in capsys.readouterr().err


def test_an_error_of_a_file_that_is_read_is_not_blamed_on_the_output(tmp_path):
    source = tmp_path / "gone.tif"
    with pytest.raises(FileNotFoundError) as told, replacing(tmp_path / "out.tif"):
        source.open("rb")
    assert told.value.filename == str(source)


def test_leftovers_of_the_dead_go_and_those_of_the_living_stay(tmp_path):
    target = tmp_path / "a.tif"
    dead = beside_name(target)
    dead.write_text("half")
    other = beside_name(tmp_path / "ab.tif")
    other.write_text("half")
    with replacing(target) as living:
        living.write_text("one")
        assert not dead.exists()
        with replacing(target) as second:
            second.write_text("two")
        assert living.exists()
        assert target.read_text() == "two"
    assert contents(tmp_path) == {"a.tif": "one", other.name: "half"}


@given(st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1))
def test_a_temporary_name_always_fits(tmp_path_factory, name):
    folder = tmp_path_factory.getbasetemp()
    beside = beside_name(folder / (name * 300)[:255])
    assert len(os.fsencode(beside.name)) <= longest_name(folder)
    assert beside.parent == folder


@pytest.mark.parametrize("letter", ["a", "é", "细", "🔬"])
def test_names_as_long_as_the_disk_allows(tmp_path, letter):
    longest = longest_name(tmp_path)
    path = tmp_path / (letter * (longest // len(letter.encode())))
    with replacing(path) as beside:
        beside.write_text("x")
    assert path.read_text() == "x"
    with pytest.raises(DualglandError) as refused, replacing(path.with_name(path.name + letter)):
        pass
    assert refused.value.kind == Kind.BAD_VALUE
