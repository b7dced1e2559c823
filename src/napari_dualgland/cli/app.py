"""The command line: its verbs, what holds for all of them, and how it ends.

Nothing here loads torch or napari, so that ``--help`` answers at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from napari_dualgland._version import __version__
from napari_dualgland.cli import model_verbs, stack_verbs
from napari_dualgland.cli.console import guarded
from napari_dualgland.cli.words import Verb

app = typer.Typer(
    name="dualgland",
    help="Repair Human Protein Atlas stacks, and say where in the cell a protein is.",
    add_completion=False,
    pretty_exceptions_enable=False,
    # Of plain text: the boxes take as long to load as everything else that help needs.
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        sys.stdout.write(f"dualgland {__version__}\n")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error came from.")] = False,
) -> None:
    """Repair Human Protein Atlas stacks, and say where in the cell a protein is."""


_verb = app.command(cls=Verb)
_verb(stack_verbs.impute)
_verb(stack_verbs.localize)
_verb(stack_verbs.boundaries)
_verb(stack_verbs.batch)
app.command(name="run", cls=Verb)(stack_verbs.again)
_verb(stack_verbs.demo)
_verb(model_verbs.models)
_verb(model_verbs.train)
_verb(model_verbs.evaluate)
_verb(model_verbs.download)
_verb(model_verbs.doctor)


def run(words: Sequence[str]) -> int:
    """Run the command line and return its exit code."""
    debug = "--debug" in words or os.environ.get("DUALGLAND_DEBUG", "0") not in ("", "0")
    return guarded(
        lambda: app(args=words or ["--help"], prog_name="dualgland", standalone_mode=False),
        as_json="--json" in words,
        debug=debug,
    )
