"""How much memory a run takes, and what to say when there is not enough.

"Out of memory" alone helps nobody: the message names the batch that would have fitted,
found by trying smaller ones on the spot.
"""

from __future__ import annotations

import gc
from collections.abc import Callable

import psutil
import torch

SAID = ("out of memory", "can't allocate memory", "not enough memory", "bad alloc")
"""What errors of allocators have in common; a CPU's has no type of its own."""


def used_memory(device: torch.device) -> dict[str, int]:
    """Return bytes in use: of this process, and the peak on its GPU."""
    used = {"process": int(psutil.Process().memory_info().rss)}  # type: ignore[no-untyped-call]
    if device.type == "cuda":
        used["device_peak"] = torch.cuda.max_memory_allocated(device)
    elif device.type == "mps":
        used["device"] = torch.mps.driver_allocated_memory()
    return used


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error says that memory ran out, on whatever device."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(s in str(error).lower() for s in SAID)


def release(device: torch.device) -> None:
    """Give back what is no longer referred to."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()


def largest_that_fits(attempt: Callable[[int], None], count: int, device: torch.device) -> int:
    """Return the first of ``count / 2``, ``/ 4``, … for which ``attempt`` has memory, else 0."""
    while count > 1:
        count //= 2
        release(device)
        try:
            attempt(count)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
        else:
            return count
    return 0
