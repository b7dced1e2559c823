"""``dualgland localize``: the files it leaves, what it says, what it refuses before it works."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from localization.cell_scenes import field, save_localizer, stack_of
from PIL import Image

from napari_dualgland import CLASSES, impute, localize, write
from napari_dualgland.cli import demo
from napari_dualgland.cli.console import console
from napari_dualgland.cli.localize import FILES, show_classes
from napari_dualgland.imputation.params import ImputeParams
from napari_dualgland.io import read, read_mask
from napari_dualgland.io.tiff import read_tiff
from napari_dualgland.localization.params import LocalizeParams


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save_localizer(tmp_path_factory.mktemp("models"))


@pytest.fixture
def quick(model):
    return ("--model", model, "--device", "cpu")


@pytest.fixture
def source(tmp_path):
    """A field of two cells, one of which has lost a fifth of its pixels."""
    image, _ = field(1, 2)
    return write(stack_of(image), tmp_path / "field.ome.tif")


@pytest.fixture
def labels(tmp_path):
    path = tmp_path / "labels.tif"
    tifffile.imwrite(path, (field(1, 2)[1] * 700).astype(np.uint16))
    return path


@pytest.fixture
def mask(tmp_path):
    lost = np.zeros((80, 160), np.uint8)
    lost[30:50, 20:60] = 1
    tifffile.imwrite(tmp_path / "mask.tif", lost)
    return tmp_path / "mask.tif"


@pytest.fixture
def out(tmp_path):
    return tmp_path / "new" / "found"


def test_it_leaves_the_four_files(dualgland, source, labels, mask, quick, out):
    before = source.read_bytes(), labels.read_bytes()
    options = ("--cells", labels, "--missing", mask, *quick)
    said = dualgland("localize", source, "--out", out, *options, "--json")
    assert said.code == 0, said.err
    assert {p.name for p in out.iterdir()} == {*FILES}
    assert (source.read_bytes(), labels.read_bytes()) == before
    cells = tifffile.imread(labels)
    np.testing.assert_array_equal(read_tiff(out / "cells.tif").data, cells)
    expected = localize(
        read(source), cells, model=quick[1], device="cpu", missing=np.asarray(read_mask(mask)) != 0
    )
    table = pd.read_csv(out / "cells.csv")
    assert list(table["cell"]) == [700, 1400]
    np.testing.assert_allclose(table[[*CLASSES]], expected.table[[*CLASSES]], atol=2e-4)
    assert list(table["classes"].fillna("")) == list(expected.table["classes"])
    maps = np.asarray(read_tiff(out / "maps.ome.tif").data) / 255
    np.testing.assert_allclose(maps, np.asarray(expected.maps), atol=1 / 255)
    with Image.open(out / "overlay.png") as overlay:
        assert overlay.width > 900


def test_the_result_tells_everything(dualgland, source, labels, mask, quick, out):
    options = ("--cells", labels, "--missing", mask, *quick, "--threshold", 0.2)
    told = dualgland("localize", source, "--out", out, *options, "--json").result
    table = pd.read_csv(out / "cells.csv", keep_default_na=False)
    assert told["cells"] == 2
    assert told["files"] == {name: str(out / name) for name in FILES}
    counts = {row["name"]: row["cells"] for row in told["classes"]}
    for name in CLASSES:
        assert counts.get(name, 0) == (table[name] >= 0.2).sum()
    assert [row["cells"] for row in told["classes"]] == sorted(counts.values(), reverse=True)
    assert {row["share"] for row in told["classes"]} <= {0.5, 1.0}
    assert told["unnamed"] == (table["classes"] == "").sum()
    assert (told["damaged"], told["imputed"]) == (1, 0)
    assert (told["model"], told["device"]) == ("small", "cpu")
    assert told["model_sha256"]
    assert any("damaged" in note for note in told["notes"])


def test_a_person_sees_where_it_is(dualgland, source, labels, quick, out):
    said = dualgland("localize", source, "--out", out, "--cells", labels, *quick)
    assert (said.code, said.err) == (0, "")
    table = pd.read_csv(out / "cells.csv", keep_default_na=False)
    first = table["classes"][0].split("; ")[0]
    assert first
    assert first in said.out
    assert "2 cells" in said.out
    assert str(out) in said.out


def test_cells_are_found_where_none_are_given(dualgland, source, quick, out):
    told = dualgland("localize", source, "--out", out, *quick, "--json").result
    assert told["cells"] == 2
    assert set(np.unique(read_tiff(out / "cells.tif").data)) == {0, 1, 2}


@pytest.mark.slow
def test_damage_is_filled_first_where_that_is_asked_for(
    dualgland, source, labels, mask, quick, out
):
    options = ("--cells", labels, "--missing", mask, *quick, "--impute-first")
    told = dualgland("localize", source, "--out", out, *options, "--json").result
    assert (told["damaged"], told["imputed"]) == (0, 1)
    table = pd.read_csv(out / "cells.csv")
    assert table["imputed"].max() > 0.1
    assert table["missing"].max() == 0


def test_every_option_of_the_parameter_object_can_be_given(dualgland, source, model, out):
    given = {"model": model, "device": "cpu", "threshold": 0.3}
    given |= {"nucleus_um": 7.0, "smallest_um2": 10.0}
    assert {*given} == {*LocalizeParams.model_fields}
    words = [w for key, v in given.items() for w in (f"--{key.replace('_', '-')}", v)]
    said = dualgland("localize", source, "--out", out, *words)
    assert said.code == 0, said.err
    assert read_tiff(out / "maps.ome.tif").provenance.options == given


def test_labels_of_a_stack_with_an_axis_of_one(dualgland, labels, quick, tmp_path, out):
    image, _ = field(1, 2)
    source = write(stack_of(image[None], "ZCYX"), tmp_path / "z.ome.tif")
    said = dualgland("localize", source, "--out", out, "--cells", labels, *quick, "--json")
    assert said.code == 0, said.err
    assert read_tiff(out / "cells.tif").axes == "ZYX"


def test_its_own_cells_may_be_given_back_from_another_folder(
    dualgland, source, labels, quick, tmp_path, out
):
    dualgland("localize", source, "--out", out, "--cells", labels, *quick)
    again = tmp_path / "again"
    said = dualgland("localize", source, "--out", again, "--cells", out / "cells.tif", *quick)
    assert said.code == 0, said.err
    assert (again / "cells.csv").read_bytes() == (out / "cells.csv").read_bytes()


@pytest.fixture
def refuse(dualgland, out, quick):
    """Run localize on what is bad, and return the one line."""

    def run(source, *options, says: str, to: Path = out):
        before = sorted(to.rglob("*")) if to.is_dir() else None
        said = dualgland("localize", source, "--out", to, *quick, *options)
        assert said.code == 2
        assert said.out == ""
        assert says in said.error
        assert (sorted(to.rglob("*")) if to.is_dir() else None) == before
        assert not out.parent.exists()
        return said.error

    return run


def test_bad_inputs(refuse, source, tmp_path):
    refuse(tmp_path / "gone.tif", says="gone.tif")
    refuse(source, "--missing", "nan", says="--missing: nan")
    (tmp_path / "empty.tif").touch()
    refuse(tmp_path / "empty.tif", says="empty")
    refuse(source, "--cells", tmp_path / "empty.tif", says="empty")
    refuse(source, "--cells", tmp_path / "none.tif", says="none.tif")
    refuse(source, "--missing", tmp_path / "none.tif", says="none.tif")
    tifffile.imwrite(tmp_path / "other.tif", np.ones((50, 96), np.uint8))
    assert "(80, 160)" in refuse(source, "--cells", tmp_path / "other.tif", says="(50, 96)")
    refuse(source, "--missing", tmp_path / "other.tif", says="50")
    tifffile.imwrite(tmp_path / "half.tif", np.full((80, 160), 0.5, np.float32))
    refuse(source, "--cells", tmp_path / "half.tif", says="whole numbers")


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("--threshold", "1.5", "--threshold: 1.5"),
        ("--nucleus-um", "0", "--nucleus-um: 0"),
        ("--model", "unet", "unet"),
        ("--model", "generator", "cannot localize"),
        ("--device", "cuda:31", "cuda:31"),
        ("--channels", "nucleus=0,microtubules=1", "no channel is the protein"),
        ("--channels", "nucleus", "--channels: 'nucleus'"),
    ],
)
def test_bad_options(refuse, source, option, value, says):
    refuse(source, option, value, says=says)


def test_folders_that_would_lose_something(refuse, source, labels, tmp_path):
    (tmp_path / "taken").touch()
    refuse(source, says="is a file", to=tmp_path / "taken")
    own = tmp_path / "own"
    own.mkdir()
    (own / "cells.tif").write_bytes(labels.read_bytes())
    refuse(source, "--cells", own / "cells.tif", says="would be replaced", to=own)
    (own / "maps.ome.tif").write_bytes(source.read_bytes())
    refuse(own / "maps.ome.tif", says="would be replaced", to=own)
    (tmp_path / "odd" / "overlay.png").mkdir(parents=True)
    refuse(source, says="overlay.png", to=tmp_path / "odd")


def test_errors_as_json(dualgland, quick, tmp_path, out):
    said = dualgland("localize", tmp_path / "gone.tif", "--out", out, *quick, "--json")
    assert said.code == 2
    assert said.result["exit_code"] == 2


def test_a_localizer_among_the_models(dualgland, tmp_path, monkeypatch):
    save_localizer(tmp_path, name="ours")
    monkeypatch.setenv("DUALGLAND_MODELS", str(tmp_path))
    jobs = {m["name"]: m["job"] for m in dualgland("models", "--json").result["models"]}
    assert jobs["ours"] == "localize"
    assert jobs["prior"] == jobs["generator"] == "impute"
    listed = dualgland("models").out
    assert "localize" in listed
    assert json.loads((tmp_path / "ours.json").read_text())["sha256"][:12] in listed


def test_the_demo_tells_where_the_protein_is(tmp_path, monkeypatch, capsys):
    save_localizer(tmp_path / "models", name="localizer")
    monkeypatch.setenv("DUALGLAND_MODELS", str(tmp_path / "models"))
    image, _ = field(1, 2)
    params = ImputeParams(model="prior", device="cpu", rehearse=False)
    filled = impute(stack_of(image), params=params)
    told, notes = demo.localize(filled, tmp_path / "localization", params)
    assert (told["cells"], told["model"]) == (2, "localizer")
    assert isinstance(notes, list)
    assert {p.name for p in (tmp_path / "localization").iterdir()} == {*FILES}
    show_classes(told, console())
    assert "2 cells" in capsys.readouterr().out
