"""Train a localizer by its recipe: the trunk on drawn proteins, then the head on real cells too.

``python -m dualgland_training.localizer.train --help``. The first stage keeps checkpoints and a log
in a folder of its own, goes on from the last one when it is started again, and ends with the
moving average of its weights beside it. ``folds`` repeats the second stage once per fold of the
annotated cells and keeps what is said of the cells that it did not see.
"""

from __future__ import annotations

import csv
import json
import queue
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from safetensors.torch import load
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from dualgland_training.cell_folds import fold_of_cells, read_labelled_cells, unseen_groups
from dualgland_training.cell_pictures import CELL_PIXEL_UM, read_cell_picture
from dualgland_training.checkpoint import (
    latest_checkpoint,
    load_checkpoint,
    save_checkpoint,
    write_beside,
)
from dualgland_training.localizer.bank import Bank, load_bank
from dualgland_training.localizer.batches import Batch, Examples
from dualgland_training.localizer.examples import RealCell
from dualgland_training.localizer.head import fit_head, pool_drawn, pool_real
from dualgland_training.localizer.objective import localizer_loss
from dualgland_training.localizer.recipe import LocalizerRecipe, Stage, read_localizer_recipe
from napari_dualgland.classes import CLASSES
from napari_dualgland.errors import DualglandError
from napari_dualgland.localization.crops import crop_cell, frame_levels
from napari_dualgland.model.localizer import Localizer
from napari_dualgland.model.precision import choose_by_time

EVERY = 25
"""Steps between lines of the log."""

SAVED = 250
"""Steps between checkpoints."""

HEAD = {"usual", "spread", "direct"}
"""Parts of the network that the second stage adds; weights of the first may lack them."""

WARM_UP = 0.15
"""Share of the steps over which the learning rate rises."""


def read_real_cells(root: Path) -> list[RealCell]:
    """Return the annotated cells of the collection as the localizer sees them."""
    found = []
    for cell in read_labelled_cells(root):
        image, own = read_cell_picture(root, cell.file)
        rows, columns = (np.nonzero(own.any(axis))[0] for axis in (1, 0))
        window = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        view = crop_cell(image, own[window], window, CELL_PIXEL_UM, frame_levels(image))
        found.append(RealCell(view.x, view.inside, cell.label, cell.group))
    return found


def _ahead(examples: Examples, stage: Stage, first: int) -> Iterator[Batch]:
    """Draw the batches from step ``first`` on in a thread, a few ahead of the network.

    Raises
    ------
    Exception
        What went wrong in the thread.
    """
    ready: queue.Queue[Batch | Exception] = queue.Queue(maxsize=6)

    def draw() -> None:
        try:
            for step in range(first, stage.steps + 1):
                ready.put(examples.batch(step, stage.batch, stage.crop, stage.real))
        except Exception as error:  # raised where it is seen
            ready.put(error)

    threading.Thread(target=draw, daemon=True).start()
    for _ in range(first, stage.steps + 1):
        batch = ready.get()
        if isinstance(batch, Exception):
            raise batch
        yield batch


def rate_at(step: int, stage: Stage) -> float:
    """Return the learning rate of a step: up in a line, then down along a cosine to nothing."""
    rise = max(1, round(WARM_UP * stage.steps))
    if step <= rise:
        return stage.learning_rate * step / rise
    share = (step - rise) / max(1, stage.steps - rise)
    return stage.learning_rate * 0.5 * (1 + float(np.cos(np.pi * share)))


def run_stage(
    network: Localizer, examples: Examples, stage: Stage, recipe: LocalizerRecipe, out: Path
) -> Localizer:
    """Train a network over one stage and return the moving average of its weights.

    Parameters
    ----------
    network : Localizer
        Where it starts; it is changed.
    examples : Examples
        What it sees.
    stage : Stage
        How long and how fast.
    recipe : LocalizerRecipe
        The rest.
    out : pathlib.Path
        Folder of the stage: checkpoints, from the last of which it goes on by itself, and
        ``log.jsonl``. ``<out>.safetensors`` are the weights when it has ended.
    """
    out.mkdir(parents=True, exist_ok=True)
    network = network.train().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    average: Any = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(recipe.average))
    optimiser = torch.optim.AdamW(network.parameters(), weight_decay=recipe.weight_decay)
    half = choose_by_time("auto", torch.device("cpu"))[0] == "bf16"
    last = latest_checkpoint(out)
    done = 0
    if last is not None:
        done, _, _ = load_checkpoint(last, {"it": network}, average, {"it": optimiser})
    began = time.perf_counter()
    seen: list[dict[str, float]] = []
    with (out / "log.jsonl").open("a", encoding="utf-8") as log:
        for step, batch in enumerate(_ahead(examples, stage, done + 1), done + 1):
            torch.manual_seed(recipe.seed * 1_000_003 + step)
            for group in optimiser.param_groups:
                group["lr"] = rate_at(step, stage)
            with torch.autocast("cpu", torch.bfloat16, enabled=half):
                reading = network(batch.x, batch.inside, batch.present)
            loss, parts = localizer_loss(reading, batch)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 2.0)
            optimiser.step()
            average.update_parameters(network)
            seen.append(parts)
            if step % EVERY == 0:
                line = {k: round(float(np.mean([p[k] for p in seen])), 4) for k in parts}
                line |= {"step": step, "seconds": round(time.perf_counter() - began, 1)}
                log.write(json.dumps(line) + "\n")
                log.flush()
                seen = []
            if step % SAVED == 0:
                save_checkpoint(
                    out, step, {"it": network}, average, {"it": optimiser}, {}, {"stage": str(out)}
                )
    tensors = average.module.state_dict()
    write_beside(out.with_suffix(".safetensors"), tensors, {"steps": str(stage.steps)})
    return average.module.eval()  # type: ignore[no-any-return]


def started(recipe: LocalizerRecipe, weights: Path | None) -> Localizer:
    """Return the network of a recipe, new or with the weights of an earlier stage."""
    torch.manual_seed(recipe.seed)
    network = Localizer(recipe.widths, recipe.depths)
    if weights is not None:
        try:
            missing, odd = network.load_state_dict(load(weights.read_bytes()), strict=False)
        except RuntimeError:
            missing, odd = [], ["sizes"]
        if odd or not {key.split(".")[0] for key in missing} <= HEAD:
            raise DualglandError(f"{weights}: the weights are not of this recipe's network")
    return network


@torch.inference_mode()
def say(network: Localizer, cell: RealCell) -> np.ndarray:
    """Return the 19 logits of a whole cell, the mean of two views of it."""
    x, inside = torch.from_numpy(cell.x)[None], torch.from_numpy(cell.inside)[None, None]
    present = torch.ones(1, x.shape[1])
    both = network(x, inside, present).cell + network(x.flip(2, 3), inside.flip(2, 3), present).cell
    return np.asarray(both[0].numpy() / 2)


def write_predictions(path: Path, rows: list[list[str]]) -> None:
    """Write what is said of annotated cells as CSV: file, fold, group, label, 19 logits."""
    beside = path.with_name(f".{path.name}.part")
    with beside.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["file", "fold", "group", "label", *CLASSES])
        writer.writerows(rows)
    beside.replace(path)


def cross_validate(
    recipe: LocalizerRecipe, bank: Bank, root: Path, weights: Path | None, out: Path
) -> None:
    """Repeat the second stage once per fold; write what is said of the cells left out.

    The trunk knows no annotated cell, so what it pools of them is computed once for all folds.
    """
    listed, cells = read_labelled_cells(root), read_real_cells(root)
    fold_of = fold_of_cells(listed, recipe.folds)
    rows: list[list[str]] = []
    trunk = started(recipe, weights).eval()
    if recipe.whole is None and recipe.head.steps:
        real = pool_real(trunk, cells, recipe.head, recipe.seed + 2)
        drawn = pool_drawn(trunk, Examples(bank, [], recipe.seed + 3), recipe.head)
    for fold in range(recipe.folds):
        seen = np.flatnonzero(fold_of != fold)
        network = started(recipe, weights).eval()
        if recipe.whole is not None:
            examples = Examples(bank, [cells[i] for i in seen], recipe.seed + 10 + fold)
            where = out / f"{recipe.name}_fold{fold}"
            network = run_stage(network, examples, recipe.whole, recipe, where)
        elif recipe.head.steps:
            taught = torch.isin(real.cell, torch.from_numpy(seen))
            fit_head(network, real.of(taught), drawn, recipe.head, recipe.seed + 4)
        rows += [
            [
                listed[i].file,
                str(fold),
                listed[i].group,
                CLASSES[listed[i].label],
                *(f"{v:.4f}" for v in say(network, cells[i])),
            ]
            for i in np.flatnonzero(fold_of == fold)
        ]
        write_predictions(out / f"{recipe.name}_folds.csv", rows)


def main(
    stage: Annotated[str, typer.Argument(help="drawn (the trunk), tuned (the head) or folds.")],
    recipe: Annotated[Path, typer.Option(help="The recipe.")],
    out: Annotated[Path, typer.Option(help="Folder of the run.")],
    data: Annotated[Path, typer.Option(help="Folder of the atlas collection.")],
    bank: Annotated[list[Path] | None, typer.Option(help="Banks of drawn cells.")] = None,
    start: Annotated[Path | None, typer.Option(help="Weights of an earlier stage.")] = None,
    threads: Annotated[int, typer.Option(help="Of torch.")] = 2,
) -> None:
    """Train one stage of a localizer."""
    torch.set_num_threads(threads)
    options = read_localizer_recipe(recipe)
    out.mkdir(parents=True, exist_ok=True)
    cells_of = load_bank(*(bank or []))
    if stage == "folds":
        cross_validate(options, cells_of, data, start, out)
        return
    network = started(options, start)
    where = out / f"{options.name}_{stage}"
    if stage == "drawn":
        examples = Examples(cells_of, [], options.seed + 1)
        run_stage(network, examples, options.drawn, options, where)
        return
    unseen = unseen_groups(recipe.parent / options.split)
    kept = {*unseen.held_out, *unseen.validation}
    cells = [c for c in read_real_cells(data) if c.group not in kept]
    network.eval()
    real = pool_real(network, cells, options.head, options.seed + 2)
    drawn = pool_drawn(network, Examples(cells_of, [], options.seed + 3), options.head)
    fit_head(network, real, drawn, options.head, options.seed + 4)
    steps = str(options.drawn.steps + options.head.steps)
    write_beside(where.with_suffix(".safetensors"), network.state_dict(), {"steps": steps})


if __name__ == "__main__":
    typer.run(main)
