"""A lab's own images: found, read, split as the lab says, and never drawn where held out."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import zarr
from skimage.io import imsave

from dualgland_training.data.collection import SUFFIXES
from dualgland_training.data.source import Split
from dualgland_training.data.split import read_split
from dualgland_training.generator.batches import Batches
from dualgland_training.generator.recipe import TrainConfig
from napari_dualgland import write
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.runs.images import LEAST_SIDE
from napari_dualgland.stack import ROLES, Channel, PixelSize, Stack

SIDE = 64


def picture(seed: int, channels: int = 4) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).integers(0, 255, (channels, SIDE, SIDE)).astype(np.uint8)


def write_tiff(path: Path, seed: int = 0, pixels: np.ndarray[Any, Any] | None = None) -> Path:
    channels = tuple(Channel(role, role) for role in ROLES)
    data = picture(seed) if pixels is None else pixels
    path.parent.mkdir(parents=True, exist_ok=True)
    return write(Stack(data, "CYX", channels, PixelSize(0.16, 0.16), name=path.name), path)


def write_zarr(path: Path, seed: int = 0) -> Path:
    group = zarr.open_group(path, mode="w", zarr_format=2)
    data = picture(seed)
    array = group.create_array("0", shape=data.shape, dtype=data.dtype)
    array[...] = data
    axes = [{"name": "c", "type": "channel"}, *({"name": n, "type": "space"} for n in "yx")]
    scale = {"type": "scale", "scale": [1, 1, 1]}
    levels = [{"path": "0", "coordinateTransformations": [scale]}]
    group.attrs["multiscales"] = [{"name": "field", "axes": axes, "datasets": levels}]
    group.attrs["omero"] = {"channels": [{"label": role} for role in ROLES]}
    return path


def write_set(folder: Path, stem: str, seed: int, roles: tuple[str, ...] = ROLES) -> None:
    folder.mkdir(exist_ok=True)
    for role, plane in zip(ROLES, picture(seed), strict=True):
        if role in roles:
            imsave(folder / f"{stem}_{SUFFIXES[role]}.png", plane, check_contrast=False)


def split_of(
    folder: Path, *globs: str, table: str | None = None, warnings: int | None = 0, **data: Any
) -> tuple[Split, list[str]]:
    """Read a recipe of some globs in a folder; with it what was warned of."""
    told: list[str] = []
    if table is not None:
        (folder / "split.csv").write_text(table)
        data["split"] = "split.csv"
    recipe = {"base": folder, "data": {"images": globs, **data}}
    split = read_split(TrainConfig.model_validate(recipe), told.append)
    if warnings is not None:
        assert len(told) == warnings, told
    return split, told


def names(split: Split) -> dict[str, set[str]]:
    return {part: {s.name for s in sources} for part, sources in split._asdict().items()}


def test_a_set_of_four_files_is_one_source(tmp_path: Path) -> None:
    write_set(tmp_path / "sets", "a1", 1)
    write_set(tmp_path / "sets", "a2", 2, ROLES[:3])
    split, _ = split_of(tmp_path, "sets/*.png", validation_share=0, test_share=0)
    whole, three = sorted(split.train, key=lambda s: s.name)
    assert (whole.name, whole.known) == ("a1", (True,) * 4)
    assert (three.name, three.known) == ("a2", (True, True, True, False))
    assert whole.images[0].shape == (4, SIDE, SIDE)
    # Each plane went to the channel that its file name tells.
    for channel, plane in zip(whole.images[0].astype(float), picture(1), strict=True):
        assert np.corrcoef(channel.ravel(), plane.ravel())[0, 1] > 0.99
    assert not three.images[0][3].any()


def test_ome_zarr_tiff_and_nested_folders_are_found(tmp_path: Path) -> None:
    write_tiff(tmp_path / "in" / "deep" / "one.ome.tif", 1)
    write_zarr(tmp_path / "in" / "two.ome.zarr", 2)
    split, _ = split_of(tmp_path, "in/**", validation_share=0, test_share=0)
    assert names(split)["train"] == {"one", "two"}
    (two,) = (source for source in split.train if source.name == "two")
    assert np.corrcoef(two.images[0][1].ravel(), picture(2)[1].ravel())[0, 1] > 0.99
    assert all(two.known)


def test_channels_without_names_are_mapped_by_the_recipe(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "raw.tif", picture(5), photometric="minisblack")
    told = {"microtubules": 3, "protein": 1, "nucleus": 0, "er": 2}
    share = {"validation_share": 0, "test_share": 0}
    split, _ = split_of(tmp_path, "*.tif", channels=told, **share)
    (raw,) = split.train
    assert np.corrcoef(raw.images[0][0].ravel(), picture(5)[3].ravel())[0, 1] > 0.99


def test_an_odd_file_costs_itself_alone(tmp_path: Path) -> None:
    write_tiff(tmp_path / "a.ome.tif", 1)
    write_tiff(tmp_path / "b.ome.tif", 2)
    (tmp_path / "broken.tif").write_bytes(b"II*\0 no more")
    split, told = split_of(tmp_path, "*.tif", warnings=None, test_share=0)
    assert set().union(*names(split).values()) == {"a", "b"}
    assert any("left out" in text and "broken.tif" in text for text in told)


def test_nothing_to_train_on_is_told(tmp_path: Path) -> None:
    with pytest.raises(DualglandError, match=r"no image matches none/\*\.tif"):
        split_of(tmp_path, "none/*.tif", warnings=None)
    (tmp_path / "broken.tif").write_bytes(b"II*\0 no more")
    with pytest.raises(DualglandError, match="of 1 images none can be trained on"):
        split_of(tmp_path, "*.tif", warnings=None)


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 5), (1, 64), (64, 15), (16, 16)])
def test_an_image_is_too_small_or_can_be_trained_on(
    tmp_path: Path, height: int, width: int, count: int
) -> None:
    """At every magnification, and when an only image is divided."""
    for number in range(count):
        pixels = np.ascontiguousarray(picture(number)[:, :height, :width])
        image = Stack(pixels, "CYX", tuple(Channel(r, r) for r in ROLES), PixelSize(0.05, 0.05))
        write(image, tmp_path / f"{number}.ome.tif")
    if min(height, width) < LEAST_SIDE:
        with pytest.raises(DualglandError, match=f"is {height} × {width} pixels"):
            split_of(tmp_path, "*.tif", warnings=None)
        return
    split, _ = split_of(tmp_path, "*.tif", warnings=None)
    sources = [*split.train, *split.validation, *split.test]
    assert all(min(image.shape) > 0 for source in sources for image in source.images)


@pytest.fixture
def six(tmp_path: Path) -> Path:
    for number in range(6):
        write_tiff(tmp_path / f"plate{number // 2}" / f"field{number}.ome.tif", number)
    return tmp_path


def test_a_split_file_by_glob_path_and_name(six: Path) -> None:
    table = (
        "glob,field,split,group\n"
        ",field0,test,\n"
        "plate0/*,,validation,\n"
        "plate1/field2.ome.tif,,test,\n"
        "plate*/field3*,,train,\n"
        "plate2/field5*,,shift,\n"
        "plate2/*,,train,\n"
    )
    split, _ = split_of(six, "plate*/*.tif", table=table)
    assert names(split) == {
        "train": {"field3", "field4"},
        "validation": {"field1"},
        "test": {"field0", "field2"},
        "shift": {"field5"},
    }


@pytest.mark.parametrize("seed", range(3))
def test_groups_are_held_out_whole(six: Path, seed: int) -> None:
    (six / "split.csv").write_text("glob,group\n" + "".join(f"plate{n}/*,p{n}\n" for n in range(3)))
    data = {"images": ("plate*/*.tif",), "split": "split.csv", "test_share": 0.34}
    recipe = TrainConfig.model_validate({"base": six, "seed": seed, "data": data})
    parts = names(read_split(recipe, pytest.fail))
    assert not parts.pop("shift")  # nothing is drawn for it: it is named or there is none
    plates = {part: {int(n[-1]) // 2 for n in held} for part, held in parts.items()}
    assert all(len(held) == 2 for held in parts.values())
    assert all(len(plate) == 1 for plate in plates.values())


def test_what_a_row_says_of_a_group_holds_for_all_of_it(six: Path) -> None:
    table = "glob,split,group\n*field0*,test,g\n*field1*,,g\n*,train,\n"
    split, _ = split_of(six, "plate*/*.tif", table=table)
    assert names(split)["test"] == {"field0", "field1"}


def test_images_of_no_row_and_rows_of_no_image_are_told(six: Path) -> None:
    table = "field,split\nfield0,train\nfeild1,test\n"
    split, told = split_of(six, "plate*/*.tif", table=table, warnings=None)
    assert set().union(*names(split).values()) <= {"field0", "field0, upper", "field0, lower"}
    assert any("1 rows match no image (line 3)" in text for text in told)
    assert any("no row is of 5 images" in text for text in told)


@pytest.mark.parametrize(
    ("table", "kind", "line"),
    [
        ("glob,split\n*,trian\n", Kind.BAD_VALUE, "line 2"),
        ("glob,split\n*,train\n,test\n", Kind.LACKING, "line 3"),
        ("glob,split,group\n*,,\n", Kind.LACKING, "line 2"),
        ("name,split\na,train\n", Kind.WRONG_CONTENT, ""),
        ("glob;split\n*;train\n", Kind.WRONG_CONTENT, ""),
        ("glob,split\n", Kind.WRONG_CONTENT, ""),
        ("", Kind.EMPTY, ""),
        ("field,split,group\nfield0,train,g\nfield1,test,g\n", Kind.MISMATCH, "line 3"),
    ],
)
def test_a_bad_split_file_is_one_sentence(six: Path, table: str, kind: Kind, line: str) -> None:
    with pytest.raises(DualglandError) as error:
        split_of(six, "plate*/*.tif", table=table, warnings=None)
    assert (error.value.kind, error.value.part) == (kind, line)
    assert error.value.place.endswith("split.csv")
    assert "\n" not in str(error.value)


def test_a_split_file_that_is_a_pipe_is_not_waited_for(six: Path) -> None:
    os.mkfifo(six / "split.csv")
    with pytest.raises(DualglandError) as error:
        split_of(six, "plate*/*.tif", split="split.csv", warnings=None)
    assert error.value.kind == Kind.NOT_A_FILE


def test_a_split_file_that_is_no_text_is_one_sentence(six: Path) -> None:
    (six / "split.csv").write_bytes("glob,split\nzähler,train\n".encode("latin-1"))
    with pytest.raises(DualglandError) as error:
        split_of(six, "plate*/*.tif", split="split.csv", warnings=None)
    assert error.value.kind == Kind.DAMAGED


def test_what_a_split_file_holds_out_is_never_drawn(tmp_path: Path) -> None:
    """Held-out images have a grey that no other has; it is in no batch, whatever is drawn."""
    stripes = np.where(np.arange(SIDE) % 16 < 8, 0, 250).astype(np.uint8)
    black_and_white = np.broadcast_to(stripes, (4, SIDE, SIDE)).copy()
    grey = black_and_white.copy()
    grey[..., np.arange(SIDE) % 16 < 4] = 125
    for name in ("a", "b"):
        write_tiff(tmp_path / f"{name}.ome.tif", pixels=black_and_white)
    for name in ("held", "watched"):
        write_tiff(tmp_path / f"{name}.ome.tif", pixels=grey)
    table = "field,split\nheld,test\nwatched,validation\na,train\nb,train\n"
    split, _ = split_of(tmp_path, "*.tif", table=table)
    assert names(split)["test"] == {"held"}

    still = {"gain": 0, "gamma": 0, "permute": 0, "decouple": 1, "zoom": (1, 1), "noisy": 0}
    recipe = {"crop": 32, "sources": 4, "augment": still}
    batches = Batches(split.train, TrainConfig.model_validate(recipe))
    drawn = np.concatenate([batches.draw(step).target.numpy() for step in range(8)])
    assert set(np.unique(drawn.round(2))) <= {0.0, 1.0}
    # Were they drawn, it would be seen.
    wrong = Batches(split.train + split.test, TrainConfig.model_validate(recipe))
    drawn = np.concatenate([wrong.draw(step).target.numpy() for step in range(8)])
    assert 0.5 in np.unique(drawn.round(2))


def test_held_out_images_are_not_trained_on_for_want_of_others(tmp_path: Path) -> None:
    write_tiff(tmp_path / "held.ome.tif", 1)
    (tmp_path / "broken.ome.tif").write_bytes(b"II*\0 no more")
    table = "field,split\nheld,test\nbroken,train\n"
    with pytest.raises(DualglandError, match="none can be trained on"):
        split_of(tmp_path, "*.tif", table=table, warnings=None)


def test_images_with_estimated_or_unmeasured_pixels_are_left_out(tmp_path: Path) -> None:
    write_tiff(tmp_path / "good.ome.tif", 1)
    spoiled = picture(2).astype(np.float32)
    spoiled[1, 3, 3] = np.nan
    write_tiff(tmp_path / "nan.ome.tif", pixels=spoiled)
    split, told = split_of(tmp_path, "*.tif", warnings=None, validation_share=0, test_share=0)
    assert names(split)["train"] == {"good"}
    assert any("nan.ome.tif" in text and "NaN" in text for text in told)
