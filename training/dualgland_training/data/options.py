"""Options of data: where images lie, what is kept from training, how crops are hurt and shaken."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from dualgland_training.trainer.options import RunOptions, check_options, read_yaml
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.files import home_expanded
from napari_dualgland.frozen import FrozenModel
from napari_dualgland.runs.images import TEST_SHARE, VALIDATION_SHARE

Family = Literal["box", "thin", "thick", "random", "saturated", "channel", "lines", "scratches"]
Role = Literal["microtubules", "protein", "nucleus", "er"]
Images = Literal["fields", "fields512", "cells", "singles", "images"]
Part = Literal["validation", "test", "shift"]
Weight = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]


def _rising(bounds: tuple[float, float]) -> tuple[float, float]:
    if not 0 < bounds[0] <= bounds[1]:
        raise ValueError("the range must rise from a number above 0")
    return bounds


def _some(weights: dict[Family, float]) -> dict[Family, float]:
    if not any(weights.values()):
        raise ValueError("at least one weight must be above 0")
    return weights


Range = Annotated[tuple[float, float], AfterValidator(_rising)]


class DataOptions(FrozenModel):
    """Where the images lie and what is kept from training.

    Paths are looked for from the recipe's folder, then from the working directory.

    Attributes
    ----------
    images : tuple of str
        Globs of images that ``napari_dualgland.read`` opens: members of HPA four-file
        sets, TIFF, OME-TIFF, OME-Zarr. ``**`` goes into folders; a folder stands for all
        images in it.
    channels : dict
        From role to position or name of a channel, where names do not tell.
    split : pathlib.Path or None
        CSV with a column ``glob`` (or ``path``, or ``field``: the name of an image) and
        ``split`` (train, validation, test, shift) or ``group`` or both. Images of no row
        are left out. Without it images are drawn whole, by the seed.
    validation_share, test_share : float
        Of the images (or groups) that are drawn for it where nothing says.
    credit : str
        Attribution of the images, for the model card.
    root : pathlib.Path or None
        Folder with ``fields``, ``fields512``, ``cells``, ``singles`` and ``other_atlas`` as in
        the atlas collection. ``other_atlas`` is never trained on.
    held_out_fields, held_out_groups : tuple of str
        Of ``root``: fields and groups of cells for the final figures, never trained on.
    validation_fields, validation_groups : tuple of str
        Of ``root``: fields and groups of cells by which a checkpoint is chosen.
    validation_singles : int
        Of ``root``: every n-th single-channel field is kept for validation.
    watched : tuple of str
        Parts of the split that are looked at while training: ``validation``, by which a
        checkpoint is chosen, and, never chosen by, ``test`` and ``shift`` (images of another
        kind, to see how far what was learned carries).
    shares : dict
        How often a source is drawn: ``fields``, ``fields512``, ``cells``, ``singles`` of
        ``root``, ``images`` of the globs. What there is none of is not drawn.
    """

    images: tuple[str, ...] = ()
    channels: dict[Role, int | str] = Field(default={})
    split: Path | None = None
    validation_share: float = Field(default=VALIDATION_SHARE, ge=0, le=0.5)
    test_share: float = Field(default=TEST_SHARE, ge=0, le=0.5)
    credit: str = ""
    root: Path | None = None
    held_out_fields: tuple[str, ...] = ()
    held_out_groups: tuple[str, ...] = ()
    validation_fields: tuple[str, ...] = ()
    validation_groups: tuple[str, ...] = ()
    validation_singles: int = Field(default=10, ge=0)
    watched: tuple[Part, ...] = ("validation",)
    shares: dict[Images, Weight] = Field(
        default={"fields": 0.4, "fields512": 0.15, "cells": 0.3, "singles": 0.15, "images": 1.0}
    )

    def part_of(self, name: str, column: str) -> str:
        """Return what a field or a group of cells of the collection is for.

        Parameters
        ----------
        name : str
            Of the field or group.
        column : str
            ``fields`` or ``groups``.

        Returns
        -------
        str
            ``train``, ``validation`` or ``test``.
        """
        if name in getattr(self, f"held_out_{column}"):
            return "test"
        return "validation" if name in getattr(self, f"validation_{column}") else "train"


class DamageOptions(FrozenModel):
    """How often each family of damage is drawn, and over which channels.

    Attributes
    ----------
    families : dict
        Weight of each family of :mod:`dualgland_training.data.damage`.
    all_channels : float
        Share of samples in which all channels lose the same pixels; the rest lose them
        in one, two or three channels.
    scale : tuple of float
        Range of the damage's size relative to its definition at 0.16 µm.
    """

    families: Annotated[dict[Family, Weight], AfterValidator(_some)] = Field(
        default={
            "box": 0.28,
            "thin": 0.22,
            "thick": 0.17,
            "random": 0.17,
            "saturated": 0.1,
            "channel": 0.06,
        }
    )
    all_channels: Share = 0.45
    scale: Range = (0.6, 1.0)


class AugmentOptions(FrozenModel):
    """How a crop is shaken, so that exposure and couplings are not learned by heart.

    Attributes
    ----------
    gain : float
        Standard deviation of the logarithm of a channel's gain.
    gamma : float
        The same of a channel's gamma.
    permute : float
        Share of samples whose channels change roles.
    decouple : float
        Share of samples of which one channel comes from another image.
    zoom : tuple of float
        Range of continuous magnification on top of the pyramid of the source.
    noisy : float
        Share of samples to which noise is added.
    noise, shot : float
        Largest standard deviation of what is added, normalised units: everywhere, and at
        intensity 1, growing with the root of the intensity.
    """

    gain: Weight = 0.25
    gamma: Weight = 0.15
    permute: Share = 0.15
    decouple: Share = 0.1
    zoom: Range = (0.8, 1.25)
    noisy: Share = 0.5
    noise: Weight = 0.015
    shot: Weight = 0.14


class ImageRun(RunOptions):
    """A run on images: those of a collection, a lab's own, or both.

    Attributes
    ----------
    data : DataOptions
        Where they lie and what is kept from training.
    """

    data: DataOptions = DataOptions()


class CellRun(RunOptions):
    """A run on the annotated cells of the atlas collection.

    Attributes
    ----------
    split : pathlib.Path
        Recipe of a generator: the groups that it keeps apart are kept apart here, too.
    root : pathlib.Path or None
        Folder of the collection; None: that of ``split``.
    """

    split: Path = Path("generator.yaml")
    root: Path | None = None

    def kept(self) -> DataOptions:
        """Return what ``split`` keeps apart.

        Raises
        ------
        DualglandError
            If that recipe cannot be read.
        """
        path = self.found(self.split)
        return check_options(DataOptions, read_yaml(path).get("data", {}), path)

    def collection(self) -> Path:
        """Return the folder of the collection.

        Raises
        ------
        DualglandError
            If neither recipe names one.
        """
        if self.root is not None:
            return self.found(self.root)
        recipe, root = self.found(self.split), self.kept().root
        if root is None:
            raise DualglandError(
                Kind.LACKING,
                recipe,
                "names no atlas collection",
                part="data.root",
                way_out="set root:",
            )
        root = home_expanded(root)
        return recipe.parent / root if (recipe.parent / root).exists() else root
