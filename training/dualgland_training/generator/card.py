"""What the card of a generator says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dualgland_training.data.source import Split
from dualgland_training.generator.recipe import TrainConfig
from dualgland_training.trainer.model_card import CREDIT
from napari_dualgland.model.weights import ModelCard

USE = {
    "where": "every missing pixel",
    "how far": "per channel, from 0 (the prior alone) to 1 (the network alone), as far as "
    "rehearsing on the image at hand bears the network out",
}
"""Where a generator is used and where the prior stands alone."""


def _data(config: TrainConfig) -> tuple[str, ...]:
    """Return what a model was trained on, with attribution."""
    told = []
    if config.data.root is not None:
        told.append(
            "Human Protein Atlas (proteinatlas.org), fields of view, single cells and "
            f"single channels; {CREDIT}"
        )
    if config.data.images:
        # By name: whoever is given the model need not know a lab's folders.
        folders = ", ".join(Path(folder).name for folder in config.data.images)
        told.append(f"Images {folders}. {config.data.credit}".strip())
    return tuple(told)


def _held_out(config: TrainConfig, split: Split) -> tuple[str, ...]:
    """Return the images and groups that were never trained on and never chosen by."""
    named = (*config.data.held_out_fields, *config.data.held_out_groups)
    return (*named, *(source.name for source in split.test if source.kind == "images"))


def generator_card(
    config: TrainConfig,
    split: Split,
    architecture: dict[str, Any],
    step: int,
    figures: dict[str, Any],
) -> ModelCard:
    """Return the card of a generator.

    Parameters
    ----------
    config : TrainConfig
        The resolved recipe.
    split : Split
        The images.
    architecture : dict
        How the network is built.
    step : int
        Steps done.
    figures : dict
        Of validation.

    Returns
    -------
    ModelCard
        Without the hash of its weights.
    """
    return ModelCard(
        name=config.name,
        summary="Fills missing pixels from what lies around them and from the other channels, "
        "and says how far each may be off.",
        architecture=architecture,
        data=_data(config),
        held_out=_held_out(config, split),
        recipe=config.model_dump(
            mode="json",
            exclude={"threads", "device"},
            exclude_unset=config.steps == 0,  # of an average, nothing was done by the defaults
        ),
        seed=config.seed,
        steps=step,
        figures=figures,
        use=USE,
        licence="BSD-3-Clause for the weights; the images they were trained on are not contained"
        + (" (the Human Protein Atlas's: CC BY-SA)." if config.data.root else "."),
    )
