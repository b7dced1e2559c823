"""Units of length and time: every one that OME and OME-Zarr know, however people spell them."""

from __future__ import annotations

import math

import pint
import pytest
from ome_types.model import UnitsLength, UnitsTime
from ome_types.units import ureg

from napari_dualgland.io.units import is_no_unit, micrometres, seconds

NO_LENGTH = {"pixel", "reference frame"}
SI = "atto centi deci exa femto giga hecto kilo mega micro milli nano peta pico tera yocto yotta"
SI_OF_ZARR = [*SI.split(), "zepto", "zetta"]
NGFF_LENGTHS = [f"{prefix}meter" for prefix in SI_OF_ZARR]
NGFF_LENGTHS += ["angstrom", "foot", "inch", "meter", "mile", "parsec", "yard"]
NGFF_TIMES = [f"{prefix}second" for prefix in SI_OF_ZARR] + ["day", "hour", "minute", "second"]


def oracle(word: str, base: str) -> float:
    """Return what pint, with the units of OME, knows of a unit."""
    # OME's li is a twelfth of an inch and its pt a 72nd; pint has a surveyor's link and a pint.
    number, known = {"li": (1 / 12, "inch"), "pt": (1 / 72, "inch")}.get(word, (1.0, word))
    return float(ureg.Quantity(number, known).to(base).magnitude)


@pytest.mark.parametrize("unit", sorted({u.value for u in UnitsLength} - NO_LENGTH) + NGFF_LENGTHS)
def test_every_length_of_ome_and_zarr(unit: str) -> None:
    assert micrometres(1.0, unit) == pytest.approx(oracle(unit, "micrometer"), rel=1e-6)


@pytest.mark.parametrize("unit", sorted(u.value for u in UnitsTime) + NGFF_TIMES)
def test_every_time_of_ome_and_zarr(unit: str) -> None:
    assert seconds(1.0, unit) == pytest.approx(oracle(unit, "second"), rel=1e-9)


@pytest.mark.parametrize("prefix", [*SI_OF_ZARR, "deca"])
def test_prefixes_have_two_spellings_and_a_plural(prefix: str) -> None:
    expected = pint.UnitRegistry().Quantity(1.0, f"{prefix}meter").to("micrometer").magnitude
    for name in ("meter", "metre", "meters", "metres"):
        for word in (prefix + name, (prefix + name).capitalize(), (prefix + name).upper()):
            assert micrometres(1.0, word) == pytest.approx(expected), word
    assert seconds(1.0, f"{prefix}seconds") == pytest.approx(expected / 1e6)


@pytest.mark.parametrize(
    "unit",
    [
        *("um", "µm", "μm", "UM", "Um", "micron", "Microns", "\\u00B5m", "\\u00b5m", "\\xb5m"),
        *(" µm ", "[µm]", "(micron)", "µm/pixel", "microns per pixel", "µm/px", "Âµm", "Î¼m"),
        *("&micro;m", "&#181;m", "㎛", "um.", "MICROMETRE"),
    ],
)
def test_a_micrometre_is_spelt_in_many_ways(unit: str) -> None:
    assert micrometres(0.08, unit) == 0.08


def test_case_counts_where_it_changes_the_meaning() -> None:
    assert micrometres(1, "mm") == 1e3
    assert micrometres(1, "Mm") == 1e12
    assert micrometres(1, "pm") == 1e-6
    assert micrometres(1, "Pm") == 1e21
    assert (seconds(1, "ms"), seconds(1, "Ms")) == (1e-3, 1e6)
    for word in ("MM", "PM", "ZM", "YM"):
        assert micrometres(1, word) is None, word
    assert (micrometres(1, "NM"), micrometres(1, "CM"), seconds(1, "USEC")) == (1e-3, 1e4, 1e-6)


@pytest.mark.parametrize("unit", ["furlong", "kg", "s", "m m", "m²", "µ", "um^2", "10 µm", "é"])
def test_what_is_no_length_is_none(unit: str) -> None:
    assert micrometres(1.0, unit) is None
    assert not is_no_unit(unit)


@pytest.mark.parametrize("unit", [None, "", " ", "pixel", "Pixels", "px", "reference frame", "N/A"])
def test_no_unit_is_told_from_one_that_is_not_known(unit: str | None) -> None:
    assert is_no_unit(unit)
    assert micrometres(1.0, unit) is None


@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf, "nan", "1e999", "", "x", None, []])
def test_what_is_no_size_is_none(value: object) -> None:
    assert micrometres(value, "µm") is None
    assert seconds(value, "s") is None


def test_extremes_do_not_overflow() -> None:
    assert micrometres(1e300, "Ym") is None
    assert micrometres(1e-320, "ym") is None
    assert micrometres(10**400, "µm") is None
