"""OME-Zarr in every version that people have, and one clear line where it is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr

from napari_dualgland.errors import DualglandError
from napari_dualgland.io import read
from napari_dualgland.io import zarr as zarr_reader

NAMES = ["Hoechst", "antibody", "calreticulin", "tubulin"]
PIXELS = np.random.default_rng(0).integers(0, 4000, (4, 2, 20, 30), np.uint16)


def axes(letters: str) -> list[dict[str, str]]:
    kinds = {"t": "time", "c": "channel"}
    units = {"z": "nanometer", "y": "micrometer", "x": "micrometer"}
    told = []
    for letter in letters:
        axis = {"name": letter, "type": kinds.get(letter, "space")}
        told.append(axis | ({"unit": units[letter]} if letter in units else {}))
    return told


def image(path: Path, version: int = 2, **changed: Any) -> Path:
    """Write a C, Z, Y, X image with a pyramid; version 2 of zarr is NGFF 0.4, 3 is 0.5."""
    group = zarr.open_group(path, mode="w", zarr_format=version)  # type: ignore[arg-type]
    for level, data in enumerate((PIXELS, PIXELS[:, :, ::2, ::2])):
        array = group.create_array(str(level), shape=data.shape, dtype=data.dtype)
        array[...] = data
    levels = [
        {"path": str(n), "coordinateTransformations": [{"type": "scale", "scale": scale}]}
        for n, scale in enumerate([[1, 500, 0.1, 0.2], [1, 500, 0.2, 0.4]])
    ]
    said: dict[str, Any] = {
        "multiscales": [{"name": "cells", "axes": axes("czyx"), "datasets": levels}],
        "omero": {"channels": [{"label": n, "color": "00FF7F"} for n in NAMES]},
    } | changed
    group.attrs.update({"ome": {"version": "0.5", **said}} if version == 3 else said)
    return path


@pytest.mark.parametrize("version", [2, 3])
def test_an_image_comes_with_all_that_it_says(tmp_path: Path, version: int) -> None:
    stack = read(image(tmp_path / "cells.ome.zarr", version))
    assert stack.axes == "CZYX"
    np.testing.assert_array_equal(np.asarray(stack.data), PIXELS)
    assert stack.dtype == np.uint16
    assert stack.roles == {"microtubules": 3, "protein": 1, "nucleus": 0, "er": 2}
    assert stack.channels[0].color == "#00FF7F"
    assert stack.pixel_size is not None
    size = stack.pixel_size
    assert (size.y, size.x, size.z) == pytest.approx((0.1, 0.2, 0.5))
    assert stack.name == "cells"


def test_names_that_do_not_tell_are_asked_for(tmp_path: Path) -> None:
    path = image(tmp_path / "dull.zarr", omero={})
    with pytest.raises(DualglandError, match="--channels"):
        read(path)
    assert read(path, channels={"nucleus": 2}).roles == {"nucleus": 2}


def test_a_large_image_is_lazy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zarr_reader, "LAZY_BYTES", 1000)
    data = read(image(tmp_path / "large.zarr")).data
    assert not isinstance(data, np.ndarray)
    np.testing.assert_array_equal(np.asarray(data), PIXELS)


def test_old_images_name_no_axes(tmp_path: Path) -> None:
    old = {"multiscales": [{"version": "0.1", "datasets": [{"path": "0"}]}]}
    assert read(image(tmp_path / "old.zarr", **old)).axes == "CZYX"


def test_a_series_of_bioformats2raw_is_its_first_image(tmp_path: Path) -> None:
    outer = zarr.open_group(tmp_path / "series.zarr", mode="w", zarr_format=2)
    outer.attrs["bioformats2raw.layout"] = 3
    image(tmp_path / "series.zarr" / "0")
    assert read(tmp_path / "series.zarr").name == "cells"


def test_a_field_of_a_plate_is_read_and_the_plate_says_how(tmp_path: Path) -> None:
    plate = zarr.open_group(tmp_path / "plate.zarr", mode="w", zarr_format=2)
    plate.attrs["plate"] = {"wells": []}
    field = image(tmp_path / "plate.zarr" / "A" / "1" / "0")
    assert read(field).roles["nucleus"] == 0
    with pytest.raises(DualglandError, match=r"one field, such as .*A.1.0"):
        read(tmp_path / "plate.zarr")
