"""How estimated pixels came to be: written into every file and shown by every viewer."""

from __future__ import annotations

from typing import Any, Self

from pydantic import Field

from napari_dualgland.frozen import FrozenModel
from napari_dualgland.intervals import Reach


class Provenance(FrozenModel):
    """Everything that is needed to make the same fill again.

    Attributes
    ----------
    software, version : str
        The program and its version.
    model : str
        Name of the model.
    model_sha256 : str or None
        Hash of its weights file; None for a model without weights.
    options : dict
        The parameters as the person set them.
    seed : int
        Seed of everything random.
    device : str
        Where it was computed.
    precision : str
        ``bf16`` or ``fp32``: what the network computed in.
    date : str
        ISO 8601, UTC.
    source : str or None
        Name of the file that was read (never its folder, which may say too much).
    missing_fraction : dict
        From channel to the share of pixels that were filled, 0 to 1. Channels are called as in
        :attr:`.Stack.channel_keys`: by their names; the second of one name is ``name (2)``.
    reach : dict
        From channel, called so, to how far errors reach, in units of the stated uncertainty.
    notes : tuple of str
        What a reader must know: absent channels, fall-backs, smaller tiles.
    job : dict or None
        The run as :mod:`napari_dualgland.jobs` can do it again; None if it was no job.
    """

    software: str = "napari-dualgland"
    version: str
    model: str
    model_sha256: str | None = None
    options: dict[str, Any] = Field(default_factory=dict)
    seed: int = 0
    device: str = "cpu"
    precision: str = "fp32"
    date: str
    source: str | None = None
    missing_fraction: dict[str, float] = Field(default_factory=dict)
    reach: dict[str, Reach] = Field(default_factory=dict)
    notes: tuple[str, ...] = ()
    job: dict[str, Any] | None = None

    @classmethod
    def unknown(cls) -> Self:
        """Return what can be said of pixels that are marked as estimates and nothing more."""
        told = "how these pixels were filled is not told"
        return cls(version="unknown", model="unknown", date="unknown", notes=(told,))
