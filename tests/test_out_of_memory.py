"""A lack of memory is known by whatever library says so, and told as a refusal."""

from __future__ import annotations

import errno

import numpy as np
import pytest
import torch

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.memory import is_out_of_memory, refused_where_memory_runs_out

LACK = [
    MemoryError(),
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    RuntimeError("could not create a primitive"),
    RuntimeError("could not create a primitive descriptor for a convolution"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory"),
    RuntimeError("MPS backend out of memory"),
    RuntimeError("std::bad_alloc"),
    RuntimeError("can't start new thread"),
    OSError(errno.ENOMEM, "Cannot allocate memory"),
]
OTHER = [
    RuntimeError("shapes do not match"),
    RuntimeError("CUDA error: an illegal memory access was encountered"),
    ValueError("out of memory"),
    OSError(errno.ENOENT, "No such file or directory"),
    DualglandError(Kind.BAD_VALUE, "seed", "out of memory"),
]


@pytest.mark.parametrize("error", LACK, ids=repr)
def test_a_lack_of_memory_is_refused(error: Exception) -> None:
    assert is_out_of_memory(error)
    with pytest.raises(DualglandError) as told, refused_where_memory_runs_out("field.tif"):
        raise error
    assert (told.value.kind, told.value.place) == (Kind.TOO_LARGE, "field.tif")
    assert "memory" in str(told.value)


@pytest.mark.parametrize("error", OTHER, ids=repr)
def test_nothing_else_is_taken_for_it(error: Exception) -> None:
    assert not is_out_of_memory(error)
    with pytest.raises(type(error)) as told, refused_where_memory_runs_out("field.tif"):
        raise error
    assert told.value is error


def test_what_the_libraries_really_raise_is_known() -> None:
    for attempt in (lambda: np.empty(2**55, np.uint8), lambda: torch.empty(2**55)):
        with pytest.raises(DualglandError) as told, refused_where_memory_runs_out("field.tif"):
            attempt()
        assert told.value.kind == Kind.TOO_LARGE
