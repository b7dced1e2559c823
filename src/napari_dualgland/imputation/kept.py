"""What a run has estimated so far, kept by name, so that one that was killed can go on."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from torch import Tensor, nn

from napari_dualgland.typing import Float32Array


class Shelf(Protocol):
    """Where arrays outlive the process."""

    def begin(self, facts: str, tiles: int) -> int:
        """Open the shelf for one run; return how much of it is there already.

        Parameters
        ----------
        facts : str
            Tells this run from every other one; what others have left is no use to it.
        tiles : int
            That are to be filled: a short run keeps nothing.

        Returns
        -------
        int
        """
        ...

    def get(self, name: str) -> Float32Array | None:
        """Return (R, N) numbers as they were put; None if they are not there, or damaged."""
        ...

    def put(self, name: str, values: Float32Array) -> None:
        """Keep (R, N) numbers.

        Parameters
        ----------
        name : str
        values : numpy.ndarray
        """
        ...


@dataclass(frozen=True)
class Kept:
    """A part of a shelf, or none.

    Attributes
    ----------
    shelf : Shelf or None
        None: nothing is kept.
    within : tuple of str
        In which part of the run all names lie.
    """

    shelf: Shelf | None = None
    within: tuple[str, ...] = ()

    def part(self, name: str) -> Kept:
        """Return what is kept of a part of the run."""
        return Kept(self.shelf, (*self.within, name))

    def get(self, name: str) -> Float32Array | None:
        """Return what is kept under a name, if it is."""
        return None if self.shelf is None else self.shelf.get("/".join((*self.within, name)))

    def put(self, name: str, values: Float32Array) -> None:
        """Keep (R, N) numbers.

        Parameters
        ----------
        name : str
        values : numpy.ndarray
            float32.
        """
        if self.shelf is not None:
            self.shelf.put("/".join((*self.within, name)), values)


def fingerprint(*told: Any) -> str:
    """Return a hash of numbers, arrays, tensors, networks, texts and what is made of them."""
    found = hashlib.sha256()

    def take(value: Any) -> None:
        if isinstance(value, nn.Module):
            value = value.state_dict() | {k: v for k, v in vars(value).items() if k == "unit"}
        if isinstance(value, Tensor):
            value = value.detach().cpu().numpy()
        if isinstance(value, np.ndarray):
            found.update(f"{value.dtype.str}{value.shape}".encode())
            found.update(np.ascontiguousarray(value).data)
        elif isinstance(value, Mapping):
            take(sorted(value.items()))
        elif isinstance(value, list | tuple):
            found.update(f"{len(value)} of ".encode())
            for item in value:
                take(item)
        elif hasattr(value, "__dict__"):
            take(vars(value))
        else:
            found.update(f"{type(value).__name__} {value!r};".encode())

    take(told)
    return found.hexdigest()
