"""``dualgland evaluate`` starts the training module and tells in one line what went wrong."""

from __future__ import annotations


def test_without_the_collection_one_line_says_so(dualgland, tmp_path):
    said = dualgland("evaluate", "--out", tmp_path / "out", "--data", tmp_path, "--quick")
    assert said.code == 2
    assert "name the atlas folder with --data" in said.error
    assert not (tmp_path / "out").exists()


def test_an_ablation_needs_a_name_and_a_file(dualgland, tmp_path):
    said = dualgland("evaluate", "--out", tmp_path / "out", "--ablation", "no-SG")
    assert said.code == 2
    assert "NAME=FILE" in said.error


def test_an_unknown_model_is_named(dualgland, tmp_path):
    said = dualgland("evaluate", "--out", tmp_path, "--data", tmp_path, "--model", "nobody")
    assert said.code == 2
    assert "nobody" in said.error
