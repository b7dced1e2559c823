"""What all processes of a run settle before it starts: who holds the folder, which precision."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch

from dualgland_training.trainer import distributed
from dualgland_training.trainer.lock import hold_folder
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.model.precision import Precision, choose_by_time, has_bfloat16


def hold_for_all(
    folder: Path, device: torch.device, say: Callable[[str], None]
) -> AbstractContextManager[Any]:
    """Take the folder for a run; the first process for all, the others wait for it.

    Parameters
    ----------
    folder : pathlib.Path
        Of the run.
    device : torch.device
        Over which processes speak.
    say : callable
        Told if another run has to be waited for.

    Returns
    -------
    context manager
        Whose end lets another run train there.

    Raises
    ------
    DualglandError
        In all processes, if another run trains there.
    """
    lock: AbstractContextManager[Any] = nullcontext()
    refused = None
    if distributed.rank() == 0:
        try:
            lock = hold_folder(folder, say)
        except DualglandError as error:
            refused = error
    if distributed.any_of(refused is not None, device):
        found = "the first process may not train there"
        raise refused or DualglandError(Kind.CONFLICT, folder, found)
    return lock


def choose_for_all(
    asked: Precision, device: torch.device, warn: Callable[[str], None]
) -> tuple[str, dict[str, float]]:
    """Choose the precision of all processes.

    Parameters
    ----------
    asked : str
        ``auto``, ``bf16`` or ``fp32``.
    device : torch.device
        Of this process.
    warn : callable
        Told if what was asked for is slow here.

    Returns
    -------
    precision : str
        ``bf16`` where every process has it, or it was asked for.
    seconds : dict
        Of a pass in each, where they were timed.
    """
    chosen, took = choose_by_time(asked, device)
    if distributed.any_of(chosen == "fp32", device):
        chosen = "fp32"
    if chosen == "bf16" and not has_bfloat16(device):
        warn("bfloat16 is emulated here, and slow; precision: auto takes fp32")
    return chosen, took


def kept_precision(
    was: str, now: str, asked: str, device: torch.device, warn: Callable[[str], None]
) -> str:
    """Return the precision of a checkpoint, bit for bit, where this device has it.

    Parameters
    ----------
    was, now : str
        Of the checkpoint, and what was chosen here.
    asked : str
        By the recipe.
    device : torch.device
        Of this process.
    warn : callable
        Told where it cannot be kept.

    Returns
    -------
    str
        ``was`` or ``now``.
    """
    if was == now:
        return now
    if asked == "auto" and (was == "fp32" or has_bfloat16(device)):
        return was
    warn(f"precision was {was} and is {now} here: no longer bit for bit the same run")
    return now
