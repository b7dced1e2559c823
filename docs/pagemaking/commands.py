"""The reference of the command line, from the command line itself."""

from __future__ import annotations

import re

import typer
from typer.cli import get_docs_for_click
from typer.main import get_command

from napari_dualgland.cli.app import app

INTRODUCTION = """\
# Command line

What `dualgland --help` says, in one page; it is made from the program when these pages are
built. How the commands are used stands in [scripts and the command line](../howto/scripting.md).

"""


def reference() -> str:
    """Return the page: every command with its arguments, options and defaults."""
    command = get_command(app)
    context = typer.Context(command, info_name="dualgland")
    told = get_docs_for_click(obj=command, ctx=context, name="dualgland")
    told = told.split("\n", 1)[1]
    # A command's options are told in its own section; two lists in a row would be one.
    told = re.sub(r"^\*\*(.+)\*\*:$", r"**\1**", told, flags=re.M)
    return INTRODUCTION + re.sub(r"<(int|str|float|Path)>", r"\1", told)
