"""The network of a recipe, new or with what an earlier stage learned."""

from __future__ import annotations

from pathlib import Path

import torch

from dualgland_training.localizer.recipe import LocalizerRecipe
from dualgland_training.trainer.checkpoint import averaged_weights
from napari_dualgland.model.localizer import Localizer
from napari_dualgland.model.tensors import read_tensor_file, refuse_other_shapes

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
    in_run = weights.is_dir()
    tensors = averaged_weights(weights) if in_run else read_tensor_file(weights).tensors
    own = network.state_dict()
    may_lack = {name: tensor for name, tensor in own.items() if name.split(".")[0] in HEAD}
    refuse_other_shapes(may_lack | tensors, network, weights)
    network.load_state_dict(tensors, strict=False)
    return network
