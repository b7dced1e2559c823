"""The cards of the shipped models, as pages: what they were trained on, how far, how good."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pagemaking.places import CARDS

LONG = 12
"""Entries of a list, above which it is folded."""


def cards() -> dict[str, dict[str, Any]]:
    """Return the cards by the name of their model."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(CARDS.glob("*.json"))}


def page(name: str, card: dict[str, Any]) -> str:
    """Return the page of a card.

    Parameters
    ----------
    name : str
        Of the model.
    card : dict
        As it lies beside the weights.

    Returns
    -------
    str
    """
    told = [f"# Model card: {name}", "", card["summary"], ""]
    told += [f"*This page is the card that ships with the weights; `dualgland models {name}` "
             "shows it, too.*", ""]  # fmt: skip
    said = {key: value for key, value in card.items() if key not in ("name", "summary")}
    told += ["| | |", "|---|---|"]
    told += [f"| {_words(k)} | {_short(v)} |" for k, v in said.items() if _is_single(v)]
    for key, value in said.items():
        if not _is_single(value):
            told += ["", f"## {_words(key).capitalize()}", "", *_told(key, value)]
    return "\n".join([*told, ""])


def overview() -> str:
    """Return the page that lists the cards."""
    told = ["# Models", "", _OVERVIEW, "| model | what it is | parameters |", "|---|---|---:|"]
    for name, card in cards().items():
        count = card.get("parameters")
        told.append(f"| [{name}]({name}.md) | {card['summary']} | {count or 0:,} |")
    return "\n".join([*told, ""])


_OVERVIEW = """\
These ship with the program; each has a card, which says what it was trained on, what was held out
and what was measured. Weights are checked against the hash in their card before they are used.
`dualgland models` lists them together with those that you have [trained](../howto/retraining.md).
"""


def _told(key: str, value: Any) -> list[str]:
    if isinstance(value, dict) and value and all(isinstance(v, dict) for v in value.values()):
        columns = list(dict.fromkeys(column for row in value.values() for column in row))
        if all(not isinstance(v, dict | list) for row in value.values() for v in row.values()):
            head = [f"| | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
            rows = [
                f"| {name} | {' | '.join(_short(row.get(column)) for column in columns)} |"
                for name, row in value.items()
            ]
            return [*head, *rows]
    if isinstance(value, dict) and key != "recipe":
        flat = {k: v for k, v in value.items() if not isinstance(v, dict)}
        told = ["| | |", "|---|---|", *(f"| {k} | {_short(v)} |" for k, v in flat.items())]
        for name, inner in value.items():
            if isinstance(inner, dict):
                told += ["", f"### {name.capitalize()}", "", *_told(name, inner)]
        return told if flat else told[2:]
    if isinstance(value, dict):
        text = json.dumps(value, indent=2, ensure_ascii=False)
        return [f"??? note \"{key.capitalize()}, as it was run\"", "", "    ```json",
                *(f"    {line}" for line in text.splitlines()), "    ```"]  # fmt: skip
    if isinstance(value, list) and len(value) <= LONG and any(" " in str(v) for v in value):
        return [f"- {entry}" for entry in value]
    if isinstance(value, list):
        return [", ".join(f"`{entry}`" for entry in value)]
    return [_short(value)]


def _words(key: str) -> str:
    return key.replace("_", " ")


def _is_single(value: Any) -> bool:
    return not isinstance(value, dict | list)


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return "" if value is None else str(value)


def named(path: Path) -> str:
    """Return the page of a card's file."""
    return f"models/{path.stem}.md"
