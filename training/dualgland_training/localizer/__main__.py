"""The stages of a localizer beside the first: ``python -m dualgland_training.localizer --help``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from napari_dualgland.cli.console import guarded

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

Recipe = Annotated[Path, typer.Argument(help="Of the localizer.")]
Out = Annotated[Path, typer.Option(help="Folder of what is written.")]
Data = Annotated[Path | None, typer.Option(help="The atlas collection; over the recipe's.")]
Banks = Annotated[list[Path] | None, typer.Option(help="Drawn cells; over the recipe's.")]
Threads = Annotated[int, typer.Option(help="Of torch.")]


@app.callback()
def _verbs() -> None:
    """Draw cells, and go on with what ``dualgland train`` left."""


@app.command()
def bank(
    out: Annotated[Path, typer.Option(help="The .npz file to write.")],
    fields: Annotated[int, typer.Option(help="Simulated fields to draw.")] = 0,
    data: Annotated[
        Path | None, typer.Option(help="Collection whose reference cells are drawn into.")
    ] = None,
    seed: Annotated[int, typer.Option()] = 0,
) -> None:
    """Draw a bank of cells."""
    from dualgland_training.localizer.bank import Bank, references, simulated_cells

    _use_threads(1)
    made = Bank()
    for count in simulated_cells(made, fields, seed):
        typer.echo(f"{count} cells")
    if data is not None:
        references(made, data, seed + 1)
        typer.echo(f"{len(made)} with references")
    made.save(out)


@app.command()
def tune(
    recipe: Recipe,
    start: Annotated[Path, typer.Option(help="Run, or weights, of the first stage.")],
    out: Out,
    data: Data = None,
    bank: Banks = None,
    threads: Threads = 2,
) -> None:
    """Fit the head to annotated cells."""
    from dualgland_training.localizer.recipe import read_localizer_recipe
    from dualgland_training.localizer.stages import tune_head

    _use_threads(threads)
    options = read_localizer_recipe(recipe, root=data, banks=bank)
    typer.echo(tune_head(options, start, out))


@app.command()
def folds(
    recipe: Recipe,
    out: Out,
    start: Annotated[Path | None, typer.Option(help="Run, or weights, to start from.")] = None,
    data: Data = None,
    bank: Banks = None,
    threads: Threads = 2,
) -> None:
    """Repeat the second stage fold by fold; write what is said of the cells left out."""
    from dualgland_training.localizer.recipe import read_localizer_recipe
    from dualgland_training.localizer.stages import cross_validate

    _use_threads(threads)
    options = read_localizer_recipe(recipe, root=data, banks=bank)
    typer.echo(cross_validate(options, start, out))


@app.command()
def finish(
    recipe: Recipe,
    start: Annotated[Path, typer.Option(help="Weights of the last stage.")],
    out: Out,
    data: Data = None,
    bank: Annotated[
        Path | None, typer.Option(help="Drawn cells of fields that were not trained on.")
    ] = None,
) -> None:
    """Calibrate a trained localizer and write it with its card."""
    from dualgland_training.localizer.finish import finish_model
    from dualgland_training.localizer.recipe import read_localizer_recipe

    _use_threads(1)
    options = read_localizer_recipe(recipe, root=data, heldout=bank)
    typer.echo(finish_model(options, start, out))


def _use_threads(count: int) -> None:
    import torch

    torch.set_num_threads(count)


if __name__ == "__main__":
    raise SystemExit(
        guarded(
            lambda: app(prog_name="python -m dualgland_training.localizer", standalone_mode=False),
            as_json=False,
            debug=os.environ.get("DUALGLAND_DEBUG", "0") not in ("", "0"),
        )
    )
