"""How far measurements are off, and how sure that is: medians over fields, with intervals."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from dualgland_training.evaluate.measurements.measuring import (
    INTENSITIES,
    Measured,
    found_again,
    lost_shares,
)
from napari_dualgland.localization.damage import DAMAGED
from napari_dualgland.typing import AnyArray, BoolArray, Float64Array

DRAWS = 2000
"""Of a bootstrap."""

FAINTEST = 1.0
"""Grey levels: of a mean that is less in the undamaged field no relative error is made."""

AGAIN = " found again"


class Error(NamedTuple):
    """One figure of one damaged field: its error, and with its sign; relative, 1 is 100 %."""

    field: str
    size: float
    signed: float


def of_field(found: Measured, true: Measured) -> dict[str, tuple[float, float]]:
    """Return the errors of the figures of a field, places as they were found in each.

    Parameters
    ----------
    found, true : Measured
        As it was measured, and undamaged.

    Returns
    -------
    dict
        Figure → error and signed error, relative; of what was found again, F1 twice.
    """
    errors = {}
    for name, right in true.whole.items():
        known = right >= FAINTEST if name in INTENSITIES else right > 0
        off = found.whole[name] / right - 1 if known else float("nan")
        errors[name] = (abs(off), off)
    for what in ("nuclei", "cells"):
        score = found_again(getattr(found.places, what), getattr(true.places, what))
        errors[what + AGAIN] = (score, score)
    return errors


def of_cells(found: Measured, true: Measured, missing: BoolArray) -> dict[str, tuple[float, float]]:
    """Return the errors of intensities over the nuclei and cells that were hit, places the same.

    Parameters
    ----------
    found, true : Measured
        As it was measured, and undamaged, in the same places.
    missing : numpy.ndarray
        (4, Y, X) boolean: what the damage took.

    Returns
    -------
    dict
        Intensity → medians over the cells of error and signed error, relative; NaN where none
        was hit.
    """
    share, errors = lost_shares(missing, true.places), {}
    for name in INTENSITIES:
        right, said = true.intensities[name], found.intensities[name]
        kept = (share(name) > DAMAGED) & (right >= FAINTEST) & np.isfinite(said)
        off = said[kept] / right[kept] - 1
        size, signed = (float(np.median(x)) if x.size else np.nan for x in (np.abs(off), off))
        errors[name] = (size, signed)
    return errors


def summary(errors: Iterable[Error]) -> dict[str, float]:
    """Return medians over fields and seeds, with 95 % bootstrap intervals over fields.

    Fields are drawn whole, at all their scales and with all their seeds: what befell one field
    is no evidence of another.

    Parameters
    ----------
    errors : iterable of Error
        NaNs are left out.

    Returns
    -------
    dict
        ``median``, ``low``, ``high`` of the error; ``bias``, ``bias_low``, ``bias_high`` of the
        signed one; ``images`` and ``fields``.
    """
    kept = [error for error in errors if np.isfinite(error.size)]
    names = sorted({error.field for error in kept})
    if not kept:
        return {"images": 0, "fields": 0}
    groups = [np.array([e[1:] for e in kept if e.field == name]) for name in names]
    rng = np.random.default_rng(0)
    drawn = np.array([_median(groups, rng.integers(0, len(names), len(names)))
                      for _ in range(DRAWS)])  # fmt: skip
    (low, bias_low), (high, bias_high) = np.percentile(drawn, [2.5, 97.5], axis=0).tolist()
    median, bias = _median(groups, np.arange(len(names))).tolist()
    return {
        "median": median,
        "low": low,
        "high": high,
        "bias": bias,
        "bias_low": bias_low,
        "bias_high": bias_high,
        "images": len(kept),
        "fields": len(names),
    }


def _median(groups: list[Float64Array], which: AnyArray) -> Float64Array:
    return np.asarray(np.median(np.concatenate([groups[int(i)] for i in which]), axis=0))
