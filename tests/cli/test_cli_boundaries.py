"""``dualgland boundaries``: what it writes, what it says, what it refuses before it works."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import tifffile
from localization.cell_scenes import field, stack_of

import napari_dualgland as nd
from napari_dualgland.io import read, read_mask, write
from napari_dualgland.io.boundaries_writing import COMPARTMENT_COLORS, LABELS, MAP, SPOKEN
from napari_dualgland.io.napari_io import get_reader
from napari_dualgland.jobs import BoundariesJob, FileInput, LabelsFile, MaskFile, load_job


@pytest.fixture
def folder(tmp_path):
    """Two cells, their labels, and a mask of the nucleus of one."""
    image, labels = field(1, 2)
    write(stack_of(image), tmp_path / "field.ome.tif")
    tifffile.imwrite(tmp_path / "labels.tif", (labels * 700).astype(np.uint16))
    lost = np.zeros((4, 80, 160), np.uint8)
    lost[2, 30:50, 20:60] = 1
    tifffile.imwrite(tmp_path / "mask.tif", lost, photometric="minisblack")
    return tmp_path


@pytest.fixture
def told(folder):
    return ("--cells", folder / "labels.tif", "--missing", folder / "mask.tif", "--device", "cpu")


def test_it_writes_maps_and_table_and_can_be_done_again(dualgland, folder, told):
    out, table = folder / "new.ome.tif", folder / "new.csv"
    said = dualgland(
        "boundaries", folder / "field.ome.tif", "--out", out, "--table", table, *told, "--json"
    )
    assert said.code == 0, said.err
    cells = tifffile.imread(folder / "labels.tif")
    expected = nd.boundaries(
        read(folder / "field.ome.tif"), cells, missing=read_mask(folder / "mask.tif"), device="cpu"
    )
    written = read(out)
    assert [c.name for c in written.channels] == [*COMPARTMENT_COLORS, MAP, LABELS, SPOKEN]
    assert (written.axes, written.pixel_size) == ("CYX", expected.stack.pixel_size)
    np.testing.assert_array_equal(written.data[6], expected.labels)
    np.testing.assert_array_equal(written.data[7] > 0, expected.spoken)
    np.testing.assert_allclose(written.data[:5] / 255, expected.compartments, atol=0.003)
    np.testing.assert_allclose(written.data[5] / 255, expected.map, atol=0.003)
    assert written.provenance.model == "generator"
    assert (said.result["cells"], said.result["location"]) == (2, "any")
    read_back = pd.read_csv(table)
    assert list(read_back.columns) == list(expected.set_points.columns)
    np.testing.assert_allclose(read_back["h"], expected.set_points["h"], atol=1e-4)
    assert set(read_back["cell"]) == {0, 700, 1400}

    assert isinstance(load_job(out), BoundariesJob)
    again = dualgland("run", out, "--out", folder / "again.ome.tif", "--json")
    assert again.code == 0, again.err
    np.testing.assert_array_equal(read(folder / "again.ome.tif").data, written.data)
    assert again.result["balance"] == said.result["balance"]


def test_it_speaks_to_people_and_tells_before_and_after(dualgland, folder, told):
    said = dualgland(
        "boundaries", folder / "field.ome.tif", "--out", folder / "new.ome.tif", *told,
        "--model", "prior", "--impute-first", "--location", "cytosol",
    )  # fmt: skip
    assert said.code == 0, said.err
    for words in ("Cytosol", "nuclear rim", "out of balance", "Filled holes", "imputed pixels"):
        assert words in said.out


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("--out", "x.tif"), ".ome.tif"),
        (("--out", "x.ome.zarr"), "must end in .ome.tif or .ome.tiff; call it x.ome.tif"),
        (("--out", "field.ome.tif"), "field.ome.tif"),
        (("--out", "x.ome.tif", "--table", "./x.ome.tif"), "the maps go there, too"),
        (("--out", "x.ome.tif", "--location", "Mars"), "Mars"),
        (("--out", "x.ome.tif", "--table", "field.ome.tif"), "field.ome.tif"),
        (("--out", "x.ome.tif", "--missing", "nan"), "nan"),
        (("--out", "x.ome.tif", "--table", "nowhere/x.csv"), "nowhere"),
    ],
)
def test_it_refuses_at_once_and_leaves_nothing(dualgland, folder, monkeypatch, words, what):
    monkeypatch.chdir(folder)
    before = sorted(p.name for p in folder.iterdir())
    said = dualgland("boundaries", "field.ome.tif", *words)
    assert said.code == 2
    assert what in said.error
    assert sorted(p.name for p in folder.iterdir()) == before


def test_the_job_writes_itself_down(folder, monkeypatch):
    job = BoundariesJob(
        input=FileInput(path=folder / "field.ome.tif"),
        cells=LabelsFile(path=folder / "labels.tif"),
        missing=MaskFile(path=folder / "mask.tif"),
        params=nd.BoundariesParams(location="Nucleoli", device="cpu"),
        output=folder / "script.ome.tif",
    )
    exec(job.as_python(), {})
    assert (folder / "script.ome.tif").is_file()
    assert "--location Nucleoli" in job.as_command()
    assert BoundariesJob.model_validate(json.loads(job.model_dump_json())) == job


def test_napari_shows_an_export_as_what_it_is(folder, dualgland, told):
    out = folder / "new.ome.tif"
    assert dualgland("boundaries", folder / "field.ome.tif", "--out", out, *told).code == 0
    layers = {looks["name"]: kind for _, looks, kind in get_reader(str(out))(str(out))}
    assert layers["compartments"] == "labels"
    assert layers["boundary map"] == "image"
