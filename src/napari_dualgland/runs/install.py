"""A finished model goes among those that the pickers offer."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.files import regular
from napari_dualgland.io.atomic import replacing_all
from napari_dualgland.io.places import made
from napari_dualgland.model.weights import SHIPPED, models_folder, read_card


def refuse_name(name: str) -> None:
    """Refuse the name of a model that there is: which of two was used, nobody could tell.

    Raises
    ------
    DualglandError
        Of kind ``conflict``.
    """
    if (SHIPPED / f"{name}.json").exists():
        found = "a shipped model is called so"
    elif (models_folder() / f"{name}.json").exists():
        found = f"a model is called so in {models_folder()}"
    else:
        return
    raise DualglandError(Kind.CONFLICT, f"model {name!r}", found, way_out="choose another name")


def install_model(weights: Path) -> Path:
    """Copy a model and its card into the models folder; return the path of the card there.

    The very same model may lie there already; an earlier state of the same run is replaced.

    Raises
    ------
    DualglandError
        If it is damaged, another model has its name, or the folder cannot be written to.
    """
    card, path = read_card(str(regular(weights, "model")))
    content = weights.read_bytes()
    if hashlib.sha256(content).hexdigest() != card.sha256:
        found = "the weights are not those that the card describes"
        raise DualglandError(Kind.DAMAGED, weights, found)
    target = models_folder() / path.name
    there = read_card(str(target))[0] if target.exists() else None
    if there is not None and there.sha256 == card.sha256:
        return target
    if there is None or not card.recipe or there.recipe != card.recipe:
        refuse_name(path.stem)
    made(models_folder())
    # The card last: it is what a model is found by.
    with replacing_all([target.with_suffix(".safetensors"), target]) as (tensors, text):
        tensors.write_bytes(content)
        shutil.copyfile(path, text)
    return target


def is_installed(weights: Path) -> bool:
    """Whether just this model is among those that the pickers offer."""
    target = models_folder() / f"{weights.stem}.json"
    try:
        cards = [read_card(str(path))[0] for path in (target, weights)]
        return cards[0].sha256 == cards[1].sha256
    except DualglandError:
        return False
