"""The log of a run, followed as it grows: nothing twice, nothing lost, and thinned to be drawn."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from dualgland_training.trainer.events import append_line
from napari_dualgland.runs.folder import State
from napari_dualgland.runs.history import Curve, History
from napari_dualgland.runs.tail import Tail


def losses(step: int, salivary: float = 0.5) -> dict[str, Any]:
    terms = {"generator": {"salivary": salivary, "pituitary": 0.25}, "texture": {"adversarial": -1}}
    return {"step": step, "losses": terms, "steps_per_second": 2.0}


def started(step: int = 0, **more: int) -> dict[str, Any]:
    return {"step": step, "started": {"config": {"steps": 100}, "images": {"train": 3}, **more}}


def validation(step: int, ahead: float) -> dict[str, Any]:
    row = {"prior": 20.0, "generator": 20.0 + ahead, "reference": None}
    table = {"validation, images": {"a": row, "b": row}, "test, images": {"a": {"prior": 0.0}}}
    return {"step": step, "validation": table, "pictures": f"pictures/{step}.png"}


def told(*events: dict[str, Any]) -> History:
    history = History()
    for event in events:
        history.take(event)
    return history


def test_a_log_is_read_on_from_where_it_was_left(tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    tail = Tail(log)
    assert tail.read() == ([], False)
    append_line(log, started())
    assert [event["step"] for event in tail.read()[0]] == [0]
    line = json.dumps(losses(10)).encode()
    with log.open("ab") as file:
        file.write(line[:30])
        file.flush()
        assert tail.read() == ([], False)
        file.write(line[30:] + b"\n[1]\n{no json\n" + line + b"\n")
    assert [event["step"] for event in tail.read()[0]] == [10, 10]
    assert tail.read() == ([], False)


def test_a_long_log_comes_in_pieces_and_whole(tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    log.write_text("".join(json.dumps(losses(step)) + "\n" for step in range(5000)))
    tail, seen, more, reads = Tail(log), [], True, 0
    while more:
        events, more = tail.read(2**16)
        seen += [event["step"] for event in events]
        reads += 1
    assert seen == list(range(5000))
    assert reads > 5
    assert Tail(log).last()[-1]["step"] == 4999


def test_a_run_is_known_by_its_events() -> None:
    history = told(started(), losses(10), losses(20, 0.4), validation(20, 1.5))
    assert (history.step, history.steps, history.images) == (20, 100, {"train": 3})
    assert history.seconds_left == 40
    assert history.ahead == 1.5
    assert history.picture == "pictures/20.png"
    assert history.curves["SG"].values == [0.5, 0.4]
    assert history.curves["PG"].values == [0.25, 0.25]
    assert history.curves["adversarial"].steps == [10, 20]
    assert history.curves["shipped model"].steps == []
    assert history.ended is None


def test_what_a_killed_run_tells_again_counts_once() -> None:
    first = (started(), losses(10, 1.0), losses(20, 2.0), validation(20, 1.0))
    history = told(*first, started(10, resumed_from=10), losses(20, 3.0))
    assert history.curves["SG"].steps == [10, 20]
    assert history.curves["SG"].values == [1.0, 3.0]
    assert history.curves["model"].steps == []
    assert history.step == 20


def test_the_end_is_told_and_taken_back_when_it_goes_on() -> None:
    assert told(started(), {"step": 5, "stopped": True}).ended is State.STOPPED
    failed = {"step": 5, "failed": "memory ran out"}
    assert told(started(), failed).failure == "memory ran out"
    assert told(started(), failed).ended is State.BROKEN
    assert told(started(), failed, started(5, resumed_from=5)).ended is None
    done = told(started(), {"step": 100, "finished": "mine.safetensors"})
    assert (done.ended, done.model) == (State.FINISHED, "mine.safetensors")


def test_a_curve_is_thinned_by_means_and_keeps_its_ends_near() -> None:
    curve = Curve()
    rng = np.random.default_rng(0)
    for step in range(100_000):
        curve.add(step, 3.0 + rng.normal())
    curve.add(100_000, None)
    steps, values = curve.thinned(300)
    assert len(steps) == len(values) == 300
    assert steps[0] < 400
    assert steps[-1] > 99_600
    assert np.abs(values - 3).max() < 0.4
    assert abs(values.mean() - np.mean(curve.values)) < 1e-2
    few = Curve([1, 2], [5.0, 6.0])
    assert few.thinned(300)[1].tolist() == [5.0, 6.0]
