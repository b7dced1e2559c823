"""What fills lack: measured pixels less their estimate, where holes were laid for rehearsing.

The fills of a rehearsal are kept as they were made, until it is known how far each part of them is
followed; then what was measured there, less the estimate as a stack would hold it, is the texture
that a fill of this very image lacks. Missing pixels take no part.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from napari_dualgland.imputation.calibration.calibration import Calibration
from napari_dualgland.imputation.calibration.holdout import HoldoutWindow
from napari_dualgland.imputation.statistics import StackStatistics
from napari_dualgland.model.evidence import Evidence
from napari_dualgland.model.filler import Fill
from napari_dualgland.typing import BoolArray, Float32Array

ENOUGH = 120_000
"""Held-out pixels, any channel: more of them make no better texture, and are not kept."""


class Residual(NamedTuple):
    """What the fill of a window lacked; (4, h, w) each, normalised.

    Attributes
    ----------
    held_out : numpy.ndarray
        Boolean: measured, and filled as if missing.
    missing : numpy.ndarray
        Boolean: truly missing.
    estimate : numpy.ndarray
        The window with both filled, as a stack holds it.
    lacking : numpy.ndarray
        What was measured less the estimate where held out, 0 elsewhere.
    """

    held_out: BoolArray
    missing: BoolArray
    estimate: Float32Array
    lacking: Float32Array


class RehearsedFills:
    """Fills of held-out pixels, batch by batch, as far as they are worth keeping."""

    def __init__(self) -> None:
        self._batches: list[
            tuple[Sequence[HoldoutWindow], Sequence[Float32Array], Evidence, Fill]
        ] = []
        self._pixels = 0

    def add(
        self,
        windows: Sequence[HoldoutWindow],
        units: Sequence[Float32Array],
        evidence: Evidence,
        said: Fill,
    ) -> None:
        """Keep a batch, unless there are enough.

        Parameters
        ----------
        windows : sequence of HoldoutWindow
            B of one size.
        units : sequence of numpy.ndarray
            (4, h, w) each: their pixels, normalised.
        evidence : Evidence
            What was shown, (B, 4, H, W) each.
        said : Fill
            What the model made of it.
        """
        if self._pixels < ENOUGH:
            self._batches.append((windows, units, evidence, said))
            self._pixels += sum(int(w.held_out.any(0).sum()) for w in windows)

    @torch.no_grad()
    def residuals(
        self, calibration: Calibration, statistics: StackStatistics, dtype: np.dtype[Any]
    ) -> Iterator[Residual]:
        """Tell what the fills lack, one after the other, and let go of them.

        Parameters
        ----------
        calibration : Calibration
            How far they are followed.
        statistics : StackStatistics
            Brings them to what a stack holds.
        dtype : numpy.dtype
            Of the stack.

        Yields
        ------
        Residual
            By window.
        """
        while self._batches:
            windows, units, evidence, said = self._batches.pop(0)
            mean, _ = calibration.apply(evidence, said)
            for number, (window, unit) in enumerate(zip(windows, units, strict=True)):
                hidden = window.held_out | window.missing
                at = (number, slice(None), slice(hidden.shape[1]), slice(hidden.shape[2]))
                filled = statistics.as_stored(mean[at].float().cpu().numpy(), dtype)
                estimate = np.where(hidden, filled, unit)
                lacking = np.where(window.held_out, unit - estimate, 0)
                yield Residual(window.held_out, window.missing, estimate, lacking)
        self._pixels = 0
