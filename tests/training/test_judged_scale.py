"""Judges are shown cells at the scale that they were taught, whoever asks them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from dualgland_training.evaluate.cases import CELL_CASE, HeldOut
from dualgland_training.evaluate.scoring import CELL, CROP, score_method
from dualgland_training.evaluate.worker import Job
from dualgland_training.perceptual.cells import SEEN_AT

SIDE = 200


def test_cells_are_scored_at_the_scale_of_the_judge(tmp_path: Path) -> None:
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE // 2
    disc = np.broadcast_to(np.where(y**2 + x**2 < 70**2, 200, 0), (4, SIDE, SIDE))
    cell = disc.astype(np.uint8)
    np.savez(tmp_path / "0-0.npz", estimate=cell)
    told = {"memory": 1, "seconds": {CELL_CASE: {"cell 1": 1}}}
    (tmp_path / "run.json").write_text(json.dumps(told))
    held_out = HeldOut(fields=(), groups=("1",))
    job = Job(data=tmp_path, held=held_out, cells=1, quick=True, cases=(CELL_CASE,), threads=1)
    _, seen = score_method(tmp_path, job, {"cell 1": cell}, {"cell 1": 25})
    assert seen["cells"].shape == (1, 4, CELL, CELL)
    for pictures in (seen["cells"], seen["true_cells"]):
        lit = float((pictures[0, 0] > 0.5).sum())
        assert lit == pytest.approx(np.pi * (70 * SEEN_AT) ** 2, rel=0.03)
    assert seen["crops"].shape[1:] == (4, CROP, CROP)
