"""The stages after the first: the head on annotated cells, and the same fold by fold."""

from __future__ import annotations

import csv
from functools import partial
from pathlib import Path

import numpy as np
import torch

from dualgland_training.cell_folds import fold_of_cells, read_labelled_cells
from dualgland_training.localizer.bank import Bank, load_bank
from dualgland_training.localizer.batches import Examples
from dualgland_training.localizer.cells import name_classes, read_real_cells
from dualgland_training.localizer.examples import RealCell
from dualgland_training.localizer.head import fit_head, pool_drawn, pool_real
from dualgland_training.localizer.objective import LocalizerObjective
from dualgland_training.localizer.recipe import LocalizerRecipe
from dualgland_training.localizer.start import start_network
from dualgland_training.trainer.checkpoint import write_tensors
from dualgland_training.trainer.loop import Training
from napari_dualgland.classes import CLASSES
from napari_dualgland.io.atomic import replacing
from napari_dualgland.model.localizer import Localizer


def _banks(recipe: LocalizerRecipe) -> Bank:
    return load_bank(*(recipe.found(path) for path in recipe.banks))


def tune_head(recipe: LocalizerRecipe, weights: Path, out: Path) -> Path:
    """Fit the head of a network to annotated cells, those kept apart left out.

    Parameters
    ----------
    recipe : LocalizerRecipe
        Names the collection and the banks.
    weights : pathlib.Path
        Of the first stage: a file, or the folder of its run.
    out : pathlib.Path
        Folder of the result.

    Returns
    -------
    pathlib.Path
        Of the weights, in full precision.
    """
    kept = recipe.kept()
    unseen = {*kept.held_out_groups, *kept.validation_groups}
    cells = [c for c in read_real_cells(recipe.collection()) if c.group not in unseen]
    network = start_network(recipe, weights).eval()
    real = pool_real(network, cells, recipe.head, recipe.seed + 2)
    drawn = pool_drawn(network, Examples(_banks(recipe), [], recipe.seed + 3), recipe.head)
    fit_head(network, real, drawn, recipe.head, recipe.seed + 4)
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{recipe.name}_tuned.safetensors"
    steps = str(recipe.drawn.steps + recipe.head.steps)
    with replacing(path) as whole:
        write_tensors(whole, network.state_dict(), {"steps": steps})
    return path


def cross_validate(recipe: LocalizerRecipe, weights: Path | None, out: Path) -> Path:
    """Repeat the second stage once per fold; write what is said of the cells left out.

    The trunk knows no annotated cell, so what it pools of them is computed once for all folds.

    Parameters
    ----------
    recipe : LocalizerRecipe
        Names the collection and the banks.
    weights : pathlib.Path or None
        Of the first stage.
    out : pathlib.Path
        Folder of the result, and of a run per fold where the whole network is trained.

    Returns
    -------
    pathlib.Path
        CSV: file, fold, group, label, 19 logits.
    """
    root = recipe.collection()
    listed, cells, bank = read_labelled_cells(root), read_real_cells(root), _banks(recipe)
    fold_of = fold_of_cells(listed, recipe.folds)
    trunk = start_network(recipe, weights).eval()
    if recipe.whole is None and recipe.head.steps:
        real = pool_real(trunk, cells, recipe.head, recipe.seed + 2)
        drawn = pool_drawn(trunk, Examples(bank, [], recipe.seed + 3), recipe.head)
    out.mkdir(parents=True, exist_ok=True)
    path, rows = out / f"{recipe.name}_folds.csv", []
    for fold in range(recipe.folds):
        seen = np.flatnonzero(fold_of != fold)
        network = start_network(recipe, weights).eval()
        if recipe.whole is not None:
            taught = [cells[i] for i in seen]
            network = _train_whole(recipe, fold, bank, taught, weights, out)
        elif recipe.head.steps:
            own = torch.isin(real.cell, torch.from_numpy(seen))
            fit_head(network, real.of(own), drawn, recipe.head, recipe.seed + 4)
        for i in np.flatnonzero(fold_of == fold):
            said = [f"{v:.4f}" for v in name_classes(network, cells[i])]
            label = CLASSES[listed[i].label]
            rows.append([listed[i].file, str(fold), listed[i].group, label, *said])
        with replacing(path) as whole, whole.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["file", "fold", "group", "label", *CLASSES])
            writer.writerows(rows)
    return path


def _train_whole(
    recipe: LocalizerRecipe,
    fold: int,
    bank: Bank,
    cells: list[RealCell],
    weights: Path | None,
    out: Path,
) -> Localizer:
    """Train everything on the annotated cells of a fold; a killed fold goes on."""
    options = recipe.model_copy(update={"name": f"{recipe.name}_fold{fold}", "heldout": None})
    examples = Examples(bank, cells, recipe.seed + 10 + fold)
    make = partial(
        LocalizerObjective, options, stage=recipe.whole, examples=examples, start=weights
    )
    training = Training(options, make, out / options.name, resume=True)
    training.run()
    network = training.steps.average
    assert isinstance(network, Localizer)
    return network.eval()
