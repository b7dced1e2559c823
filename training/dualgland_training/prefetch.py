"""Batches drawn ahead in processes of their own, where that pays.

What batches are made of is a function of its number alone, so workers may draw in
any order and the run meets the same batches with or without them. On a CPU the training
itself needs the cores that workers would take: there, drawing in place is the default.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Generator

import torch
from torch.utils.data import DataLoader, Dataset

from dualgland_training.batches import Batch, Batches
from dualgland_training.stopping import SIGNALS

DRAWN_AHEAD = 4
"""Draws that each worker keeps ready."""


class Drawn(Dataset[Batch]):
    """What batches are made of, by its number."""

    def __init__(self, batches: Batches) -> None:
        self.batches = batches

    def __getitem__(self, number: int) -> Batch:
        """Return a draw."""
        return self.batches.draw_one(number)


def default_workers(device: torch.device) -> int:
    """Return how many processes draw ahead: none on a CPU, up to 8 beside a GPU."""
    if device.type == "cpu":
        return 0
    processes = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    return max(1, min(8, (os.cpu_count() or 2) // processes - 1))


def draw_ahead(
    batches: Batches, steps: range, workers: int, device: torch.device
) -> Generator[Batch, None, None]:
    """Yield the batch of every step, made of what ``workers`` processes draw; 0: in place."""
    numbers = batches.needed(steps)
    if workers == 0:
        yield from batches.joined(steps, map(batches.draw_one, numbers))
        return
    loader = DataLoader(
        Drawn(batches),
        batch_size=None,
        sampler=numbers,  # type: ignore[arg-type]  # which may have no length
        num_workers=workers,
        prefetch_factor=DRAWN_AHEAD,
        pin_memory=device.type == "cuda",
        worker_init_fn=_ignore_signals,
    )
    yield from batches.joined(steps, iter(loader))


def _ignore_signals(_worker: int) -> None:
    """Leave the orderly end to the training process: clusters signal all of a job's at once."""
    for which in SIGNALS:
        signal.signal(which, signal.SIG_IGN)
