"""In which precision networks compute, forced each way."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from napari_dualgland import impute, read
from napari_dualgland.model import precision
from napari_dualgland.model.precision import (
    choose_by_time,
    choose_precision,
    has_bfloat16,
    processor_flags,
    time_passes,
)
from napari_dualgland.sample import sample_path
from napari_dualgland.stack import Stack

CPU = torch.device("cpu")

WITH, WITHOUT = {"avx2", "avx512_bf16"}, {"avx2", "avx512_f"}


def test_the_processor_is_asked() -> None:
    flags = processor_flags()
    assert flags
    assert has_bfloat16(CPU) == bool({"avx512_bf16", "amx_bf16", "bf16", "sve_bf16"} & flags)


@pytest.mark.parametrize(("flags", "chosen"), [(WITH, "bf16"), (WITHOUT, "fp32")])
def test_auto_goes_by_the_hardware_and_a_wish_by_itself(
    monkeypatch: pytest.MonkeyPatch, flags: set[str], chosen: str
) -> None:
    monkeypatch.setattr(precision, "processor_flags", lambda: flags)
    assert choose_precision("auto", CPU) == chosen
    assert choose_precision("bf16", CPU) == "bf16"
    assert choose_precision("fp32", CPU) == "fp32"


@pytest.mark.parametrize(
    ("flags", "seconds", "chosen"),
    [(WITH, (0.4, 1.0), "bf16"), (WITH, (9.0, 1.0), "fp32"), (WITHOUT, (0.4, 1.0), "fp32")],
)
def test_time_confirms_what_the_hardware_says(
    monkeypatch: pytest.MonkeyPatch, flags: set[str], seconds: tuple[float, float], chosen: str
) -> None:
    took = dict(zip(("bf16", "fp32"), seconds, strict=True))
    monkeypatch.setattr(precision, "processor_flags", lambda: flags)
    monkeypatch.setattr(precision, "time_passes", lambda _device: took)
    assert choose_by_time("auto", CPU)[0] == chosen
    assert choose_by_time("auto", CPU)[1] == (took if flags is WITH else {})
    assert choose_by_time("bf16", CPU) == ("bf16", {})


def test_passes_are_timed_and_leave_random_numbers_alone() -> None:
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    took = time_passes(CPU, width=16)
    assert set(took) == {"bf16", "fp32"}
    assert all(seconds > 0 for seconds in took.values())
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize(("flags", "chosen"), [(WITH, "bf16"), (WITHOUT, "fp32")])
def test_imputing_goes_by_the_hardware_and_says_so(
    monkeypatch: pytest.MonkeyPatch, flags: set[str], chosen: str
) -> None:
    monkeypatch.setattr(precision, "processor_flags", lambda: flags)
    stack, missing = damaged_sample()
    assert impute(stack, missing, adapt=False, rehearse=False).provenance.precision == chosen
    same = impute(stack, missing, adapt=False, rehearse=False, model="prior")
    assert same.provenance.precision == "fp32"


def test_both_precisions_fill_alike_and_leave_observed_pixels_alone() -> None:
    stack, missing = damaged_sample()
    filled = {
        name: impute(stack, missing, adapt=False, rehearse=False, precision=name)
        for name in ("bf16", "fp32")
    }
    one, other = (np.asarray(filled[name].stack.data).astype(int) for name in ("bf16", "fp32"))
    assert np.array_equal(one[~missing], np.asarray(stack.data)[~missing])
    assert np.abs(one - other).max() <= 2
    assert np.abs(one - other)[missing].mean() < 0.1
    sigmas = [np.asarray(filled[name].uncertainty) for name in ("bf16", "fp32")]
    assert np.allclose(*sigmas, rtol=0.05, atol=0.05)


def damaged_sample() -> tuple[Stack, np.ndarray]:
    """Return a piece of the sample field and a hole in it."""
    stack = read(sample_path("dualgland_whole.ome.tif"))
    stack = dataclasses.replace(stack, data=np.asarray(stack.data)[:, 100:196, 100:196])
    missing = np.zeros(stack.shape, bool)
    missing[:, 30:50, 30:50] = True
    return stack, missing
