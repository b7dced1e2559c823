"""What the card of a localizer says."""

from __future__ import annotations

from typing import Any

from dualgland_training.localizer.recipe import LocalizerRecipe
from dualgland_training.trainer.model_card import ATLAS_LICENCE, CREDIT
from napari_dualgland.model.weights import ModelCard


def localizer_card(
    recipe: LocalizerRecipe, steps: int, use: dict[str, Any], figures: dict[str, Any]
) -> ModelCard:
    """Return the card of a localizer.

    Parameters
    ----------
    recipe : LocalizerRecipe
        The resolved recipe.
    steps : int
        That it was trained for.
    use : dict
        Temperature, bias, thresholds and base rates.
    figures : dict
        Of drawn cells.

    Returns
    -------
    ModelCard
        Without the hash of its weights.
    """
    kept = recipe.kept()
    return ModelCard(
        name=recipe.name,
        summary="Classes of a protein per cell and per pixel, from four channels.",
        architecture={"kind": "localizer", "widths": recipe.widths, "depths": recipe.depths},
        data=(
            "Cells and proteins drawn by dualgland_training.simulate.",
            "Human Protein Atlas (proteinatlas.org): annotated single cells of five classes, and "
            f"the landmarks of reference cells; {CREDIT}",
        ),
        held_out=(*kept.held_out_groups, *kept.validation_groups),
        recipe=recipe.model_dump(mode="json", exclude={"threads", "device"}),
        seed=recipe.seed,
        steps=steps,
        figures=figures,
        use=use,
        licence=ATLAS_LICENCE,
    )
