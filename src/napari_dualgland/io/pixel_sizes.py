"""The one door through which pixel sizes and time steps come in, whatever says them.

What no light microscope has, and what is not understood, is left out: then the size is unknown,
which a person is told and can put right, and no area of 10⁸ µm² is ever computed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from napari_dualgland.io.units import is_no_unit, micrometres, number, seconds
from napari_dualgland.pixel_size import ODD_RATIO, PixelSize, plausible

Said = tuple[Any, Any]
"""A number and its unit, as they stand there."""


def believed(source: str, said: Mapping[str, Said]) -> tuple[PixelSize | None, tuple[str, ...]]:
    """Return what can be believed of a pixel size, and what a person must know of the rest.

    Parameters
    ----------
    source : str
        Who says it, such as ``the OME-XML``.
    said : mapping of str to tuple
        By axis (Y, X, Z), the number and its unit as they stand there. An axis of which nothing
        is said is left out, or its number is None.

    Returns
    -------
    size : PixelSize or None
        None where Y or X is not known.
    notes : tuple of str
        What was said and left out.
    """
    lengths: dict[str, float] = {}
    odd: dict[str, list[str]] = {}
    for axis in "YXZ":
        value, unit = said.get(axis, (None, None))
        if value is None:
            continue
        length = micrometres(value, unit)
        why = _why_not(axis, value, unit, length)
        if length is not None and why is None:
            lengths[axis] = length
        elif why:
            odd.setdefault(why, []).append(axis)
    notes = [f"{source} says {why} along {' and '.join(axes)}" for why, axes in odd.items()]
    y, x = lengths.get("Y"), lengths.get("X")
    if y is None or x is None:
        if lengths.keys() & {"Y", "X"} and not notes:
            notes.append(f"{source} gives the pixel size along {'Y' if x is None else 'X'} alone")
        if notes:
            notes[-1] += "; the pixel size is taken as unknown"
        return None, tuple(notes)
    if max(y, x) > ODD_RATIO * min(y, x):
        notes.append(f"{source} says pixels of {y:g} × {x:g} µm, far from square; check that")
    return PixelSize(y, x, lengths.get("Z")), tuple(notes)


def believed_step(source: str, said: Said) -> tuple[float | None, tuple[str, ...]]:
    """Return the seconds between frames, and a note where what is said is not understood.

    Parameters
    ----------
    source : str
        Who says it.
    said : tuple
        The number and its unit as they stand there; the number None where nothing is said.

    Returns
    -------
    step : float or None
        s.
    notes : tuple of str
    """
    step = seconds(*said)
    # 0 is what many programs write where there is one frame.
    if step is not None or number(said[0]) in (None, 0.0, 1.0) or is_no_unit(said[1]):
        return step, ()
    return None, (f"{source} says {_spelt(*said)} between frames, which is not understood",)


def _why_not(axis: str, value: Any, unit: Any, length: float | None) -> str | None:
    """Return why a length is not taken; None where it is, empty where nothing was said."""
    if length is not None:
        if plausible(axis, length):
            return None
        in_um = "" if _spelt(value, unit) == f"{length:.5g} µm" else f" ({length:.5g} µm)"
        return f"pixels of {_spelt(value, unit)}{in_um}, which no light microscope has,"
    if is_no_unit(unit):
        return "" if number(value) == 1 else f"pixels of {_spelt(value, '')} without a unit"
    return f"pixels of {_spelt(value, unit)}, which is no length,"


def _spelt(value: Any, unit: Any) -> str:
    """Return what was said, short and on one line, for files say all sorts of things."""
    found = number(value)
    words = f"{found:.5g}" if found is not None else repr(str(value)[:20])
    return " ".join(f"{words} {str(unit or '')[:30]}".split())
