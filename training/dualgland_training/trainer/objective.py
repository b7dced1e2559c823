"""What the trainer must be told of what it trains.

The loop knows networks, optimisers and gradients but no loss; an objective knows losses
and nothing of the loop. A step goes through :meth:`Objective.losses`: between two yields the
loop takes the gradient of what was yielded and steps that network alone, so that what is
yielded next already sees the stepped network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

import torch
from torch import Tensor, nn

from dualgland_training.trainer.prefetch import Draws

B = TypeVar("B", bound=tuple[Tensor, ...])
"""A batch: a named tuple of tensors that have as many rows each."""

Warn = Callable[[str], None]


class Loss(NamedTuple):
    """The loss of one network: ``value`` is a scalar with a gradient, ``terms`` are for the log."""

    network: str
    value: Tensor
    terms: dict[str, Tensor]


class Validated(NamedTuple):
    """What a look at a network gave.

    Attributes
    ----------
    table : dict
        By set of images, case and name.
    figures : dict
        By case and name, those by which a model is chosen; they go into its card.
    pictures : str or None
        Path of a PNG, relative to the run's folder.
    """

    table: Mapping[str, Any]
    figures: dict[str, Any]
    pictures: str | None = None


class Objective(Protocol[B]):
    """Networks by name, their losses and what belongs to them.

    Attributes
    ----------
    steps : int
        Of the whole run.
    crops : int
        That a step sees, in all processes.
    precision : str
        ``bf16`` or ``fp32``.
    networks : dict of str to torch.nn.Module
        Each gets an optimiser of its own.
    averaged : torch.nn.Module
        The one of which a moving average is kept, validated and exported.
    """

    steps: int
    crops: int
    precision: str
    networks: dict[str, nn.Module]
    averaged: nn.Module

    def begin(self) -> dict[str, Any]:
        """Make ready a run that begins anew; return what the log should say of it."""

    def images(self) -> dict[str, int]:
        """Return how many images there are, by what they are for."""

    def division(self) -> dict[str, list[str]]:
        """Return the names of images that were divided for this run, by what they are for."""
        return {}

    def keep_division(self, was: Mapping[str, list[str]], warn: Warn) -> None:
        """Divide the images as they were when the run began.

        Parameters
        ----------
        was : mapping
            As :meth:`division` told it then; empty where it was not told.
        warn : callable
            Told where they are others today.
        """
        return

    def optimiser(self, name: str) -> torch.optim.Optimizer:
        """Return the optimiser of a network, at its full learning rate."""

    def rate(self, step: int) -> float:
        """Return the factor of the learning rate at a step, counted from 0."""

    def decay(self, step: int) -> float:
        """Return the share of the moving average that a step leaves as it was."""

    def batches(self) -> Draws[Any, B]:
        """Return what this process's batches are drawn from; a batch follows from its step."""

    def losses(self, batch: B, step: int, noise: torch.Generator) -> Iterator[Loss]:
        """Yield the loss of one network after the other.

        Parameters
        ----------
        batch : tuple of torch.Tensor
            Already on the device. In several processes, this process's slice. Losses are
            means over images, so that slices of one size average to the joined batch.
        step : int
            Steps done so far.
        noise : torch.Generator
            On the CPU; seeded by run, step and process.

        Yields
        ------
        Loss
            Of the network to step now.
        """

    def what_fits(self, attempt: Callable[[int], None]) -> str:
        """Return what to say when memory ran out; ``attempt`` takes the first so many rows."""

    def state(self) -> dict[str, Tensor]:
        """Return what else a checkpoint must keep to go on exactly."""

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Put back what :meth:`state` gave."""

    def watch(self, warn: Warn) -> None:
        """Lay out what is looked at in validation; the first process alone."""

    def validate(self, network: nn.Module, folder: Path, step: int) -> Validated | None:
        """Look at the averaged network.

        Parameters
        ----------
        network : torch.nn.Module
            The moving average.
        folder : pathlib.Path
            Of the run, for pictures.
        step : int
            Steps done.

        Returns
        -------
        Validated or None
            None where there is nothing to look at.
        """

    def export(self, network: nn.Module, folder: Path, step: int, figures: dict[str, Any]) -> Path:
        """Write the model as it stands, with its card.

        Parameters
        ----------
        network : torch.nn.Module
            The moving average.
        folder : pathlib.Path
            Of the run.
        step : int
            Steps done.
        figures : dict
            Of the last validation.

        Returns
        -------
        pathlib.Path
            Of the weights.
        """
