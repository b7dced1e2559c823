"""``dualgland impute`` on good input: what it writes, what it says, what it leaves alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import tifffile

from napari_dualgland.imputation.params import ImputeParams
from napari_dualgland.io import read, write
from napari_dualgland.results import Imputation

PRIOR = ("--model", "prior", "--device", "cpu", "--tile", "64", "--no-rehearse")
"""Rehearsing, and learning, which needs it, are off where they are not the subject."""


def test_it_fills_what_the_mask_says_and_keeps_the_rest(dualgland, whole, mask, out):
    before = whole.read_bytes()
    said = dualgland("impute", whole, "--out", out, "--missing", mask, *PRIOR, "--json")
    assert said.code == 0, said.err
    lost = tifffile.imread(mask) != 0
    source, filled = read(whole), read(out)
    assert filled.dtype == source.dtype
    assert filled.pixel_size == source.pixel_size
    np.testing.assert_array_equal(np.asarray(filled.data)[~lost], np.asarray(source.data)[~lost])
    np.testing.assert_array_equal(np.asarray(filled.imputed), lost)
    assert whole.read_bytes() == before
    assert [p.name for p in out.parent.iterdir()] == [out.name]


def test_the_result_tells_everything(dualgland, whole, mask, out):
    """Of a run as a person gets it who gives no option: the model has learned from the image."""
    default = ("--model", "prior", "--device", "cpu")
    told = dualgland("impute", whole, "--out", out, "--missing", mask, *default, "--json").result
    assert read(out).provenance.options == ImputeParams(model="prior", device="cpu").model_dump()
    assert told["output"] == str(out)
    assert told["nothing_to_do"] is False
    assert (told["shape"], told["axes"], told["dtype"]) == ([4, 96, 96], "CYX", "uint8")
    assert [c["role"] for c in told["channels"]] == ["microtubules", "protein", "nucleus", "er"]
    share = tifffile.imread(mask).astype(bool).mean(axis=(1, 2))
    assert list(told["missing_fraction"].values()) == pytest.approx(list(share), abs=1e-6)
    assert (told["model"], told["model_sha256"], told["device"]) == ("prior", None, "cpu")
    assert told["seconds"] > 0
    assert isinstance(told["notes"], list)


def test_a_person_is_told_that_these_are_estimates(dualgland, whole, mask, out):
    said = dualgland("impute", whole, "--out", out, "--missing", mask, *PRIOR)
    assert said.code == 0
    assert said.err == ""
    assert "8.68 %" in said.out
    assert "estimate" in said.out
    assert str(out) in said.out


def test_the_same_seed_gives_the_same_pixels(dualgland, whole, mask, out):
    fills = []
    for _ in range(2):
        dualgland("impute", whole, "--out", out, "--missing", mask, *PRIOR, "--seed", 3)
        fills.append(np.asarray(read(out).data))
    np.testing.assert_array_equal(*fills)
    assert read(out).provenance.seed == 3


def test_every_option_of_the_parameter_object_can_be_given(dualgland, whole, mask, out):
    options = ("--model", "generator", "--device", "cpu", "--tile", 96, "--seed", 5)
    options += ("--precision", "fp32")
    options += ("--no-rehearse", "--no-adapt", "--samples", 1, "--plausible")
    said = dualgland("impute", whole, "--out", out, "--missing", mask, *options)
    assert said.code == 0, said.err
    given = {"model": "generator", "device": "cpu", "tile": 96, "seed": 5, "rehearse": False}
    given |= {"adapt": False, "samples": 1, "plausible": True, "precision": "fp32"}
    assert {*given} == {*ImputeParams.model_fields}
    assert read(out).provenance.options == given


def test_auto_finds_a_dead_tile(dualgland, field, tmp_path, out):
    stack = field(160)
    damaged = np.array(stack.data)
    damaged[:, 40:80, 60:110] = 0
    source = write(replace(stack, data=damaged), tmp_path / "damaged.ome.tif")
    told = dualgland("impute", source, "--out", out, *PRIOR, "--json").result
    assert told["missing_fraction"]["nucleus"] == pytest.approx(40 * 50 / 160**2, rel=0.05)
    assert np.asarray(read(out).data)[:, 40:80, 60:110].min() > 0


def test_a_role_that_is_left_out_is_imputed_as_a_channel(dualgland, whole, tmp_path, out):
    plain = tmp_path / "plain.tif"
    tifffile.imwrite(plain, np.asarray(read(whole).data)[:3], photometric="minisblack")
    roles = "microtubules=0,protein=1,nucleus=2"
    told = dualgland("impute", plain, "--out", out, "--channels", roles, *PRIOR, "--json").result
    assert told["shape"] == [4, 96, 96]
    assert told["missing_fraction"]["er"] == 1.0
    assert told["missing_fraction"][told["channels"][0]["name"]] == 0.0


def test_nothing_missing_gives_the_same_bytes_and_says_so(dualgland, whole, out):
    said = dualgland("impute", whole, "--out", out, *PRIOR)
    assert said.code == 0
    assert "nothing to do" in said.out
    assert out.read_bytes() == whole.read_bytes()


def test_nothing_missing_in_another_format_gives_the_same_pixels(dualgland, whole, tmp_path, out):
    plain = tmp_path / "plain.tif"
    values = np.asarray(read(whole).data)
    tifffile.imwrite(plain, values, photometric="minisblack")
    roles = "microtubules=3,protein=2,nucleus=1,er=0"
    told = dualgland("impute", plain, "--out", out, "--channels", roles, *PRIOR, "--json").result
    assert told["nothing_to_do"] is True
    np.testing.assert_array_equal(np.asarray(read(out).data), values)
    assert read(out).roles["microtubules"] == 3


def test_an_empty_mask_is_nothing_to_do(dualgland, whole, tmp_path, out):
    tifffile.imwrite(tmp_path / "empty.tif", np.zeros((96, 96), np.uint8))
    told = dualgland(
        "impute", whole, "--out", out, "--missing", tmp_path / "empty.tif", *PRIOR, "--json"
    ).result
    assert told["nothing_to_do"] is True
    assert out.read_bytes() == whole.read_bytes()


def test_much_damage_is_told_with_its_place_before_it_is_filled(dualgland, whole, tmp_path, out):
    stack = read(whole)
    pixels = np.asarray(stack.data).copy()
    pixels[:, 30:60, 20:70] = 0
    hurt = tmp_path / "hurt.ome.tif"
    write(replace(stack, data=pixels), hurt)
    said = dualgland("impute", hurt, "--out", out, *PRIOR, "--json")
    assert said.code == 0
    found = {finding["channel"]: finding for finding in said.result["found"]}
    assert set(found) == {channel.name for channel in stack.channels}
    for finding in found.values():
        assert finding["filled"]
        assert not finding["doubtful"]
        assert finding["box"] == [30, 59, 20, 69]
        assert finding["share"] == pytest.approx(30 * 50 / 96**2, rel=0.05)
    assert len(said.err.splitlines()) == len(found)
    assert all(any(line in note for note in said.result["notes"]) for line in found)
    assert any("rows 30–59" in note for note in read(out).provenance.notes)


def test_the_result_may_be_an_ome_zarr_and_is_a_job_again(dualgland, whole, mask, tmp_path):
    pytest.importorskip("zarr")
    first, second = tmp_path / "a.ome.zarr", tmp_path / "b.ome.tif"
    words = ("impute", whole, "--out", first, "--missing", mask, *PRIOR)
    assert dualgland(*words).code == 0
    assert dualgland(*words).code == 0  # an older result may be replaced
    assert dualgland("run", first, "--out", second).code == 0
    one, two = read(first), read(second)
    assert isinstance(one, Imputation)
    for array in ("data", "missing"):
        np.testing.assert_array_equal(getattr(one, array), getattr(two, array))
    assert dualgland("impute", first, "--out", tmp_path / "c.ome.tif", *PRIOR).code == 0
    (tmp_path / "mine.ome.zarr").mkdir()
    (tmp_path / "mine.ome.zarr" / "thesis.txt").write_text("mine")
    refused = dualgland(*words[:3], tmp_path / "mine.ome.zarr", *words[4:])
    assert refused.code != 0
    assert "no OME-Zarr" in refused.error
