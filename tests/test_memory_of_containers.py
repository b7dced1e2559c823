"""What a container's limit leaves: files that lie in memory are given back when it is needed."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from napari_dualgland import memory

GB = 10**9
STAT = "anon 1000000000\nfile 6900000000\nshmem 500000000\nslab_reclaimable 100000000\n"
STAT += "inactive_file 4000000000\nactive_file 2400000000\n"


@pytest.fixture
def container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A container of 8 GB on a machine of 100 GB that has written files until it seemed full."""
    files = {"memory.max": 8 * GB, "memory.current": 8 * GB - 4096, "memory.stat": STAT}
    for name, text in files.items():
        (tmp_path / name).write_text(f"{text}\n")
    monkeypatch.setattr(memory, "_CGROUP", tmp_path)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=100 * GB))
    return tmp_path


def test_files_that_lie_in_memory_leave_room(container: Path) -> None:
    assert memory.available() == 4096 + int(6.5 * GB)
    memory.require(5 * GB, "field.tif")


@pytest.mark.parametrize("stat", [None, "", "no numbers here", "inactive_file many", "\xe9"])
def test_where_nothing_is_told_of_them_all_counts_as_taken(
    container: Path, stat: str | None
) -> None:
    (container / "memory.stat").unlink()
    if stat is not None:
        (container / "memory.stat").write_bytes(stat.encode("latin-1"))
    assert memory.available() == 4096


def test_there_is_never_more_than_the_limit(container: Path) -> None:
    (container / "memory.current").write_text(f"{GB}\n")
    assert memory.available() == 8 * GB


def test_without_a_limit_the_machine_counts(container: Path) -> None:
    (container / "memory.max").write_text("max\n")
    assert memory.available() == 100 * GB
