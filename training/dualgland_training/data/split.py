"""All images of a recipe, by what they may be used for."""

from __future__ import annotations

from collections.abc import Callable, Mapping

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


def parts_of(split: Split) -> dict[str, list[str]]:
    """Return the names of a lab's own images, by what they are for."""
    return {
        part: sorted(source.name for source in sources if source.kind == "images")
        for part, sources in split._asdict().items()
    }


def divided_as(
    was: Mapping[str, list[str]], split: Split, config: ImageRun, warn: Callable[[str], None]
) -> Split:
    """Divide images as they were when a run began, whatever a draw among those of today gives.

    Parameters
    ----------
    was : mapping
        As :func:`parts_of` told it then.
    split : Split
        Of today.
    config : ImageRun
        The resolved recipe; where it names no split file, new images are trained on.
    warn : callable
        Told that the images are others.

    Returns
    -------
    Split

    Raises
    ------
    DualglandError
        If none is left to train on.
    """
    # Of one name for two images, training counts: what was trained on was not held out.
    before = {name: part for part in reversed(PARTS) for name in was[part]}
    parts: dict[str, list[Source]] = {part: [] for part in PARTS}
    new = 0
    for part, sources in split._asdict().items():
        for source in sources:
            drawn, known = source.kind == "images", source.name in before
            new += drawn and not known
            fresh = part if config.data.split is not None else "train"
            parts[before.get(source.name, fresh) if drawn else part].append(source)
    warn(
        "the images are not those of the checkpoint, or divided otherwise: each stays what it "
        f"was for; new ones: {new}"
    )
    if not parts["train"]:
        found = "none of the images that this run was trained on is left"
        raise DualglandError(Kind.LACKING, "data.images", found, way_out="put them back")
    return Split(*(tuple(parts[part]) for part in PARTS))
