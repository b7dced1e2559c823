"""Fields of view in a folder, as people leave them."""

from __future__ import annotations

import pytest
from batch_scenes import broken_file, field_file, field_set


@pytest.fixture
def fields(tmp_path):
    """Five stacks, one of them broken and two of one name, with what lies beside them."""
    folder = tmp_path / "in"
    field_file(folder / "field 1.ome.tif", 1)
    field_file(folder / "day 2" / "field 1.ome.tif", 2)
    field_set(folder / "day 2" / "12_A1_3", 3)
    field_file(folder / "day 2" / "deep" / "ähre.ome.tif", 4)
    broken_file(folder / "broken.tif")
    (folder / "notes.txt").write_text("of the microscope")
    (folder / "._field 1.ome.tif").write_bytes(b"litter")
    (folder / "field 1_mask.tif").write_bytes(b"no stack of its own")
    return folder
