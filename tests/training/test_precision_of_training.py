"""Training in the precision that was chosen, and no other; a resumed run keeps its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from small_runs import RECIPE, read_events

from dualgland_training.generator.recipe import TrainConfig
from dualgland_training.runs import start_run
from dualgland_training.trainer.loop import Training
from napari_dualgland.model import precision

FAST = {"bf16": 1.0, "fp32": 2.0}


def force(monkeypatch: pytest.MonkeyPatch, *, hardware: bool) -> None:
    """Have a processor with bfloat16, in which it is fast, or one without."""
    flags = {"avx512_bf16"} if hardware else {"avx2"}
    monkeypatch.setattr(precision, "processor_flags", lambda: flags)
    monkeypatch.setattr(precision, "time_passes", lambda _device: FAST)


def run_of(folder: Path, resume: bool = False, **options: Any) -> Training:
    few = {"steps": 1, "validation_crops": 0, "checkpoint_every": 1, "precision": "auto"}
    return start_run(TrainConfig.model_validate(RECIPE | few | options), folder, resume=resume)


@pytest.mark.parametrize(
    ("hardware", "wanted", "dtype"),
    [
        (True, "auto", torch.bfloat16),
        (False, "auto", torch.float32),
        (True, "fp32", torch.float32),
        (False, "bf16", torch.bfloat16),
    ],
)
def test_networks_compute_in_what_was_chosen(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    hardware: bool,
    wanted: str,
    dtype: torch.dtype,
) -> None:
    force(monkeypatch, hardware=hardware)
    run = run_of(tmp_path, precision=wanted)
    seen = set()
    run.objective.generator.stem.register_forward_hook(lambda _m, _i, out: seen.add(out.dtype))
    run.run()
    assert seen == {dtype}
    events = read_events(tmp_path)
    (started,) = (event["started"] for event in events if "started" in event)
    assert started["precision"] == ("bf16" if dtype == torch.bfloat16 else "fp32")
    assert started["seconds_a_pass"] == (FAST if hardware and wanted == "auto" else {})
    assert started["processor"]
    slow = any("emulated" in event.get("warning", "") for event in events)
    assert slow == (not hardware and wanted == "bf16")


def test_a_resumed_run_keeps_the_precision_of_its_checkpoint(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    force(monkeypatch, hardware=False)
    run_of(tmp_path).run()
    force(monkeypatch, hardware=True)
    more = run_of(tmp_path, resume=True, steps=2)
    assert more.objective.precision == "fp32"
    assert not any("precision was" in e.get("warning", "") for e in read_events(tmp_path))


def test_where_it_cannot_be_kept_that_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    force(monkeypatch, hardware=True)
    run_of(tmp_path).run()
    force(monkeypatch, hardware=False)
    more = run_of(tmp_path, resume=True, steps=2)
    assert more.objective.precision == "fp32"
    warnings = [event["warning"] for event in read_events(tmp_path) if "warning" in event]
    assert any("precision was bf16 and is fp32 here" in text for text in warnings)
