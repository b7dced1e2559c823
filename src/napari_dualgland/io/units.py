"""Units of length and time as files of microscopes spell them, in µm and seconds.

OME-XML knows them by symbol, OME-Zarr by name, ImageJ by whatever a person has typed; so the
table holds every symbol and every spelling of both, made of the prefixes of the SI. The exact
spelling counts first, for mm and Mm differ; another case is taken where it can mean one thing
alone.
"""

from __future__ import annotations

import html
import math
import re
import unicodedata
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

_PREFIXES = {
    **{"q": ("quecto", -30), "r": ("ronto", -27), "y": ("yocto", -24), "z": ("zepto", -21)},
    **{"a": ("atto", -18), "f": ("femto", -15), "p": ("pico", -12), "n": ("nano", -9)},
    **{"μ": ("micro", -6), "u": ("micro", -6), "m": ("milli", -3), "c": ("centi", -2)},
    **{"d": ("deci", -1), "": ("", 0), "da": ("deca", 1), "h": ("hecto", 2), "k": ("kilo", 3)},
    **{"M": ("mega", 6), "G": ("giga", 9), "T": ("tera", 12), "P": ("peta", 15)},
    **{"E": ("exa", 18), "Z": ("zetta", 21), "Y": ("yotta", 24), "R": ("ronna", 27)},
    "Q": ("quetta", 30),
}
_INCH = 25400.0
_OTHER_LENGTHS = {
    ("Å", "angstrom", "angstroms", "ångström", "ångströms", "ångstrom"): 1e-4,
    ("micron", "microns"): 1.0,
    ("in", "inch", "inches", '"', "″"): _INCH,
    ("ft", "foot", "feet"): 12 * _INCH,
    ("yd", "yard", "yards"): 36 * _INCH,
    ("mi", "mile", "miles"): 63360 * _INCH,
    ("thou", "mil", "mils"): _INCH / 1000,
    ("li", "line", "lines"): _INCH / 12,
    ("pt", "point", "points"): _INCH / 72,
    ("ua", "au", "astronomical unit", "astronomical units"): 1.495978707e17,
    ("ly", "light year", "light years", "lightyear", "lightyears"): 9.4607304725808e21,
    ("pc", "parsec", "parsecs"): 3.0856775814913673e22,
}
_OTHER_TIMES = {
    ("min", "mins", "minute", "minutes"): 60.0,
    ("h", "hr", "hrs", "hour", "hours"): 3600.0,
    ("d", "day", "days"): 86400.0,
}
_NO_UNIT = {
    *("", "pixel", "pixels", "px", "pel", "voxel", "voxels", "dot", "dots", "reference frame"),
    *("referenceframe", "none", "null", "unknown", "undefined", "n/a", "na"),
    *("arbitrary", "a.u", "no unit", "unitless", "dimensionless"),
}
_PER_PIXEL = re.compile(r"\s*(/|\bper\b)\s*(px|pixel|voxel)s?$", re.IGNORECASE)
_ESCAPE = re.compile(r"\\(?:[uU]0*|x)([0-9a-fA-F]{2,4})")


def _table(
    base: int,
    symbols: Iterable[str],
    names: Iterable[str],
    others: Mapping[tuple[str, ...], float],
) -> dict[str, float]:
    """Return the factor of every spelling; 10 ** ``base`` is that of the unit without a prefix."""
    factors = {word: factor for words, factor in others.items() for word in words}
    for symbol, (prefix, power) in _PREFIXES.items():
        factor = float(f"1e{base + power}")
        factors |= {symbol + unit: factor for unit in symbols}
        spelt = ("deca", "deka") if prefix == "deca" else (prefix,)
        factors |= {p + name + s: factor for p in spelt for name in names for s in ("", "s")}
    return factors


_MICROMETRES = _table(6, ("m",), ("meter", "metre"), _OTHER_LENGTHS)
_SECONDS = _table(0, ("s", "sec"), ("second",), _OTHER_TIMES) | {"secs": 1.0}


def micrometres(value: Any, unit: Any) -> float | None:
    """Return a length in µm; None where the unit is unknown or the length is not positive.

    Parameters
    ----------
    value : object
        A number, or text that is one.
    unit : object
        Text; None where the file names none.

    Returns
    -------
    float or None
        µm.
    """
    return _scaled(value, _factor(_MICROMETRES, unit))


def seconds(value: Any, unit: Any) -> float | None:
    """Return a time in seconds; None where the unit is unknown or the time is not positive.

    Parameters
    ----------
    value : object
        A number, or text that is one.
    unit : object
        Text; None where the file names none.

    Returns
    -------
    float or None
        s.
    """
    return _scaled(value, _factor(_SECONDS, unit))


def is_no_unit(unit: Any) -> bool:
    """Whether a file says by this that it knows no unit: nothing, or pixels."""
    return _plain(unit).casefold() in _NO_UNIT


def number(value: Any) -> float | None:
    """Return what is a number, or text that is one; None for all else, and for NaN."""
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return None if math.isnan(found) else found


def _factor(table: Mapping[str, float], unit: Any) -> float | None:
    text = _plain(unit)
    if text in table:
        return table[text]
    alike = {factor for word, factor in table.items() if word.casefold() == text.casefold()}
    return alike.pop() if len(alike) == 1 else None


def _plain(unit: Any) -> str:
    """Return a unit with its letters as they were meant, each in one of its code points."""
    text = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), str(unit or ""))
    text = html.unescape(text)
    with suppress(UnicodeError):  # "Âµm" is "µm" whose UTF-8 was read as Latin-1
        text = text.encode("latin-1").decode()
    text = " ".join(unicodedata.normalize("NFKC", text).replace("_", " ").split())
    return _PER_PIXEL.sub("", text.strip("()[]. ")).strip("()[]. ")


def _scaled(value: Any, factor: float | None) -> float | None:
    found = number(value)
    if found is None or factor is None or not (0 < found < math.inf):
        return None
    scaled = found if factor == 1.0 else found * factor
    return scaled if 0 < scaled < math.inf else None
