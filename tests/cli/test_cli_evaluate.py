"""``dualgland evaluate`` starts the training module and tells in one line what went wrong.

What the evaluation itself refuses is in ``tests/training/test_evaluate.py``.
"""

from __future__ import annotations


def test_what_the_training_module_refuses_is_one_line(dualgland, tmp_path):
    said = dualgland("evaluate", "--out", tmp_path / "out", "--ablation", "no-SG")
    assert said.code == 2
    assert "NAME=FILE" in said.error
    assert not (tmp_path / "out").exists()
