"""What all sections of the report share: where data, models and finished fills are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import Field

from napari_dualgland.frozen import FrozenModel

Result = dict[str, Any]
Say = Callable[[str], None]

RECIPE = Path(__file__).parents[2] / "training" / "recipes" / "generator.yaml"


class Setting(FrozenModel):
    """Options of the report.

    Attributes
    ----------
    data : pathlib.Path
        The atlas collection.
    model : str
        Localizer, by name or file.
    judges : dict
        Other localizers by name: they read damaged cells too.
    folds : pathlib.Path or None
        What networks said of the cells that each was not taught, a row per cell.
    ablations : dict
        Name → such a file of networks that were taught otherwise.
    bank : pathlib.Path or None
        Drawn cells with their truth, of fields that were not trained on.
    recipe : pathlib.Path
        Of the generator: the groups and fields that it was not taught.
    scratch : pathlib.Path
        Where features and fills are kept between runs; outside of the repository.
    generator : str
        What imputes, by name or file.
    adapt : bool
        Whether it learns inside the image.
    classical : tuple of str
        Classical fills; per kind of damage the best of them counts.
    cases : tuple of str
        Kinds of damage; all of them if empty.
    cells : int
        Damaged cells at most, alike from every class; 0 for all.
    drawn : int
        Drawn cells for the dense layers.
    threads : int
        CPU threads.
    """

    data: Path
    model: str = "localizer"
    judges: dict[str, str] = Field(default_factory=dict)
    folds: Path | None = None
    ablations: dict[str, Path] = Field(default_factory=dict)
    bank: Path | None = None
    recipe: Path = RECIPE
    scratch: Path
    generator: str = "generator"
    adapt: bool = True
    classical: tuple[str, ...] = ("Telea", "Navier–Stokes", "FSR", "biharmonic")
    cases: tuple[str, ...] = ()
    cells: int = Field(default=60, ge=0)
    drawn: int = Field(default=190, ge=1)
    threads: int = Field(default=1, ge=1)
