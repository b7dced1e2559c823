"""A training recipe, opened on the atlas collection of this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dualgland_training.generator.recipe import TrainConfig, read_recipe


def open_recipe(recipe: Path, root: Path, **data: Any) -> TrainConfig:
    """Return a recipe whose images are read from another folder.

    Parameters
    ----------
    recipe : pathlib.Path
        The YAML file.
    root : pathlib.Path
        Folder of the atlas collection.
    **data
        What else changes of the recipe's ``data``.

    Returns
    -------
    TrainConfig
        The options.
    """
    config = read_recipe(recipe)
    where = config.data.model_copy(update={"root": root.resolve(), **data})
    return config.model_copy(update={"data": where})
