"""Calibrate a model on the image at hand, under copies of its own holes.

What a network has learned elsewhere need not hold for this antibody, cell line or
microscope. So observed pixels are held out under copies of the stack's own holes, and
filled. That tells, per channel, how far to follow the model's departure from the secretory
prior, how far to follow what was learned inside the image, and how the stated standard
deviation compares with the errors that remain. Missing pixels take no part.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence

import numpy as np
import torch
from torch import Tensor

from napari_dualgland.imputation.calibration.assessment import Assessment, assess
from napari_dualgland.imputation.calibration.calibration import Calibration, uncalibrated
from napari_dualgland.imputation.calibration.correction import Corrector
from napari_dualgland.imputation.calibration.errors import HoldoutErrors, fill_holdouts, joined
from napari_dualgland.imputation.calibration.holdout import (
    SIDE,
    SIDE_DEEP,
    HoldoutWindow,
    holdout_windows,
    pixels_of,
)
from napari_dualgland.imputation.calibration.kriging import Kriging, rooted
from napari_dualgland.imputation.calibration.learning import learn
from napari_dualgland.imputation.calibration.rehearsed import RehearsedFills
from napari_dualgland.imputation.masks import HiddenMasks
from napari_dualgland.imputation.statistics import StackStatistics
from napari_dualgland.imputation.tiling.boxes import bands
from napari_dualgland.imputation.tiling.coarse import has_deep_hole
from napari_dualgland.model.filler import Filler
from napari_dualgland.progress import Course
from napari_dualgland.stack import ROLES
from napari_dualgland.typing import AnyArray

PIXELS = 16 * 160**2
"""Pixels of all windows that are checked, at most."""

PIXELS_LEARNING = 96 * 160**2
"""Pixels of all windows that are learned from and checked, at most."""

WORTH = 400
"""Pixels of windows that one missing pixel is worth: a speck is not worth a minute."""


def calibrate_steps(
    hidden: HiddenMasks,
    statistics: StackStatistics,
    filler: Filler,
    seed: int,
    adapt: bool = False,
    should_stop: Callable[[], bool] = lambda: False,
    course: Course | None = None,
    keep: RehearsedFills | None = None,
) -> Generator[str, None, Calibration]:
    """Fill held-out pixels where the truth is known, learn, and compare.

    Parameters
    ----------
    hidden : HiddenMasks
        What must not be looked at, and the frames that it belongs to.
    statistics : StackStatistics
        Exposure and couplings.
    filler : Filler
        The model.
    seed : int
        Decides which holes are laid where, and what is random in learning.
    adapt : bool
        Whether to learn inside the image, where the model tells features.
    should_stop : callable
        Asked between batches of windows and between steps of learning; then nothing is
        calibrated.
    course : Course, optional
        Is told how far ``rehearsing`` and ``learning`` are.
    keep : RehearsedFills, optional
        Keeps the fills themselves, for texture to be taken from.

    Yields
    ------
    str
        What is being done, for people.

    Returns
    -------
    Calibration
    """
    course = course or Course(rehearsing=1, learning=1)
    adapt = adapt and filler.learns
    deep, missing = False, 0
    every_hole = [hidden.holes(frame) for frame in range(len(hidden))]
    for mask, holes in zip(hidden, every_hole, strict=True):
        deep = deep or has_deep_hole(mask)
        for band in bands(mask.shape):
            missing += int(holes[(slice(None), *band.slices)].any(0).sum())
    # A window must hold a hole with its rim, and be filled as the frame itself will be.
    side = SIDE_DEEP if deep else SIDE
    # Counted in pixels and not in tiles, or the size of a tile would show.
    most = PIXELS_LEARNING if adapt else PIXELS
    count = min(most // side**2, 1 + missing * WORTH // side**2)
    windows = list(holdout_windows(hidden, every_hole, count, side, np.random.default_rng(seed)))
    pixels = pixels_of(windows, hidden.frames)
    kriging = _kriging(windows, pixels, statistics) if adapt and windows else None
    found: list[list[HoldoutErrors]] = [[] for _ in ROLES]
    number = 0
    for batch in fill_holdouts(windows, pixels, statistics, filler, deep, kriging, seed, keep):
        for window in batch:
            number += 1
            for kept, errors in zip(found, window, strict=True):
                kept += [] if errors is None else [errors]
            course.at("rehearsing", number / count)
            yield f"rehearsing on this image, window {number} of {count}"
        if should_stop():
            return uncalibrated()
    assessed = [Assessment()] * len(ROLES)
    correctors: dict[int, Corrector] = {}
    checked = 0
    for channel, parts in enumerate(found):
        if not parts:
            continue
        every = joined(parts)
        if every.features is not None:
            course.at("learning", channel / len(ROLES))
            yield f"learning from this image: {ROLES[channel]}"
            learned = learn(every, seed, filler.device, should_stop)
            if learned is not None:
                correctors[channel] = learned
        dtype = hidden.frames.dtype
        stored = _stored(statistics, channel, dtype)
        rounded = np.issubdtype(dtype, np.integer)
        step = 1 / float(statistics.normalisation.scale[channel]) if rounded else 0.0
        assessed[channel] = assess(every, correctors.get(channel), stored, step)
        checked += len(every.error)
    return Calibration(
        torch.tensor([a.model_weight for a in assessed]),
        torch.tensor([a.sigma_factor for a in assessed]),
        checked,
        correctors,
        torch.tensor([a.correction_weight for a in assessed]),
        tuple(a.reach for a in assessed),
        kriging if correctors else None,
    )


def _kriging(
    windows: Sequence[HoldoutWindow], pixels: Sequence[AnyArray], statistics: StackStatistics
) -> Kriging:
    """Return how pixels hang together in the windows, what was held out included."""
    shown = statistics.normalisation.shown
    return Kriging.of(
        (rooted(torch.from_numpy(shown(image, window.missing))), torch.from_numpy(window.missing))
        for window, image in zip(windows, pixels, strict=True)
    )


def _stored(
    statistics: StackStatistics, channel: int, dtype: np.dtype[np.generic]
) -> Callable[[Tensor], Tensor]:
    """Return what brings normalised estimates to what a stack will hold, normalised."""
    offset = statistics.normalisation.offset[channel]
    scale = statistics.normalisation.scale[channel]
    return lambda x: torch.from_numpy(
        (statistics.stored(x.numpy(), channel, dtype).astype(np.float64) - offset) / scale
    )
