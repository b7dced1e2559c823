"""All images of a recipe, by what they may be used for."""

from __future__ import annotations

from collections.abc import Callable

from dualgland_training.data.collection import read_collection
from dualgland_training.data.images import read_images
from dualgland_training.data.options import ImageRun
from dualgland_training.data.source import PARTS, Source, Split
from napari_dualgland.errors import DualglandError, Kind


def read_split(config: ImageRun, warn: Callable[[str], None]) -> Split:
    """Read every image of a recipe and sort it into training, validation and test.

    Parameters
    ----------
    config : ImageRun
        The resolved recipe.
    warn : callable
        Told of every image that is left out.

    Returns
    -------
    Split
        Sources by what they are for.

    Raises
    ------
    DualglandError
        If the recipe names no images, or none is left to train on.
    """
    if not config.data.images and config.data.root is None:
        raise DualglandError(
            Kind.LACKING,
            "data.images",
            "the recipe names no images",
            way_out="set it to globs, or data: root: to the folder of an atlas collection",
        )
    parts: dict[str, list[Source]] = {part: [] for part in PARTS}
    if config.data.root is not None:
        parts |= read_collection(config.found(config.data.root), config.data)
    if config.data.images:
        for part, sources in read_images(config, warn).items():
            parts[part] += sources
    return Split(*(tuple(parts[part]) for part in PARTS))
