"""How much memory a run takes, and what to say when there is not enough.

"Out of memory" alone helps nobody: the message names the batch that would have fitted,
found by trying smaller ones on the spot.
"""

from __future__ import annotations

import gc
from collections.abc import Callable

import psutil
import torch

from napari_dualgland.memory import is_out_of_memory


def used_memory(device: torch.device) -> dict[str, int]:
    """Return bytes in use: of this process, and the peak on its GPU."""
    used = {"process": int(psutil.Process().memory_info().rss)}  # type: ignore[no-untyped-call]
    if device.type == "cuda":
        used["device_peak"] = torch.cuda.max_memory_allocated(device)
    elif device.type == "mps":
        used["device"] = torch.mps.driver_allocated_memory()
    return used


def release(device: torch.device) -> None:
    """Give back what is no longer referred to."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()


def _has_memory(attempt: Callable[[int], None], count: int, device: torch.device) -> bool:
    release(device)
    try:
        attempt(count)
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        return False
    return True


def largest_that_fits(attempt: Callable[[int], None], count: int, device: torch.device) -> int:
    """Find the largest number below ``count`` for which there is memory.

    Parameters
    ----------
    attempt : callable
        Computes for so many.
    count : int
        For which there was none.
    device : torch.device
        Whose memory is given back before every attempt.

    Returns
    -------
    int
        0 where not even one fits.
    """
    fits, too_many = 0, count
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        if _has_memory(attempt, middle, device):
            fits = middle
        else:
            too_many = middle
    return fits


def say_what_fits(
    attempt: Callable[[int], None],
    sources: int,
    each: int,
    side: int,
    processes: int,
    device: torch.device,
) -> str:
    """Return what to say when memory ran out of a batch of crops of several sources.

    Parameters
    ----------
    attempt : callable
        Computes what a step does for the first so many crops of the batch.
    sources, each : int
        Sources of this process's batch, and crops of each of them.
    side : int
        Of a crop, pixels.
    processes : int
        That share the recipe's sources.
    device : torch.device
        That has too little memory.

    Returns
    -------
    str
        One line: the batch that would have fitted.
    """
    of_each = " in each process" if processes > 1 else ""
    said = f"out of memory on {device} with {sources * each} crops of {side}²{of_each}; "
    whole = largest_that_fits(lambda count: attempt(count * each), sources, device)
    if whole:
        change = f"sources: {whole * processes}"
        return said + f"{whole * each} would fit: set {change} in the recipe"
    part = largest_that_fits(attempt, each, device)
    if part:
        change = f"sources: {processes} and crops_per_source: {part}"
        return said + f"{part} would fit: set {change} in the recipe"
    return said + "not even one fits: set crop: lower in the recipe"


def say_which_batch_fits(
    attempt: Callable[[int], None], batch: int, side: int, device: torch.device
) -> str:
    """Return what to say when memory ran out of a plain batch.

    Parameters
    ----------
    attempt : callable
        Computes what a step does for the first so many views of the batch.
    batch : int
        Views of the batch.
    side : int
        Of a view, pixels.
    device : torch.device
        That has too little memory.

    Returns
    -------
    str
        One line: the batch that would have fitted.
    """
    said = f"out of memory on {device} with {batch} views of {side}²; "
    fits = largest_that_fits(attempt, batch, device)
    return said + (f"set batch: {fits} in the recipe" if fits else "set crop: lower in the recipe")
