"""Models and their cards: found, verified against their hash, loaded; never unpickled.

A model is a ``.safetensors`` file with a card of the same name ending in ``.json`` beside
it. ``prior`` needs no weights and has a card alone. Shipped models lie in the package's
``weights`` folder; a lab's own lie in its models folder (``dualgland models`` names it).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import platformdirs
from pydantic import Field, ValidationError

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.files import decoding, home_expanded, regular
from napari_dualgland.frozen import FrozenModel
from napari_dualgland.model.tensors import read_tensor_file, refuse_other_shapes

if TYPE_CHECKING:
    from torch import nn

Network = TypeVar("Network", bound="nn.Module")

SHIPPED = Path(__file__).parents[1] / "weights"

KINDS: Mapping[str, tuple[str, ...]] = {
    "impute": ("prior", "generator"),
    "localize": ("localizer",),
}
"""Which architectures do which job."""

LARGEST_CARD = 4 * 2**20
"""Bytes of a card at most; those that are shipped have six thousand."""


class ModelCard(FrozenModel):
    """What a person must know of a model before trusting it.

    Attributes
    ----------
    name, version, summary : str
        What it is called and what it does.
    architecture : dict
        ``{"kind": …, **arguments}``; builds the network. ``{"kind": "prior"}`` has none.
    parameters : int
        Count of learned numbers.
    data : tuple of str
        What it was trained on, with attribution.
    held_out : tuple of str
        What was kept from training for the figures.
    recipe : dict
        The resolved training configuration.
    seed, steps : int
        Of the training.
    figures : dict
        Measured on ``held_out``, with their definitions.
    use : dict
        How the network is used. Of a localizer: ``temperature``, by which logits are divided,
        and by class the ``thresholds`` from which it is named and its ``prior``, the base rate.
    licence : str
        Licence of the weights.
    sha256 : str or None
        Of the ``.safetensors`` file; None where there is none.
    """

    name: str
    version: str = "1"
    summary: str = ""
    architecture: dict[str, Any]
    parameters: int = 0
    data: tuple[str, ...] = ()
    held_out: tuple[str, ...] = ()
    recipe: dict[str, Any] = Field(default_factory=dict)
    seed: int = 0
    steps: int = 0
    figures: dict[str, Any] = Field(default_factory=dict)
    use: dict[str, Any] = Field(default_factory=dict)
    licence: str = ""
    sha256: str | None = None


def models_folder() -> Path:
    """Return the folder for a lab's own models; ``DUALGLAND_MODELS`` names another."""
    chosen = os.environ.get("DUALGLAND_MODELS")
    return Path(chosen) if chosen else platformdirs.user_data_path("dualgland") / "models"


def list_models() -> dict[str, Path]:
    """Return the card files of all models by name, a lab's own after the shipped ones.

    A lab's model does not take the name of a shipped one: provenance would be ambiguous.
    """
    found = {card.stem: card for card in sorted(SHIPPED.glob("*.json"))}
    for card in sorted(models_folder().glob("*.json")):
        if not card.name.startswith("."):  # macOS leaves a "._name.json" beside each file
            found.setdefault(card.stem, card)
    return found


def read_card(model: str) -> tuple[ModelCard, Path]:
    """Return the card of a model and the path of the card.

    Parameters
    ----------
    model : str
        Name of a model, or path of its ``.safetensors`` file or card.

    Raises
    ------
    DualglandError
        If there is no such model, or its card cannot be read.
    """
    models = list_models()
    if model in models:
        path = models[model]
    elif model.endswith((".safetensors", ".json")):
        path = home_expanded(model).with_suffix(".json")
    else:
        raise DualglandError(
            Kind.NOT_THERE,
            f"model {model!r}",
            f"no such model; there are {', '.join(models)}",
            way_out="name one of them, or give the path of a .safetensors file",
        )
    size = regular(path, "model card").stat().st_size
    if size > LARGEST_CARD:
        raise DualglandError(
            Kind.TOO_LARGE,
            path,
            f"a model card of {size} bytes",
            expected=f"{LARGEST_CARD} at most",
        )
    with decoding(path, "model card"):
        raw = path.read_bytes()
    try:
        return ModelCard.model_validate_json(raw), path
    except ValidationError as error:
        wrong = error.errors()[0]
        kind = Kind.DAMAGED if wrong["type"] == "json_invalid" else Kind.WRONG_CONTENT
        found, part = f"the model card cannot be read ({wrong['msg']})", _option(wrong["loc"])
        raise DualglandError(kind, path, found, part=part) from None


def _option(location: tuple[int | str, ...]) -> str:
    return ".".join(map(str, location))


def models_for(job: str) -> tuple[str, ...]:
    """Return the names of the models that do a job, one of :data:`KINDS`.

    A model whose card cannot be read is among them: what is wrong with it is said where it is
    chosen.
    """
    names = []
    for name in list_models():
        try:
            kind = read_card(name)[0].architecture.get("kind")
        except DualglandError:
            kind = None
        if kind is None or kind in KINDS[job]:
            names.append(name)
    return tuple(names)


def card_for(job: str, model: str) -> tuple[ModelCard, Path]:
    """Return the card of a model, as :func:`read_card`, if the model does this job.

    Parameters
    ----------
    job : str
        One of :data:`KINDS`.
    model : str
        As in :func:`read_card`.

    Returns
    -------
    card : ModelCard
        The card.
    path : pathlib.Path
        Of the card.

    Raises
    ------
    DualglandError
        If there is no such model, or it was made for something else.
    """
    card, path = read_card(model)
    kind = card.architecture.get("kind")
    if kind in KINDS[job]:
        return card, path
    if not any(kind in kinds for kinds in KINDS.values()):
        raise DualglandError(
            Kind.UNSUPPORTED,
            path,
            f"unknown architecture {kind!r}; a newer version may know it",
            part="architecture",
        )
    others = ", ".join(models_for(job)) or "none yet, give the path of a .safetensors file"
    raise DualglandError(
        Kind.WRONG_CONTENT,
        path,
        f"{card.name} is a {kind} and cannot {job}",
        expected=f"one of {others}",
    )


def read_tensors(card: ModelCard, path: Path) -> dict[str, Any]:
    """Return the tensors of a model after checking the file against the card's hash.

    Parameters
    ----------
    card : ModelCard
        The card, whose ``sha256`` is checked.
    path : pathlib.Path
        Of the card; the weights lie beside it.

    Returns
    -------
    dict of str to torch.Tensor
        By name in the network.

    Raises
    ------
    DualglandError
        If the file is missing, damaged, not the one that the card describes, or a number in it
        is not finite.
    """
    weights = path.with_suffix(".safetensors")
    if card.sha256 is None:
        raise DualglandError(
            Kind.LACKING, path, "the card holds no hash of the weights", part="sha256"
        )
    return dict(read_tensor_file(weights, sha256=card.sha256).tensors)


def load_network(
    build: Callable[[dict[str, Any]], Network], card: ModelCard, path: Path
) -> Network:
    """Build the network that a card states and fill in its weights, in float32.

    Parameters
    ----------
    build : callable
        Takes the architecture of the card and returns the untrained network.
    card : ModelCard
        The card.
    path : pathlib.Path
        Of the card; the weights lie beside it.

    Returns
    -------
    torch.nn.Module
        The trained network, on the CPU.

    Raises
    ------
    DualglandError
        If the weights are damaged, not finite, or do not fit the architecture that the card
        states.
    """
    import torch

    tensors = read_tensors(card, path)
    try:
        # Without memory at first: a card may state a network of any size.
        with torch.device("meta"):
            outline = build(card.architecture)
    except (KeyError, OverflowError, RuntimeError, TypeError, ValueError) as error:
        first = " ".join(str(error).split())[:200]
        found = f"no such network can be built ({first})"
        raise DualglandError(Kind.WRONG_CONTENT, path, found, part="architecture") from None
    refuse_other_shapes(tensors, outline, path.with_suffix(".safetensors"))
    network = build(card.architecture)
    network.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
    return network
