"""The kernel of the descent, run by Triton's interpreter: no GPU is needed to prove its formula."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import distributions

import pytest
import torch

from napari_dualgland.model import descent

HERE = any(distributions(name="triton"))

PROGRAM = """
import torch
from napari_dualgland.model.descent import STEP, relax
from napari_dualgland.model.descent_gpu import relax_fused
source = torch.Generator().manual_seed(3)
for shape in ((2, 2, 2, 2), (1, 3, 3, 40), (2, 1, 31, 33)):
    for share in (0.05, 0.5, 1.0):
        image = torch.rand(shape, generator=source)
        missing = torch.rand(shape, generator=source) < share
        wanted = relax([image], [missing], 7)[0]
        fused = relax_fused(image, missing, 7, STEP)
        assert not torch.equal(wanted, image)
        torch.testing.assert_close(fused, wanted, rtol=1e-5, atol=1e-5)
        assert torch.equal(fused[~missing], image[~missing])
print("alike")
"""


@pytest.mark.skipif(not HERE, reason="Triton comes with torch on Linux alone")
def test_the_kernel_takes_the_steps_of_the_descent() -> None:
    told = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=os.environ | {"TRITON_INTERPRET": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert told.stdout.strip() == "alike", told.stderr


def test_there_is_a_kernel_only_on_a_gpu_and_where_no_window_will_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(descent, "_kernel", lambda device: device)
    monkeypatch.setattr(descent, "_without_windows", False)
    gpu = torch.device("cuda")
    assert descent.fused_on(gpu) is None
    descent.expect_no_window()
    assert descent.fused_on(gpu) is not None
    assert descent.fused_on(torch.device("cpu")) is None
