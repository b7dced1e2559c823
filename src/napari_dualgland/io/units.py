"""Lengths and times of microscopy files, in µm and seconds; what is not known stays None."""

from __future__ import annotations

import math
from typing import Any

_MICROMETRES = {
    "m": 1e6,
    "cm": 1e4,
    "mm": 1e3,
    "µm": 1.0,
    "nm": 1e-3,
    "pm": 1e-6,
    "å": 1e-4,
    "in": 25400.0,
    "um": 1.0,
    "micron": 1.0,
    "microns": 1.0,
    "micrometer": 1.0,
    "micrometers": 1.0,
    "micrometre": 1.0,
    "nanometer": 1e-3,
    "picometer": 1e-6,
    "angstrom": 1e-4,
    "centimeter": 1e4,
    "meter": 1e6,
    "millimeter": 1e3,
    "inch": 25400.0,
}
_SECONDS = {
    "s": 1.0,
    "sec": 1.0,
    "second": 1.0,
    "seconds": 1.0,
    "ms": 1e-3,
    "millisecond": 1e-3,
    "microsecond": 1e-6,
    "minute": 60.0,
    "msec": 1e-3,
    "µs": 1e-6,
    "us": 1e-6,
    "ns": 1e-9,
    "nanosecond": 1e-9,
    "min": 60.0,
    "h": 3600.0,
    "hour": 3600.0,
    "d": 86400.0,
    "day": 86400.0,
}
_PLAUSIBLE = (1e-3, 10.0)
"""µm per pixel of a microscope. TIFF and PNG writers put 72 dpi (353 µm) where nobody knows."""


def micrometres(value: Any, unit: str | None) -> float | None:
    """Return a length in µm; None where the unit is unknown or the length is not positive.

    Parameters
    ----------
    value : object
        A number, or text that is one.
    unit : str or None

    Returns
    -------
    float or None
        µm.
    """
    return _scaled(value, _MICROMETRES.get(_plain(unit)))


def seconds(value: Any, unit: str | None) -> float | None:
    """Return a time in seconds; None where the unit is unknown or the time is not positive.

    Parameters
    ----------
    value : object
        A number, or text that is one.
    unit : str or None

    Returns
    -------
    float or None
        s.
    """
    return _scaled(value, _SECONDS.get(_plain(unit)))


def plausible(size: float | None) -> bool:
    """Whether a pixel size in µm can come from a microscope and not from a printer."""
    return size is not None and _PLAUSIBLE[0] <= size <= _PLAUSIBLE[1]


def _plain(unit: str | None) -> str:
    # The two code points for µ, and ImageJ's escape, mean the same.
    text = (unit or "").strip().replace("\\u00B5", "µ").replace("μ", "µ")
    return text if text in _MICROMETRES or text in _SECONDS else text.lower()


def _scaled(value: Any, factor: float | None) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    if factor is None or not math.isfinite(number) or number <= 0:
        return None
    return number if factor == 1.0 else number * factor
