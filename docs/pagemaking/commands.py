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
    # typer cuts the sentences of its list of commands; here there is room.
    for name, one in command.commands.items():
        whole = (one.help or "").split("\n\n")[0].replace("\n", " ")
        line = f"* [`{name}`](#dualgland-{name}): {whole}"
        told = re.sub(rf"^\* `{name}`:.*$", lambda _, line=line: line, told, count=1, flags=re.M)
    told = re.sub(r"^\*\*(.+)\*\*:$", r"**\1**", told, flags=re.M)
    told = told.replace(" <Path>`", "`")
    return INTRODUCTION + re.sub(r"<(int|str|float)>", r"\1", told)
