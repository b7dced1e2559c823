"""``python -m dualgland_training train RECIPE.yaml --out FOLDER``: what ``dualgland train`` starts.

Errors that a person can put right are one line and exit code 2, as on the plugin's own
command line; a run that was told to stop ends with 128 + the signal, as a shell has it.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from napari_dualgland.cli.console import guarded, write_json

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def _verbs() -> None:
    """Train networks for napari-dualgland."""


@app.command()
def train(
    recipe: Annotated[Path, typer.Argument(help="YAML file of options.")],
    out: Annotated[Path, typer.Option(help="Folder of the run.")],
    resume: Annotated[bool, typer.Option(help="Go on from the newest checkpoint.")] = False,
    device: Annotated[
        str | None, typer.Option(help="auto, cpu, cuda, cuda:<n> or mps; over the recipe's.")
    ] = None,
    options: Annotated[
        str, typer.Option(help="Options that count more than the recipe's, as JSON.")
    ] = "{}",
    tensorboard: Annotated[bool, typer.Option(help="Write curves for TensorBoard.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The result as JSON.")] = False,
) -> None:
    """Train a generator, localizer or judge by a recipe; the finished model lies in OUT."""
    # Not above: --help answers at once, and a mistyped recipe is told before torch is loaded.
    from dualgland_training.runs import read_run, start_run

    given = json.loads(options) | ({} if device is None else {"device": device})
    run = read_run(recipe, **given)

    from dualgland_training.trainer import distributed
    from dualgland_training.trainer.loop import Stopped
    from dualgland_training.trainer.stopping import follow_starter

    follow_starter()
    try:
        training = start_run(run, out, resume=resume, tensorboard=tensorboard)
        model = training.run()
    except Stopped as stop:
        distributed.leave()
        if not training.events.silent:
            sys.stderr.write(f"{stop}\n")
        raise SystemExit(128 + stop.cause) from None
    # Not after an error: the others may wait for us in a step, and parting would wait for them.
    distributed.leave()
    if training.events.silent:
        return
    result: dict[str, Any] = {
        "objective": run.objective,
        "model": str(model),
        "card": str(model.with_suffix(".json")),
        "events": str(training.events.path),
        "steps": training.step,
        "figures": training.figures,
    }
    if as_json:
        write_json(result)
    else:
        sys.stdout.write(f"{model}\n")


if __name__ == "__main__":
    raise SystemExit(
        guarded(
            lambda: app(prog_name="dualgland train", standalone_mode=False),
            as_json="--json" in sys.argv,
            debug=os.environ.get("DUALGLAND_DEBUG", "0") not in ("", "0"),
        )
    )
