"""``python -m dualgland_training RECIPE.yaml --out FOLDER [--resume]``: train a generator."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dualgland_training.config import read_recipe
from dualgland_training.loop import Training


def train(
    recipe: Annotated[Path, typer.Argument(help="YAML file of options.")],
    out: Annotated[Path, typer.Option(help="Folder of the run.")],
    resume: Annotated[bool, typer.Option(help="Go on from the newest checkpoint.")] = False,
) -> None:
    """Train a generator by a recipe; the finished model lies in OUT."""
    training = Training(read_recipe(recipe), out)
    if resume:
        training.resume()
    typer.echo(training.run())


if __name__ == "__main__":
    typer.run(train)
