"""The network of a recipe, new or with what an earlier stage learned."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load

from dualgland_training.localizer.recipe import LocalizerRecipe
from dualgland_training.trainer.checkpoint import averaged_weights
from napari_dualgland.errors import DualglandError
from napari_dualgland.model.localizer import Localizer

HEAD = {"usual", "spread", "direct"}
"""Parts of the network that the second stage adds; weights of the first may lack them."""


def start_network(recipe: LocalizerRecipe, weights: Path | None) -> Localizer:
    """Return the network of a recipe.

    Parameters
    ----------
    recipe : LocalizerRecipe
        Says its size, and the seed of new weights.
    weights : pathlib.Path or None
        Of an earlier stage: a file, or the folder of its run, whose newest checkpoint
        counts. None: all are new.

    Returns
    -------
    Localizer
        In training mode, on the CPU.

    Raises
    ------
    DualglandError
        If the weights are of another network.
    """
    torch.manual_seed(recipe.seed)
    network = Localizer(recipe.widths, recipe.depths)
    if weights is None:
        return network
    tensors = averaged_weights(weights) if weights.is_dir() else load(weights.read_bytes())
    try:
        missing, odd = network.load_state_dict(tensors, strict=False)
    except RuntimeError:
        missing, odd = [], ["sizes"]
    if odd or not {key.split(".")[0] for key in missing} <= HEAD:
        raise DualglandError(f"{weights}: the weights are not of this recipe's network")
    return network
