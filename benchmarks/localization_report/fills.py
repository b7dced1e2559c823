"""Damaged cells, filled: each fill is done once and kept, for imputing takes half a minute."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dualgland_training.cell_folds import LabelledCell
from dualgland_training.evaluate.cases import CASES, mask_of
from dualgland_training.evaluate.methods import CLASSICAL, Method, fill_with
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.io.atomic import replacing
from napari_dualgland.model.weights import read_card
from napari_dualgland.typing import AnyArray, BoolArray

SATURATED = 255

PLAUSIBLE = "our plausible picture"
"""Name of one of the pictures that our model holds for possible, beside its estimate."""


def stratified(cells: Sequence[LabelledCell], limit: int) -> list[LabelledCell]:
    """Return at most ``limit`` cells, in turn from every class and there from every group.

    The choice depends on the cells alone, and a larger one holds a smaller one; 0 is no limit.
    """
    queues: dict[int, dict[str, list[LabelledCell]]] = {}
    for cell in cells:
        queues.setdefault(cell.label, {}).setdefault(cell.group, []).append(cell)
    # Within a class: the first cell of every group, then the second of every group, …
    turns = {
        label: [
            cell
            for number in range(max(map(len, groups.values())))
            for group in sorted(groups)
            for cell in groups[group][number : number + 1]
        ]
        for label, groups in queues.items()
    }
    longest = max(map(len, turns.values()), default=0)
    order = [c for n in range(longest) for k in sorted(turns) for c in turns[k][n : n + 1]]
    return order[: limit or None]


def seed_of(file: str) -> int:
    """Return the seed of a cell's damage: the same whatever other cells are looked at."""
    return int.from_bytes(hashlib.sha256(file.encode()).digest()[:4], "big")


def damage_of(case: str, image: AnyArray, file: str) -> tuple[BoolArray, AnyArray]:
    """Return which pixels are lost, (4, Y, X), and the picture as a microscope would give it."""
    missing = mask_of(case, image, seed_of(file))
    level = SATURATED if CASES[case][0] == "saturated" else 0
    return missing, np.where(missing, level, image).astype(image.dtype)


def method_of(name: str, generator: str, adapt: bool) -> Method:
    """Return a classical fill by its name, or ours."""
    if name in CLASSICAL:
        return Method(name)
    options = {"model": generator, "adapt": adapt}
    return Method(name, options | ({"plausible": True} if name == PLAUSIBLE else {}))


def filled(
    method: Method, case: str, image: AnyArray, missing: BoolArray, file: str, scratch: Path
) -> AnyArray:
    """Return a fill of a damaged cell, (4, Y, X) uint8, made once and kept in ``scratch``.

    Raises
    ------
    DualglandError
        If an observed pixel was changed.
    """
    stated = "classical"
    if method.options is not None:
        card = read_card(str(method.options["model"]))[0]
        stated = f"{card.name} {card.sha256} adapt={method.options['adapt']}"
    lost = hashlib.sha256(np.packbits(missing).tobytes()).hexdigest()
    told = "\n".join([stated, method.name, case, file, lost])
    path = scratch / "fills" / f"{hashlib.sha256(told.encode()).hexdigest()[:24]}.npz"
    if path.is_file():
        with np.load(path, allow_pickle=False) as kept:
            return np.asarray(kept["estimate"])
    estimate = fill_with(method, image, missing).estimate
    if not np.array_equal(estimate[~missing], image[~missing]):
        found = f"changed observed pixels of {file}"
        raise DualglandError(Kind.WRONG_CONTENT, method.name, found, part=case)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as beside, beside.open("wb") as whole:
        np.savez_compressed(whole, estimate=estimate)
    return estimate
