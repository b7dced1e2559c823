"""A lab's own images for training: found by globs, read as the plugin reads, split whole.

Whatever ``napari_dualgland.read`` opens can be trained on. A file that cannot be used is
left out with a warning that says why; one odd file must not cost a night on a cluster.
"""

from __future__ import annotations

import glob
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dualgland_training.data.options import ImageRun
from dualgland_training.data.source import PARTS, Source, shrink
from dualgland_training.data.split_file import assign_parts, name_of
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.files import home_expanded
from napari_dualgland.imputation.normalise import measure
from napari_dualgland.io import read
from napari_dualgland.io.zarr import is_ome_zarr
from napari_dualgland.runs.images import images_in, measured_planes, one_path_each
from napari_dualgland.stack import ROLES, Stack

Warn = Callable[[str], None]

FACTORS = (1, 2, 4)
"""By how much an image may be shrunk, so that one field teaches several magnifications."""

COARSEST_UM = 0.35
"""Pixel size in µm beyond which nothing is shrunk: the program works up to 0.32."""

SMALLEST_SIDE = 256
"""Pixels; an image of unknown pixel size is not shrunk below it."""


def _find_images(config: ImageRun, warn: Warn) -> list[Path]:
    """Return the images of a recipe's globs and folders, one path for each set of four.

    Raises
    ------
    DualglandError
        If nothing matches at all.
    """
    found: list[Path] = []
    for pattern in config.data.images:
        folder = config.found(Path(pattern))
        if folder.is_dir() and not is_ome_zarr(folder):
            found += images_in(folder)
            continue
        here = home_expanded(pattern)
        matched = sorted(glob.glob(str(config.base / here), recursive=True))
        matched = matched or sorted(glob.glob(str(here), recursive=True))
        if not matched:
            warn(f"no file matches {pattern}")
        found += map(Path, matched)
    images = one_path_each(found)
    if not images:
        raise DualglandError(
            Kind.NOT_THERE,
            "data.images",
            f"no image matches {', '.join(config.data.images)}, seen from {config.base} or the "
            "working directory",
            way_out="name a folder with TIFFs, OME-Zarrs or sets of four pictures",
        )
    return images


def _image_source(stack: Stack, name: str) -> Source:
    """Return a stack as a source: all planes, normalised together, at falling magnification.

    Raises
    ------
    DualglandError
        If pixels are missing or were filled in: what is not measured teaches nothing.
    """
    planes = measured_planes(stack)
    known = tuple(role in stack.roles for role in ROLES)
    scale = measure([planes[:, :, c].ravel() for c in range(planes.shape[2])])
    images = []
    for plane in planes.reshape(-1, *planes.shape[2:]):
        whole = np.zeros((len(ROLES), *plane.shape[1:]), np.float32)
        whole[list(known)] = scale.shown(plane)
        images += [shrink(whole, f).astype(np.float16) for f in _factors(stack, plane.shape[1:])]
    return Source(name, "images", tuple(images), known)


def _factors(stack: Stack, sides: tuple[int, ...]) -> list[int]:
    size = stack.pixel_size
    if size is not None:
        return [f for f in FACTORS if f == 1 or f * size.x <= COARSEST_UM]
    return [f for f in FACTORS if f == 1 or min(sides) // f >= SMALLEST_SIDE]


def _divided(source: Source) -> tuple[Source, Source]:
    """Divide an only image: its upper three quarters and its lowest quarter."""
    upper: list[npt.NDArray[np.float16]] = []
    lower: list[npt.NDArray[np.float16]] = []
    for image in source.images:
        cut = image.shape[1] * 3 // 4
        upper.append(image[:, :cut])
        lower.append(image[:, cut:])
    return (
        Source(f"{source.name}, upper", source.kind, tuple(upper), source.known),
        Source(f"{source.name}, lower", source.kind, tuple(lower), source.known),
    )


def read_images(config: ImageRun, warn: Warn) -> dict[str, list[Source]]:
    """Read the images of a recipe's globs, by what they are for.

    An image that cannot be used is left out with a warning. An only image is divided.

    Parameters
    ----------
    config : ImageRun
        The resolved recipe.
    warn : callable
        Told of what is left out.

    Returns
    -------
    dict
        Sources by part.

    Raises
    ------
    DualglandError
        If nothing matches, or nothing is left to train on.
    """
    found = _find_images(config, warn)
    channels = {str(role): channel for role, channel in config.data.channels.items()}
    sources: dict[Path, Source] = {}
    problems = []
    # What a split file does not name is not read; without one, parts are drawn of what is whole.
    told = None if config.data.split is None else assign_parts(found, config, warn)
    for path in found if told is None else told:
        try:
            stack = read(path, channels=channels or None)
            sources[path] = _image_source(stack, name_of(path))
        except (DualglandError, OSError) as error:
            problems.append(" ".join(str(error).split()))
            warn(f"left out: {problems[-1]}")
    part_of = assign_parts(list(sources), config, warn) if told is None else told
    parts: dict[str, list[Source]] = {part: [] for part in PARTS}
    for path, source in sources.items():
        parts[part_of[path]].append(source)
    # Shares of a half each leave nothing of two images; what a split file holds out stays.
    for part in ("validation", "test") if config.data.split is None else ():
        if not parts["train"] and parts[part]:
            parts["train"].append(parts[part].pop())
    if not parts["train"]:
        why = f"; the first: {problems[0]}" if problems else ""
        raise DualglandError(
            Kind.LACKING,
            "data.images",
            f"of {len(found)} images none can be trained on ({len(problems)} cannot be used){why}",
        )
    if sum(map(len, parts.values())) == 1 and config.data.validation_share > 0:
        upper, lower = _divided(parts["train"][0])
        parts["train"], parts["validation"] = [upper], [lower]
        warn("one image alone: its lowest quarter is looked at in validation")
    return parts
