"""``dualgland evaluate`` starts the training module and tells in one line what went wrong."""

from __future__ import annotations

import pytest
import typer

from dualgland_training.evaluate.__main__ import main as evaluate


def test_without_the_collection_one_line_says_so(dualgland, tmp_path):
    said = dualgland("evaluate", "--out", tmp_path / "out", "--data", tmp_path, "--quick")
    assert said.code == 2
    assert "name the atlas folder with --data" in said.error
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "says"),
    [({"ablation": ["no-SG"]}, "NAME=FILE"), ({"model": ["nobody"]}, "nobody")],
)
def test_what_the_process_says_is_one_line(tmp_path, capsys, options, says):
    """The line that ``dualgland evaluate`` hands on, as the test above shows."""
    with pytest.raises(typer.Exit) as end:
        evaluate(out=tmp_path / "out", data=tmp_path, **options)
    assert end.value.exit_code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert says in line
