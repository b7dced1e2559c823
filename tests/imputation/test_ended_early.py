"""What ends a run, or part of it, before its time: a person who cancels, memory that runs out."""

from typing import Any

import numpy as np
import pytest
import torch
from imputation.scenes import CALIBRATED, PLAIN, blobs, box, in_dtype, run, stack_of

import napari_dualgland as nd
from napari_dualgland.errors import DualglandError
from napari_dualgland.imputation import engine
from napari_dualgland.imputation.calibration.calibration import Calibration
from napari_dualgland.imputation.tiling import frame
from napari_dualgland.model.evidence import Evidence
from napari_dualgland.model.filler import Fill, PriorFiller
from napari_dualgland.model.weights import read_card
from napari_dualgland.progress import Cancelled, Progress


def test_cancel_ends_within_a_tile() -> None:
    stack = stack_of(in_dtype(blobs((256, 256)), "uint8"))
    missing = np.random.default_rng(0).random(stack.shape) < 0.3
    stop = False
    steps = nd.impute_steps(
        stack, missing, nd.ImputeParams(**PLAIN, tile=64), should_stop=lambda: stop
    )
    for event in steps:
        if event.done == 2:
            stop = True
            break
    with pytest.raises(Cancelled):
        next(steps)


def test_cancel_ends_before_what_was_rehearsed_is_drawn_from(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stack = stack_of(in_dtype(blobs((256, 256)), "uint8"))
    missing = box(stack.shape, side=40)
    applied: list[int] = []
    apply = Calibration.apply

    def counted(self: Calibration, evidence: Evidence, said: Fill) -> tuple[Any, Any]:
        applied.append(1)
        return apply(self, evidence, said)

    monkeypatch.setattr(Calibration, "apply", counted)
    params = nd.ImputeParams(**CALIBRATED | {"adapt": False, "device": "cpu"}, samples=1)
    stopped: list[bool] = []
    steps = nd.impute_steps(stack, missing, params, should_stop=lambda: bool(stopped))
    messages = [next(steps).message]
    while messages[-1] or not any("rehearsing" in message for message in messages):
        messages.append(next(steps).message)
    stopped.append(True)
    with pytest.raises(Cancelled):
        next(steps)
    # One batch of windows, not all that were kept.
    assert len(applied) == 1


class Greedy(PriorFiller):
    """The prior on a device with so little memory that only small windows fit."""

    limit = 256 * 256

    def fill(self, evidence: Evidence) -> Fill:
        if evidence.prior[:, 0].numel() > self.limit:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return super().fill(evidence)


@pytest.fixture
def greedy(monkeypatch: pytest.MonkeyPatch) -> Greedy:
    filler = Greedy(read_card("prior")[0], torch.device("cpu"))
    monkeypatch.setattr(engine, "load_filler", lambda *_: filler)
    return filler


def test_smaller_tiles_when_memory_runs_out(greedy: Greedy) -> None:
    stack = stack_of(in_dtype(blobs((256, 320)), "uint8"))
    missing = box(stack.shape, side=200)
    expected = run(stack, missing, tile=64)
    events: list[Progress] = []
    result = run(stack, missing, tile=256, progress=events.append)
    assert events[-1].done == events[-1].total
    assert any("tiles of 128" in note for note in result.provenance.notes)
    assert np.array_equal(result.missing, missing)
    gap = np.abs(result.stack.data.astype(int) - expected.stack.data.astype(int))
    assert gap.mean() < 0.5


class Elsewhere(str):
    """A device that the engine takes for an accelerator, and torch for the processor."""

    __slots__ = ()
    type = "cuda"


class Shared(PriorFiller):
    """The prior on a device whose memory holds windows of smaller tiles, until it is taken."""

    largest = 192 * 256

    def fill(self, evidence: Evidence) -> Fill:
        if evidence.prior[0, 0].numel() > self.largest:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return super().fill(evidence)


def test_what_was_finished_before_the_move_to_the_processor_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(frame, "TOGETHER", 1)  # or a tile of this field comes after all the work
    stack = stack_of(in_dtype(blobs((512, 256)), "uint8"))
    missing = np.zeros(stack.shape, bool)
    missing[:, 40:470, 80:160] = True
    expected = run(stack, missing, tile=64)
    filler = Shared(read_card("prior")[0], Elsewhere("cpu"))  # type: ignore[arg-type]
    monkeypatch.setattr(engine, "load_filler", lambda *_: filler)

    def take_the_rest(event: Progress) -> None:
        if event.patch is not None:
            filler.largest = 0

    result = run(stack, missing, tile=256, progress=take_the_rest)
    told = " ".join(result.provenance.notes)
    assert "tiles of 128" in told
    assert "on the CPU" in told
    gap = np.abs(result.stack.data.astype(int) - expected.stack.data.astype(int))
    assert gap.mean() < 0.5
    assert gap.max() < 60
    assert result.provenance.missing_fraction["protein"] == pytest.approx(missing[1].mean())


def test_without_memory_to_calibrate_the_model_is_taken_as_it_is(
    greedy: Greedy, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = stack_of(in_dtype(blobs((200, 200)), "uint8"))
    missing = box(stack.shape)
    expected = run(stack, missing)
    monkeypatch.setattr(Greedy, "limit", 160 * 160 - 1)  # one window of the calibration is more
    result = run(stack, missing, rehearse=True)
    assert any("memory ran out while rehearsing" in note for note in result.provenance.notes)
    assert np.array_equal(result.stack.data, expected.stack.data)


def test_out_of_memory_everywhere_is_one_clear_line(
    greedy: Greedy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Greedy, "limit", 0)
    stack = stack_of(in_dtype(blobs(), "uint8"))
    with pytest.raises(DualglandError, match="out of memory"):
        run(stack, box(stack.shape))
