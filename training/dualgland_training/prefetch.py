"""Batches drawn ahead in processes of their own, where that pays.

A batch is a function of its step alone, so workers may draw in any order and the run meets
the same batches in the same order with or without them. On a CPU the training itself needs
the cores that workers would take: there, drawing in place is the default.
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
"""Batches that each worker keeps ready."""


class Drawn(Dataset[Batch]):
    """The batches of a run by their step."""

    def __init__(self, batches: Batches) -> None:
        self.batches = batches

    def __getitem__(self, step: int) -> Batch:
        """Return the batch of a step."""
        return self.batches.draw(step)


def default_workers(device: torch.device) -> int:
    """Return how many processes draw ahead: none on a CPU, up to 8 beside a GPU."""
    if device.type == "cpu":
        return 0
    processes = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    return max(1, min(8, (os.cpu_count() or 2) // processes - 1))


def draw_ahead(
    batches: Batches, steps: range, workers: int, device: torch.device
) -> Generator[Batch, None, None]:
    """Yield the batch of every step, drawn ahead by ``workers`` processes; 0: in place."""
    if workers == 0:
        for step in steps:
            yield batches.draw(step)
        return
    yield from DataLoader(
        Drawn(batches),
        batch_size=None,
        sampler=steps,
        num_workers=workers,
        prefetch_factor=DRAWN_AHEAD,
        pin_memory=device.type == "cuda",
        worker_init_fn=_ignore_signals,
    )


def _ignore_signals(_worker: int) -> None:
    """Leave the orderly end to the training process: clusters signal all of a job's at once."""
    for which in SIGNALS:
        signal.signal(which, signal.SIG_IGN)
