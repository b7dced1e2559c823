"""Options that cannot be: each is refused as data, by the option's name, before any work."""

from __future__ import annotations

import pytest

PRIOR = ("--model", "prior", "--device", "cpu", "--no-rehearse")


@pytest.fixture
def refuse(dualgland, out, nothing_written):
    """Run impute with a bad option, and return what is told of it."""

    def run(source, *options):
        said = dualgland("impute", source, "--out", out, *PRIOR, *options, "--json")
        assert (said.code, said.result["exit_code"]) == (2, 2)
        assert said.result["error"] == said.error
        assert nothing_written()
        return said.result

    return run


@pytest.mark.parametrize(
    ("option", "value", "kind"),
    [
        ("--tile", "100", "bad-value"),
        ("--tile", "0", "bad-value"),
        ("--tile", "1000000000", "bad-value"),
        ("--tile", "big", "bad-value"),
        ("--seed", "-1", "bad-value"),
        ("--seed", str(2**63), "bad-value"),
        ("--seed", "1" + "0" * 400, "bad-value"),
        ("--seed", "9" * 5000, "bad-value"),
        ("--samples", "1000000000", "bad-value"),
        ("--precision", "", "bad-value"),
        ("--missing", "", "bad-value"),
        ("--missing", "-", "bad-value"),
        ("--missing", "a\0b", "bad-value"),
        ("--missing", "~nosuchuserhere/m.tif", "not-there"),
        ("--channels", "", "bad-value"),
        ("--channels", "nucleus", "bad-value"),
        ("--channels", "membrane=0", "bad-value"),
        ("--channels", "nucleus=9", "not-there"),
        ("--channels", "nucleus=²", "not-there"),
        ("--channels", "nucleus=" + "9" * 5000, "not-there"),
        ("--channels", "nucleus=0,er=0", "conflict"),
        ("--channels", "nucleus=0,nucleus=1", "conflict"),
        ("--plausibel", "", "bad-value"),
    ],
    ids=lambda value: repr(value[:20]),
)
def test_an_option_that_is_out_of_range(refuse, whole, option, value, kind):
    told = refuse(whole, option, value)
    assert told["kind"] == kind
    assert {option, value, repr(value)} & {told["place"], told["part"].partition(" ")[0]}


@pytest.mark.parametrize(
    ("option", "first", "second"),
    [
        ("--channels", "nucleus=0", "er=1"),
        ("--missing", "auto", "nan"),
        ("--missing", "auto", "auto"),
        ("--out", "a.ome.tif", "b.ome.tif"),
    ],
)
def test_what_a_run_is_about_is_said_once(refuse, whole, option, first, second):
    told = refuse(whole, option, first, option, second)
    assert (told["kind"], told["place"]) == ("conflict", option)


def test_cells_and_genes_are_said_once(dualgland, whole, tmp_path):
    cells = ("--cells", whole, "--cells", whole)
    told = dualgland("localize", whole, "--out", tmp_path / "l", *cells, "--json").result
    assert (told["kind"], told["place"]) == ("conflict", "--cells")
    genes = ("--gene", "TP53", "--gene", "ESR1")
    told = dualgland("download", "--out", tmp_path / "d", *genes, "--json").result
    assert (told["kind"], told["place"]) == ("conflict", "--gene")


def test_how_a_run_is_done_may_be_overruled(dualgland, whole, out):
    said = dualgland("impute", whole, "--out", out, *PRIOR, "--tile", "big", "--tile", "64")
    assert said.code == 0, said.err


@pytest.mark.parametrize("option", ["--nucleus-um", "--threshold", "--smallest-um2"])
@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "-1", "1e400"])
def test_numbers_of_localize_are_finite_and_in_range(dualgland, whole, tmp_path, option, value):
    told = dualgland("localize", whole, "--out", tmp_path / "l", option, value, "--json").result
    assert (told["kind"], told["place"]) == ("bad-value", option)


@pytest.mark.parametrize("value", ["nan", "inf", "-1", "0"])
def test_the_rate_of_requests_has_bounds(dualgland, tmp_path, value):
    words = ("download", "--gene", "TP53", "--out", tmp_path / "d", "--rate", value, "--json")
    told = dualgland(*words).result
    assert (told["kind"], told["place"]) == ("bad-value", "--rate")


@pytest.mark.parametrize("path", ["", "-", "~nosuchuserhere/x.tif", "a\0b.tif"])
@pytest.mark.parametrize("option", ["INPUT", "--out", "--cells"])
def test_what_cannot_be_a_path(dualgland, whole, tmp_path, option, path):
    given = {"INPUT": whole, "--out": tmp_path / "l", "--cells": whole} | {option: path}
    words = ("--out", given["--out"], "--cells", given["--cells"], "--json", "--", given["INPUT"])
    said = dualgland("localize", *words)
    assert (said.code, said.result["exit_code"]) == (2, 2)
    assert said.result["kind"] == ("not-there" if "~" in path else "bad-value")
    assert said.result["place"] in (option, path, repr(path))


def test_no_input(dualgland):
    told = dualgland("impute", "--json").result
    assert (told["kind"], told["place"]) == ("lacking", "INPUT")


def test_nan_is_no_mask_of_localize(dualgland, whole, tmp_path):
    words = ("localize", whole, "--out", tmp_path / "l", "--missing", "nan", "--json")
    told = dualgland(*words).result
    assert (told["kind"], told["place"]) == ("bad-value", "--missing")
