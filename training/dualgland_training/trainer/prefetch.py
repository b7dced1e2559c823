"""Batches drawn ahead in processes of their own, where that pays.

What batches are made of is a function of its number alone, so workers may draw in
any order and the run meets the same batches with or without them. On a CPU the training
itself needs the cores that workers would take: there, drawing in place is the default.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any, Generic, Protocol, TypeVar

import torch
from torch.utils.data import DataLoader, Dataset

from dualgland_training.trainer.stopping import SIGNALS

DRAWN_AHEAD = 4
"""Draws that each worker keeps ready."""

T = TypeVar("T")
D = TypeVar("D")
T_co = TypeVar("T_co", covariant=True)


class Draws(Protocol[D, T_co]):
    """What the batches of steps are made of, by its number."""

    def needed(self, steps: Iterable[int]) -> Iterable[int]:
        """Return the numbers of the draws that some steps in a row need, in that order."""

    def draw_one(self, number: int) -> D:
        """Return a draw."""

    def joined(self, steps: range, drawn: Iterator[D]) -> Iterator[T_co]:
        """Yield the batch of every step.

        Parameters
        ----------
        steps : range
            In a row.
        drawn : iterator
            What :meth:`needed` named, in its order.

        Yields
        ------
        batch
            Of each step.
        """


class PerStep(Generic[T]):
    """A draw of its own for every step.

    Parameters
    ----------
    draw : callable
        Returns the batch of a step. Workers that are spawned, as on Windows and macOS, get it
        pickled: no lambda.
    """

    def __init__(self, draw: Callable[[int], T]) -> None:
        self.draw_one = draw

    def needed(self, steps: Iterable[int]) -> Iterable[int]:
        """Return the steps themselves."""
        return steps

    def joined(self, steps: range, drawn: Iterator[T]) -> Iterator[T]:
        """Yield what is drawn.

        Parameters
        ----------
        steps : range
            In a row.
        drawn : iterator
            Their batches.

        Yields
        ------
        batch
            Of each step.
        """
        for _ in steps:
            yield next(drawn)


class _Numbered(Dataset[D]):
    def __init__(self, draws: Draws[D, Any]) -> None:
        self.draws = draws

    def __getitem__(self, number: int) -> D:
        return self.draws.draw_one(number)


def default_workers(device: torch.device) -> int:
    """Return how many processes draw ahead: none on a CPU, up to 8 beside a GPU."""
    if device.type == "cpu":
        return 0
    processes = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    return max(1, min(8, (os.cpu_count() or 2) // processes - 1))


def draw_ahead(
    draws: Draws[D, T], steps: range, workers: int, device: torch.device
) -> Generator[T, None, None]:
    """Yield the batch of every step.

    Parameters
    ----------
    draws : Draws
        What they are made of.
    steps : range
        In a row.
    workers : int
        Processes that draw ahead; 0: it is drawn in place.
    device : torch.device
        To which batches will go.

    Yields
    ------
    batch
        Of each step; what is drawn ahead comes from the CPU.
    """
    numbers = draws.needed(steps)
    if workers == 0:
        yield from draws.joined(steps, map(draws.draw_one, numbers))
        return
    loader = DataLoader(
        _Numbered(draws),
        batch_size=None,
        sampler=numbers,  # type: ignore[arg-type]  # which may have no length
        num_workers=workers,
        prefetch_factor=DRAWN_AHEAD,
        pin_memory=device.type == "cuda",
        worker_init_fn=_ignore_signals,
    )
    yield from draws.joined(steps, iter(loader))


def _ignore_signals(_worker: int) -> None:
    """Leave the orderly end to the training process: clusters signal all of a job's at once."""
    for which in SIGNALS:
        signal.signal(which, signal.SIG_IGN)
