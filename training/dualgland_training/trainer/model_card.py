"""Weights and their card, written together: what the plugin's pickers take at once."""

from __future__ import annotations

import hashlib
from pathlib import Path

from torch import nn

from dualgland_training.trainer.checkpoint import write_tensors
from napari_dualgland.io.atomic import replacing_all
from napari_dualgland.model.generator import count_parameters
from napari_dualgland.model.tensors import refuse_not_finite
from napari_dualgland.model.weights import ModelCard

ATLAS_LICENCE = (
    "BSD-3-Clause for the weights; the training images are the Human Protein Atlas's, CC BY-SA, "
    "and are not contained."
)
CREDIT = "images under Creative Commons Attribution-ShareAlike (CC BY-SA)."


def write_model(folder: Path, network: nn.Module, card: ModelCard) -> Path:
    """Write ``<name>.safetensors`` in half precision and the card of just these weights.

    Parameters
    ----------
    folder : pathlib.Path
        Is made where it lacks.
    network : torch.nn.Module
        The model.
    card : ModelCard
        What is to be said of it; the number of parameters and the hash are filled in.

    Returns
    -------
    pathlib.Path
        Of the weights; the card lies beside them.

    Raises
    ------
    DualglandError
        If a weight is not finite; nothing is written then.
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights = folder / f"{card.name}.safetensors"
    # Both are whole before either gets its name, for a card that does not match its weights is
    # refused.
    with replacing_all([weights, weights.with_suffix(".json")]) as (tensors, text):
        halves = {name: tensor.half() for name, tensor in network.state_dict().items()}
        # Half precision ends at 65504: what is written is looked at, not what it is made from.
        refuse_not_finite(halves, weights, "lower learning_rate and train anew")
        write_tensors(tensors, halves, {"format": "pt"})
        whole = card.model_copy(
            update={
                "parameters": count_parameters(network),
                "sha256": hashlib.sha256(tensors.read_bytes()).hexdigest(),
            }
        )
        text.write_text(whole.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return weights
