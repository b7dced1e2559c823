"""``dualgland demo``: offline, without a screen, measured against the truth."""

from __future__ import annotations

import socket

import numpy as np
import pytest
from localization.cell_scenes import save_localizer
from PIL import Image

from napari_dualgland.classical import FILLS
from napari_dualgland.cli.compare import Scene
from napari_dualgland.cli.demo import BOUNDARIES, IMPUTED, LOCALIZED, PICTURE, SET_POINTS
from napari_dualgland.cli.localize import FILES
from napari_dualgland.cli.picture import composite, looks, missing_map, places
from napari_dualgland.io import read, read_mask
from napari_dualgland.sample import sample_path


@pytest.fixture
def offline(monkeypatch):
    def refused(*_words: object, **_options: object) -> None:
        raise AssertionError("the demo asked for the network")

    monkeypatch.setattr(socket.socket, "connect", refused)


@pytest.mark.slow
def test_the_demo_leaves_a_stack_a_picture_and_figures(dualgland, offline, tmp_path, monkeypatch):
    save_localizer(tmp_path / "models", name="localizer")  # gives way to the shipped one
    monkeypatch.setenv("DUALGLAND_MODELS", str(tmp_path / "models"))
    folder = tmp_path / "new" / "demo"
    said = dualgland("demo", "--out", folder, "--no-gui", "--device", "cpu", "--json")
    assert said.code == 0, said.err
    told = said.result
    assert {p.name for p in folder.iterdir()} == {
        *(IMPUTED, LOCALIZED, BOUNDARIES, SET_POINTS, PICTURE)
    }
    assert {p.name for p in (folder / LOCALIZED).iterdir()} == {*FILES}
    assert told["localization"]["cells"] > 20
    assert told["boundaries"]["cells"] > 20
    assert any(row["moved"] for row in told["boundaries"]["holes"])

    truth = np.asarray(read(sample_path("dualgland_whole.ome.tif")).data)
    lost = np.asarray(read_mask(sample_path("dualgland_damaged_mask.tif"))) != 0
    filled = read(folder / IMPUTED)
    np.testing.assert_array_equal(np.asarray(filled.data)[~lost], truth[~lost])
    np.testing.assert_array_equal(np.asarray(filled.imputed), lost)

    ours = told["figures"][f"dualgland, {told['model']}"]["psnr_db"]
    error = np.asarray(filled.data)[lost].astype(float) - truth[lost]
    assert ours["all"] == pytest.approx(10 * np.log10(255**2 / np.mean(error**2)))
    for classical in FILLS:
        assert ours["all"] > told["figures"][classical]["psnr_db"]["all"]

    with Image.open(folder / PICTURE) as opened:
        picture = np.asarray(opened)
    assert picture.shape[1] > 1500
    assert picture.std() > 20


def test_an_output_that_is_a_file(dualgland, tmp_path):
    (tmp_path / "taken").touch()
    said = dualgland("demo", "--out", tmp_path / "taken", "--no-gui")
    assert said.code == 2
    assert "taken" in said.error


def test_hole_psnr_is_of_the_hole_alone_and_of_what_would_be_stored():
    truth = np.full((2, 4, 4), 100, np.uint8)
    missing = np.zeros((2, 4, 4), bool)
    missing[0, 0, :2] = True
    filled = np.full((2, 4, 4), 250.0)
    filled[0, 0, 0], filled[0, 0, 1] = 110.4, 90.0
    told = Scene(truth, truth, missing, ("a", "b")).psnr(filled)
    assert told == {
        "all": pytest.approx(10 * np.log10(255**2 / 100)),
        "a": pytest.approx(10 * np.log10(255**2 / 100)),
    }
    assert Scene(truth, truth, missing, ("a", "b")).psnr(truth)["all"] == np.inf


def test_the_picture_shows_colours_and_holes_where_they_are():
    frame = np.zeros((2, 64, 64), np.uint16)
    frame[0, :32], frame[1, :, :32] = 1000, 500
    shown = looks(frame, ("#FF0000", "#00FF00"))
    seen = composite(frame, shown)
    assert (seen[40, 40] == 0).all()
    assert seen[10, 40, 0] > 0.8
    assert seen[10, 40, 1] == 0
    assert seen[40, 10, 1] > 0.8
    missing = np.zeros(frame.shape, bool)
    missing[:, 50:60, 50:60] = True
    missing[1, 50:60, 5:15] = True
    painted = missing_map(frame, missing, shown)
    assert (painted[55, 55] == 1).all()
    assert painted[55, 10].argmax() == 1
    assert painted[40, 40].max() == 0


def test_the_enlarged_places_show_both_kinds_of_damage_and_do_not_overlap():
    truth = np.full((200, 200, 3), 0.5)
    missing = np.zeros((2, 200, 200), bool)
    missing[:, 20:40, 20:40] = True
    missing[1, 150:180, 140:170] = True
    damaged = np.where(missing.any(axis=0)[..., None], 0.1, truth)
    (y0, x0), (y1, x1) = places(truth, damaged, missing, 40)
    assert missing[:, y0 : y0 + 40, x0 : x0 + 40].all(axis=0).any()
    assert missing[1, y1 : y1 + 40, x1 : x1 + 40].any()
    assert max(abs(y0 - y1), abs(x0 - x1)) >= 40
    missing[0] = False
    missing[1, 20:40, 20:40] = False
    assert places(truth, damaged, missing, 40) == [(y1, x1)]
