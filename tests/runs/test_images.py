"""A folder of images: found, looked through, and used by the trainer just as it was told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from skimage.io import imsave

from dualgland_training.data.split import read_split
from dualgland_training.generator.recipe import TrainConfig
from napari_dualgland import write
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.io.hpa import SUFFIXES
from napari_dualgland.progress import finish
from napari_dualgland.results import Imputation
from napari_dualgland.runs.images import (
    TEST_SHARE,
    VALIDATION_SHARE,
    check_folder,
    held_out,
    images_in,
    one_path_each,
)
from napari_dualgland.stack import ROLES, Channel, Stack

SIDE = 32


def pixels(seed: int, channels: int = 4) -> np.ndarray:
    return np.random.default_rng(seed).integers(1, 255, (channels, SIDE, SIDE)).astype(np.uint8)


def put_set(folder: Path, stem: str, roles: tuple[str, ...] = ROLES) -> None:
    folder.mkdir(exist_ok=True)
    for role, plane in zip(ROLES, pixels(len(stem)), strict=True):
        if role in roles:
            imsave(folder / f"{stem}_{SUFFIXES[role]}.png", plane, check_contrast=False)


def put_stack(path: Path, data: np.ndarray, axes: str = "CYX") -> None:
    write(Stack(data, axes, tuple(Channel(role, role) for role in ROLES)), path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What a lab's folder holds after a year: two kinds of images, and things that are none."""
    put_set(tmp_path / "atlas", "one")
    put_set(tmp_path / "atlas", "three", ROLES[:3])
    put_stack(tmp_path / "stack.ome.tif", np.stack([pixels(k) for k in range(3)]), "ZCYX")
    broken = pixels(7).astype(np.float32)
    broken[1, :3] = np.nan
    put_stack(tmp_path / "nan.ome.tif", broken)
    tifffile.imwrite(tmp_path / "unnamed.tif", pixels(5), photometric="minisblack")
    (tmp_path / "cut.tif").write_bytes(b"II*\0 no more")
    imsave(tmp_path / "photo.png", pixels(6)[0], check_contrast=False)
    (tmp_path / "notes.txt").write_text("a list of plates")
    (tmp_path / "._three_red.png").write_bytes(b"of a Mac")
    return tmp_path


def test_every_refusal_of_a_folder_is_told_with_its_reason(folder: Path) -> None:
    checked = finish(check_folder(folder))
    assert {image.path.name for image in checked.images} == {
        *("one_blue.png", "three_blue.png", "stack.ome.tif", "nan.ome.tif"),
        *("unnamed.tif", "cut.tif", "photo.png"),
    }
    assert {image.path.name: image.planes for image in checked.usable} == {
        "one_blue.png": 1,
        "three_blue.png": 1,
        "stack.ome.tif": 3,
    }
    assert checked.channels() == {"microtubules": 3, "protein": 3, "nucleus": 3, "er": 2}
    assert checked.whole == 2
    why = {image.path.name: image for image in checked.refused}
    assert "NaN" in why["nan.ome.tif"].refused
    assert "truncated or damaged" in why["cut.tif"].refused
    assert why["unnamed.tif"].unnamed
    assert not why["cut.tif"].unnamed
    assert all(image.refused and "\n" not in image.refused for image in checked.refused)


def test_channels_that_are_said_make_an_unnamed_file_usable(folder: Path) -> None:
    told = {role: number for number, role in enumerate(ROLES)}
    checked = finish(check_folder(folder, told))
    assert "unnamed.tif" in {image.path.name for image in checked.usable}


def test_pixels_that_a_program_has_filled_in_are_refused(tmp_path: Path) -> None:
    stack = Stack(pixels(0), "CYX", tuple(Channel(role, role) for role in ROLES))
    write(Imputation.of(stack, stack.data < 9), tmp_path / "out.ome.tif")
    (image,) = finish(check_folder(tmp_path)).images
    assert "imputed" in image.refused


def test_the_trainer_uses_what_the_check_has_told(folder: Path) -> None:
    checked = finish(check_folder(folder))
    warnings: list[str] = []
    recipe = {"base": folder, "data": {"images": [str(folder)]}}
    split = read_split(TrainConfig.model_validate(recipe), warnings.append)
    used = [source for part in split for source in part]
    assert len(used) == len(checked.usable)
    assert len([text for text in warnings if "left out" in text]) == len(checked.refused)
    count = len(checked.usable)
    watched, tested = held_out(count, VALIDATION_SHARE, TEST_SHARE)
    parts = (count - watched - tested, watched, tested)
    assert tuple(map(len, split))[:3] == parts


@pytest.mark.parametrize(
    ("count", "kept"), [(1, (0, 0)), (2, (1, 0)), (5, (1, 0)), (6, (1, 1)), (30, (3, 3))]
)
def test_what_is_held_out_of_so_many(count: int, kept: tuple[int, int]) -> None:
    assert held_out(count, VALIDATION_SHARE, TEST_SHARE) == kept


def test_a_folder_that_holds_nothing_is_refused(tmp_path: Path) -> None:
    for place, kind in ((tmp_path, Kind.EMPTY), (tmp_path / "none", Kind.NOT_THERE)):
        with pytest.raises(DualglandError) as error:
            finish(check_folder(place))
        assert error.value.kind == kind


def test_stopped_in_the_middle_it_tells_what_it_has_seen(folder: Path) -> None:
    asked = iter([False, False, True, True, True, True, True])
    assert len(finish(check_folder(folder, None, lambda: next(asked))).images) == 2


def test_an_ome_zarr_is_one_image_whatever_lies_in_it(tmp_path: Path) -> None:
    inside = tmp_path / "plate" / "field.zarr" / "0"
    inside.mkdir(parents=True)
    (inside / "0.tif").write_bytes(b"a chunk that is called so")
    assert one_path_each(images_in(tmp_path)) == [inside.parent]
