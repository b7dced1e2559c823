"""``dualgland models``: which models there are, where, and what must be known of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_dualgland.errors import DualglandError

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console


def run(name: str | None) -> dict[str, Any]:
    """Return every model in short, or the whole card of one, ready for JSON.

    Parameters
    ----------
    name : str or None
        A model's name or the path of its file; None for all.

    Raises
    ------
    DualglandError
        If there is no such model.
    """
    from napari_dualgland.model.weights import list_models, models_folder, read_card

    if name is not None:
        card, path = read_card(name)
        return {"card": card.model_dump(mode="json"), "path": str(path)}
    rows = [_row(known, path) for known, path in list_models().items()]
    return {"models": rows, "folder": str(models_folder())}


def _row(name: str, path: Path) -> dict[str, Any]:
    """Return a model in short; one whose card is bad with what is wrong with it in its place."""
    from napari_dualgland.model.weights import read_card

    try:
        card, path = read_card(name)
    except DualglandError as error:
        return {"name": name, "path": str(path), "job": None, "problem": str(error)}
    return {
        "name": name,
        "job": _job(card.architecture.get("kind")),
        "version": card.version,
        "summary": card.summary,
        "parameters": card.parameters,
        "sha256": card.sha256,
        "licence": card.licence,
        "path": str(path),
    }


def _job(kind: object) -> str | None:
    """Return what models of an architecture do; None where this version does not know it."""
    from napari_dualgland.model.weights import KINDS

    return next((job for job, kinds in KINDS.items() if kind in kinds), None)


def show(result: dict[str, Any], to: Console) -> None:
    """Show the result of :func:`run` to a person.

    Parameters
    ----------
    result : dict
        What :func:`run` returned.
    to : rich.console.Console
    """
    if "card" in result:
        _show_card(result, to)
        return
    from rich.table import Table
    from rich.text import Text

    columns = ("model", "for", "parameters", "sha256", "what it is")
    table = Table(*columns, box=None, pad_edge=False)
    for row in result["models"]:
        if "problem" in row:
            table.add_row(Text(row["name"]), "–", "–", "–", Text(row["problem"]))
            continue
        digest = row["sha256"][:12] + "…" if row["sha256"] else "no weights"
        count = f"{row['parameters']:,}"
        table.add_row(row["name"], row["job"] or "–", count, digest, row["summary"])
    to.print(table)
    to.print(f"your own models go to {result['folder']}", soft_wrap=True)
    to.print("a model's whole card: dualgland models NAME")


def _show_card(result: dict[str, Any], to: Console) -> None:
    for key, value in result["card"].items():
        _show_field(key.replace("_", " "), value, to)
    _show_field("card", result["path"], to)


def _show_field(name: str, value: Any, to: Console) -> None:
    from rich.pretty import Pretty

    if value in (None, "", [], {}):
        return
    to.print(name, style="bold", end=":")
    if isinstance(value, dict):
        to.print()
        to.print(Pretty(value, indent_size=2, expand_all=True))
    elif isinstance(value, list):
        to.print()
        for item in value:
            to.print(f"  {item}", soft_wrap=True)
    else:
        to.print(f" {value}", soft_wrap=True)
