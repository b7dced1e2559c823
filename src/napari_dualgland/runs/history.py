"""What a run has told, as curves: grown event by event, thinned before it is drawn."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from napari_dualgland.runs.folder import State
from napari_dualgland.typing import Float64Array

TERMS = {
    "SG": ("generator", "salivary"),
    "PG": ("generator", "pituitary"),
    "adversarial": ("texture", "adversarial"),
}
"""What is drawn of the losses, by what it is called: the network and its term."""

VALIDATION = ("model", "prior", "shipped model")
"""PSNR in dB, mean over the sets of images and the kinds of damage of a validation."""

_ROWS = dict(zip(("generator", "prior", "reference"), VALIDATION, strict=True))


@dataclass
class Curve:
    """Values by step, in rising order of steps."""

    steps: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    def add(self, step: int, value: Any) -> None:
        """Append a value, unless it is none.

        Parameters
        ----------
        step : int
        value : object
            Of JSON.
        """
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            self.steps.append(step)
            self.values.append(float(value))

    def cut(self, step: int) -> None:
        """Forget what came after a step: a killed run tells it again."""
        kept = bisect_right(self.steps, step)
        del self.steps[kept:], self.values[kept:]

    def thinned(self, most: int) -> tuple[Float64Array, Float64Array]:
        """Return steps and values as so many points at most, each the mean of as many values."""
        steps, values = np.array(self.steps, float), np.array(self.values, float)
        if len(steps) <= most:
            return steps, values
        bounds = np.linspace(0, len(steps), most, endpoint=False).astype(int)
        counts = np.diff([*bounds, len(steps)])
        return np.add.reduceat(steps, bounds) / counts, np.add.reduceat(values, bounds) / counts


@dataclass
class History:
    """All that a run has told.

    Attributes
    ----------
    step, steps : int
        Done, and in all; 0 as long as it is not known.
    speed : float
        Steps in a second; 0 as long as it is not known.
    images : dict
        How many there are in each part of the split.
    curves : dict
        By the names of :data:`TERMS` and :data:`VALIDATION`.
    picture : str
        The latest sheet of samples, seen from the run's folder; empty where there is none.
    warnings : list of str
        Each once.
    ended : State or None
        How it has ended, as far as it could tell.
    failure : str
        Why it has ended before its time.
    model : str
        File of the finished model.
    """

    step: int = 0
    steps: int = 0
    speed: float = 0.0
    images: dict[str, int] = field(default_factory=dict)
    curves: dict[str, Curve] = field(
        default_factory=lambda: {name: Curve() for name in (*TERMS, *VALIDATION)}
    )
    picture: str = ""
    warnings: list[str] = field(default_factory=list)
    ended: State | None = None
    failure: str = ""
    model: str = ""

    @property
    def seconds_left(self) -> float | None:
        """How long it will still take; None as long as nobody knows."""
        return (self.steps - self.step) / self.speed if self.speed > 0 and self.steps else None

    @property
    def ahead(self) -> float | None:
        """How far the network was ahead of the prior at the last validation, dB."""
        model, prior = (self.curves[name].values for name in ("model", "prior"))
        return model[-1] - prior[-1] if model and prior else None

    def take(self, event: Mapping[str, Any]) -> None:
        """Take in one event of the log."""
        step = event["step"]
        if "started" in event:
            self._start(event["started"], step)
        self.step = max(self.step, step)
        losses = event.get("losses", {})
        for name, (network, term) in TERMS.items():
            self.curves[name].add(step, losses.get(network, {}).get(term))
        self.speed = event.get("steps_per_second") or self.speed
        if "validation" in event:
            self._validate(step, event["validation"])
        self.picture = event.get("pictures") or self.picture
        warning = event.get("warning")
        if warning and warning not in self.warnings:
            self.warnings.append(warning)
        for word, state in (
            ("stopped", State.STOPPED),
            ("failed", State.BROKEN),
            ("finished", State.FINISHED),
        ):
            if event.get(word):
                self.ended = state
        self.failure = event.get("failed") or self.failure
        self.model = event.get("finished") or self.model

    def _start(self, told: Mapping[str, Any], step: int) -> None:
        self.ended, self.failure = None, ""
        self.step = step
        for curve in self.curves.values():
            curve.cut(step)
        self.images = told.get("images", {})
        config = told.get("config", {})
        self.steps = config.get("steps") or config.get("drawn", {}).get("steps", 0)

    def _validate(self, step: int, table: Mapping[str, Any]) -> None:
        chosen_by = [cases for name, cases in table.items() if name.startswith("validation")]
        rows = [row for cases in chosen_by for row in cases.values() if isinstance(row, Mapping)]
        for key, name in _ROWS.items():
            values = [row[key] for row in rows if isinstance(row.get(key), (int, float))]
            if values:
                self.curves[name].add(step, sum(values) / len(values))
