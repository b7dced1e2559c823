"""The exposure of a channel that was never recorded: its levels spread over the dtype.

Nobody can know how bright it would have been, and that of its neighbours leaves an estimate, which
is a mean and therefore flat, a handful of grey levels: two dozen of 256, five from the nucleus
alone. So some windows are filled first, and what they hold, from the darkest to the brightest but
for a thousandth at either end, is laid over the bits that the other channels use, eight at least.
Intensities of such a channel are relative, and the result says so. Floating point keeps every
level at any exposure and is left in the units of the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from napari_dualgland.imputation.calibration.calibration import Calibration
from napari_dualgland.imputation.masks import HiddenMasks
from napari_dualgland.imputation.normalise import Normalisation
from napari_dualgland.imputation.statistics import StackStatistics, windows_in
from napari_dualgland.imputation.tiling.boxes import Box
from napari_dualgland.imputation.tiling.frame import Frame
from napari_dualgland.imputation.tiling.window import ask, shown
from napari_dualgland.model.evidence import gather_evidences
from napari_dualgland.model.filler import Filler
from napari_dualgland.typing import AnyArray, BoolArray, Float32Array

WINDOWS = 6
"""That are filled to see what comes out."""

TAIL = 0.1
"""Per cent of the pixels at either end that may be cut off."""

LEAST_BITS = 8


def exposed(
    statistics: StackStatistics,
    absent: Sequence[int],
    hidden: HiddenMasks,
    filler: Filler,
    calibration: Calibration,
) -> StackStatistics:
    """Return statistics in which absent channels have an exposure of their own.

    Parameters
    ----------
    statistics : StackStatistics
        In which they have that of their neighbours.
    absent : sequence of int
        Their numbers in the order of ROLES.
    hidden : HiddenMasks
        What must not be looked at, and the frames that it belongs to.
    filler : Filler
        The model.
    calibration : Calibration
        How far to follow it.

    Returns
    -------
    StackStatistics
    """
    dtype = hidden.frames.dtype
    if dtype.kind == "f":
        return statistics
    means = [
        _estimate(image, missing, statistics, filler, calibration)
        for image, missing in windows_in(hidden, WINDOWS)
        if not missing.all()
    ]
    offset, scale = statistics.normalisation.offset.copy(), statistics.normalisation.scale.copy()
    bottom, top = _range(statistics, absent, dtype)
    for channel in absent:
        low, high = np.percentile(
            np.concatenate([mean[channel].ravel() for mean in means]), [TAIL, 100 - TAIL]
        )
        if high - low < 1e-6:  # the model knows nothing of it, and says so
            continue
        scale[channel] = (top - bottom) / (high - low)
        offset[channel] = bottom - low * scale[channel]
    return replace(statistics, normalisation=Normalisation(offset, scale))


def _range(
    statistics: StackStatistics, absent: Sequence[int], dtype: np.dtype[Any]
) -> tuple[float, float]:
    """Return the lowest and the highest value of the bits that recorded channels use."""
    kept = statistics.normalisation
    recorded = [i for i in range(len(kept.offset)) if i not in absent]
    brightest = max(float(kept.offset[i] + kept.scale[i]) for i in recorded)
    bits = max(LEAST_BITS, int(np.ceil(np.log2(max(2.0, brightest + 1)))))
    return 0.0, float(min(2.0**bits - 1, np.iinfo(dtype).max))


@torch.no_grad()
def _estimate(
    image: AnyArray,
    missing: BoolArray,
    statistics: StackStatistics,
    filler: Filler,
    calibration: Calibration,
) -> Float32Array:
    """Return what is made of one window by itself, (4, h, w), normalised."""
    unit = statistics.normalisation.shown(image, missing)
    height, width = missing.shape[1:]

    def read(box: Box) -> Float32Array:
        return unit[(slice(None), *box.slices)]

    side = max(height, width)
    frame = Frame(read, missing, filler, statistics.beta, side, deep=False)
    window = frame.window(Box(0, height, 0, width))
    evidence = gather_evidences([shown([window], statistics.beta, filler.device)])[0]
    mean, _ = calibration.apply(evidence, ask([window], evidence, filler))
    found: Float32Array = mean[0, :, :height, :width].float().cpu().numpy()
    return found
