"""What is told apart by an ID in OME-XML: no two things in a file have the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ome_types import model


def make_ids_unique(ome: model.OME) -> None:
    """Give a new ID to everything that bears one that is taken already; references keep theirs."""
    taken: set[str] = set()
    doubled: list[Any] = []
    for thing in _identified(ome):
        if thing.id in taken:
            doubled.append(thing)
        taken.add(thing.id)
    for thing in doubled:
        kind = thing.id.partition(":")[0]
        number = next(n for n in range(len(taken) + 1) if f"{kind}:dualgland:{n}" not in taken)
        thing.id = f"{kind}:dualgland:{number}"
        taken.add(thing.id)


def _identified(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for item in value:
            yield from _identified(item)
    elif hasattr(type(value), "model_fields") and not isinstance(value, model.Reference):
        if isinstance(getattr(value, "id", None), str):
            yield value
        for name in type(value).model_fields:
            yield from _identified(getattr(value, name))
