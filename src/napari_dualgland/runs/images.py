"""What of a lab's images can be trained on, and why the rest cannot.

One rule for the trainer, which leaves a file out with a warning, and for whoever looks at a
folder before a run is started.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.intensities import measurable
from napari_dualgland.io import read
from napari_dualgland.io.hpa import is_litter, parse_name
from napari_dualgland.io.zarr import is_ome_zarr
from napari_dualgland.progress import Progress
from napari_dualgland.stack import ROLES, Stack
from napari_dualgland.typing import AnyArray

ENDINGS = (".tif", ".tiff", ".tif.gz", ".tiff.gz", ".png", ".jpg", ".jpeg")
"""Of files in a folder that are taken for images; a folder ``*.zarr`` is one as a whole."""

LEAST_SIDE = 16
"""Pixels; a smaller image shows no part of a cell at any of the magnifications that are taught."""

VALIDATION_SHARE = TEST_SHARE = 0.1
"""Of the images, kept for looking at the network while it learns, and for the end."""


@dataclass(frozen=True)
class CheckedImage:
    """One image of a folder.

    Attributes
    ----------
    path : pathlib.Path
        Of a set of four files the path of one.
    roles : tuple of str
        Channels that are known.
    planes : int
        In z and time together.
    refused : str
        Why it cannot be trained on; empty where it can.
    unnamed : bool
        Whether it could be if somebody said which channel is what.
    """

    path: Path
    roles: tuple[str, ...] = ()
    planes: int = 0
    refused: str = ""
    unnamed: bool = False


@dataclass(frozen=True)
class CheckedFolder:
    """All images of a folder, in the order of their names."""

    folder: Path
    images: tuple[CheckedImage, ...]

    @property
    def usable(self) -> tuple[CheckedImage, ...]:
        """Those that can be trained on."""
        return tuple(image for image in self.images if not image.refused)

    @property
    def refused(self) -> tuple[CheckedImage, ...]:
        """Those that cannot."""
        return tuple(image for image in self.images if image.refused)

    def channels(self) -> dict[str, int]:
        """Return by role in how many of the usable images it is known."""
        seen = Counter(role for image in self.usable for role in image.roles)
        return {role: seen[role] for role in ROLES if seen[role]}

    @property
    def whole(self) -> int:
        """How many of the usable images have all four channels."""
        return sum(len(image.roles) == len(ROLES) for image in self.usable)


def images_in(folder: Path) -> list[Path]:
    """Return what lies in a folder, and in folders in it, and is called as images are."""
    found = []
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        arrays = [name for name in folders if is_ome_zarr(Path(place, name))]
        found += [Path(place, name) for name in arrays]
        folders[:] = [name for name in folders if name not in arrays]
        pictures = (name for name in files if name.lower().endswith(ENDINGS))
        found += [Path(place, name) for name in pictures if not is_litter(name)]
    return sorted(found)


def one_path_each(paths: Iterable[Path]) -> list[Path]:
    """Return one path for each image: of a set of four files, of an OME-Zarr and what is in it."""
    found: dict[Any, Path] = {}
    for path in paths:
        if any(parent in found for parent in path.parents):
            continue  # a part of an OME-Zarr that matched as a whole
        if is_ome_zarr(path):
            found.setdefault(path, path)
            continue
        # What else lies inside an OME-Zarr is no image by itself.
        if any(parent.suffix == ".zarr" for parent in path.parents):
            continue
        member = parse_name(path.name)
        if member is not None:
            found.setdefault((path.parent, member.stem), path)
        elif path.is_file():
            found.setdefault(path, path)
    return list(found.values())


def measured_planes(stack: Stack) -> AnyArray:
    """Return what can be learned from a stack: (T, Z, C, Y, X), the channels that have a role.

    Raises
    ------
    DualglandError
        If there is none, the image is too small, or pixels are missing or were filled in: what
        is not measured teaches nothing.
    """
    where = stack.source or stack.name
    height, width = stack.sizes["Y"], stack.sizes["X"]
    if min(height, width) < LEAST_SIDE:
        found, expected = f"is {height} × {width} pixels", f"{LEAST_SIDE} × {LEAST_SIDE} or more"
        raise DualglandError(Kind.WRONG_CONTENT, where, found, expected=expected)
    if not stack.roles:
        found, way_out = "no channel has a role", "say which channel is what"
        raise DualglandError(Kind.LACKING, where, found, way_out=way_out)
    if stack.imputed is not None and bool(np.asarray(stack.imputed).any()):
        raise DualglandError(Kind.WRONG_CONTENT, where, "holds imputed pixels; they teach nothing")
    planes = np.asarray(stack.canonical())[:, :, list(stack.roles.values())]
    if not measurable(planes).all():
        found = "has pixels that are NaN, infinite or beyond what a camera counts"
        raise DualglandError(Kind.NOT_FINITE, where, found)
    return planes


def _check_image(path: Path, channels: Mapping[str, int | str] | None = None) -> CheckedImage:
    """Return what of an image can be trained on."""
    try:
        stack = read(path, channels=channels or None)
        planes = measured_planes(stack)
    except DualglandError as error:
        # The file is named beside it; the way out is that of the command line.
        unnamed = error.kind in (Kind.AMBIGUOUS, Kind.LACKING)
        return CheckedImage(path, refused=error.found, unnamed=unnamed)
    except OSError as error:
        return CheckedImage(path, refused=error.strerror or str(error))
    return CheckedImage(path, tuple(stack.roles), planes.shape[0] * planes.shape[1])


def check_folder(
    folder: Path,
    channels: Mapping[str, int | str] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Generator[Progress, None, CheckedFolder]:
    """Read every image of a folder, as the trainer will.

    Parameters
    ----------
    folder : pathlib.Path
    channels : mapping of str to int or str, optional
        Where names do not tell.
    should_stop : callable
        Asked between images; what was seen until then is returned.

    Yields
    ------
    Progress
        Images.

    Returns
    -------
    CheckedFolder

    Raises
    ------
    DualglandError
        If there is no such folder, or no image in it.
    """
    if not folder.is_dir():
        raise DualglandError(Kind.NOT_THERE, folder, "no such folder")
    paths = one_path_each(images_in(folder))
    if not paths:
        raise DualglandError(
            Kind.EMPTY,
            folder,
            "no image lies in this folder",
            expected="HPA sets, TIFF, OME-TIFF or OME-Zarr",
        )
    seen: list[CheckedImage] = []
    for path in paths:
        yield Progress(len(seen), len(paths), path.name)
        if should_stop():
            break
        seen.append(_check_image(path, channels))
    return CheckedFolder(folder, tuple(seen))


def held_out(count: int, validation: float, test: float) -> tuple[int, int]:
    """Return how many of so many images are kept for validation and for the end.

    Parameters
    ----------
    count : int
        Images, or groups of them.
    validation, test : float
        Their shares. Of two images or more one is kept for validation, unless its share is 0.

    Returns
    -------
    tuple of int
    """
    watched = round(validation * count)
    if count > 1 and validation > 0:
        watched = max(1, watched)
    return watched, round(test * count)
