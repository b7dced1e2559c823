"""The recipes that ship: from which networks training may start, by name."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from napari_dualgland.errors import DualglandError, Kind

FOLDER = Path(__file__).parents[1] / "recipes"

NEEDED = ("yaml",)
"""What the extra ``train`` brings and a run cannot do without."""


@dataclass(frozen=True)
class ShippedRecipe:
    """What a person is told of a recipe.

    Attributes
    ----------
    title : str
        What it starts from, in a few words.
    summary : str
        When it is the right one.
    """

    title: str
    summary: str


RECIPES = {
    "shipped": ShippedRecipe(
        "The shipped model",
        "Goes on from the shipped network with your images. The usual choice.",
    ),
    "scratch": ShippedRecipe(
        "Nothing (from scratch)",
        "A new network that learns from your images alone: for cells or stains that the shipped "
        "model does not know. Takes many images and a GPU.",
    ),
    "tiny": ShippedRecipe(
        "Nothing, a tiny network",
        "Some minutes on any computer, to see how training goes. Its fills are not for use.",
    ),
}
"""By name, the usual one first."""


def recipe_path(given: str | Path) -> Path:
    """Return the file of a recipe: of one that ships by its name, unless a file is called so."""
    shipped = FOLDER / f"{given}.yaml"
    return shipped if str(given) in RECIPES and not Path(given).is_file() else Path(given)


def steps_of(recipe: str | Path) -> int | None:
    """Return how many steps a recipe asks for; None where it does not say."""
    import yaml

    try:
        told = yaml.safe_load(recipe_path(recipe).read_text(encoding="utf-8"))
        return int(told["steps"])
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError):
        return None  # whoever starts a run by it is told what is wrong


def refuse_lacking() -> None:
    """Refuse to train where what it needs is not installed.

    Raises
    ------
    DualglandError
        With the command that installs it.
    """
    lacking = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if lacking:
        raise DualglandError(
            Kind.NOT_INSTALLED,
            ", ".join(lacking),
            "training needs it",
            way_out="pip install 'napari-dualgland[train]'",
        )
