"""What became of a batch, for people: a table, and a page to look through."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from napari_dualgland._version import __version__
from napari_dualgland.batch.state import StackState, Status
from napari_dualgland.batch.thumbnail import PREVIEW
from napari_dualgland.io.atomic import replacing_all
from napari_dualgland.legible import legible
from napari_dualgland.stack import ROLES

if TYPE_CHECKING:
    import pandas as pd

TABLE, PAGE = "report.csv", "report.html"
_MOST_PICTURES = 1000
"""In the page, which would grow too large to be opened."""
_TEMPLATE = Path(__file__).with_name("report_template.html")


def write_report(folder: Path, states: Sequence[StackState]) -> None:
    """Write ``report.csv`` and ``report.html``: both or none.

    Parameters
    ----------
    folder : pathlib.Path
        Of the results.
    states : sequence of StackState
        How it stands with each stack.

    Raises
    ------
    DualglandError
        If they cannot be written.
    """
    with replacing_all([folder / TABLE, folder / PAGE]) as (table, page):
        _as_table(states, folder).to_csv(table, index=False)
        page.write_text(_as_page(states, folder), encoding="utf-8")


def _as_table(states: Sequence[StackState], folder: Path) -> pd.DataFrame:
    """Return a row for each stack."""
    import pandas as pd  # here, for every process of a batch would load it too

    return pd.DataFrame([_row(state, folder) for state in states], columns=list(_columns(states)))


def _columns(states: Sequence[StackState]) -> dict[str, None]:
    filled = [key for state in states for key in filled_by_channel(state)]
    order = {f"filled {role}": None for role in ROLES if role in filled}
    order |= {f"filled {key}": None for key in filled}
    first = dict.fromkeys(("stack", "source", "status", "kept from an earlier run", "seconds"))
    last = ("cells", "error kind", "error", "way out", "notes", "results")
    return {**first, **order, **dict.fromkeys(last)}


def _row(state: StackState, folder: Path) -> dict[str, Any]:
    error = state.error or {}
    return {
        "stack": legible(state.name),
        "source": legible(str(state.source)),
        "status": state.status.value,
        "kept from an earlier run": "yes" if state.earlier else "no",
        "seconds": round(state.seconds, 2),
        **{f"filled {key}": round(share, 6) for key, share in filled_by_channel(state).items()},
        "cells": state.told.get("cells"),
        "error kind": error.get("kind", ""),
        "error": legible(state.fault()),
        "way out": legible(error.get("way_out", "")),
        "notes": legible("; ".join(state.told.get("notes", ()))),
        "results": "; ".join(path.relative_to(folder).as_posix() for path in state.results),
    }


def filled_by_channel(state: StackState) -> dict[str, float]:
    """Return the share of pixels that were filled, by role; by name for what has none."""
    roles = state.told.get("roles", {})
    shares = state.told.get("missing", {})
    return {legible(roles.get(key) or key): share for key, share in shares.items()}


def _as_page(states: Sequence[StackState], folder: Path) -> str:
    """Return a page that needs nothing beside it and fetches nothing."""
    order = {Status.FAILED: 0, Status.CANCELLED: 1, Status.RUNNING: 2, Status.WAITING: 3}
    shown = sorted(states, key=lambda state: order.get(state.status, 4))
    left = _MOST_PICTURES
    rows = []
    for state in shown:
        rows.append(_entry(state, folder, left > 0))
        left -= state.status == Status.DONE
    counts = [
        f"{sum(s.status == status for s in states)} {status.value}"
        for status in Status
        if any(s.status == status for s in states)
    ]
    what = f"{len(states)} stack{'s' * (len(states) != 1)}: {', '.join(counts) or 'none'}"
    less = "" if left >= 0 else f" Pictures of the first {_MOST_PICTURES} stacks only."
    return Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
        title=_shown(folder.name),
        what=_shown(what + "." + less),
        rows="\n".join(rows),
        version=__version__,
    )


def _shown(text: object) -> str:
    return escape(legible(str(text)))


def _entry(state: StackState, folder: Path, with_picture: bool) -> str:
    status = "kept" if state.earlier else state.status.value
    said = [f'<h2>{_shown(state.name)} <b class="{state.status.value}">{status}</b></h2>']
    said.append(f'<p class="faint">{_shown(state.source)}</p>')
    if state.error is not None:
        way_out = state.error.get("way_out", "")
        said.append(f'<p class="error">{_shown(state.fault())}</p>')
        said += [f'<p class="way">Way out: {_shown(way_out)}</p>'] if way_out else []
    facts = [
        f"{_shown(key)} {100 * share:.2f} %" for key, share in filled_by_channel(state).items()
    ]
    if facts:
        said.append(f"<p>Filled: {' · '.join(facts)}</p>")
    more = [f"{state.told['cells']} cells"] if "cells" in state.told else []
    more += [f"{state.seconds:.1f} s"] if state.seconds else []
    said += [f"<p>{_shown(' · '.join(more))}</p>"] if more else []
    said += [f'<p class="faint">{_shown(note)}</p>' for note in state.told.get("notes", ())]
    if links := [_link(path.relative_to(folder)) for path in state.results]:
        said.append(f"<p>{' · '.join(links)}</p>")
    picture = _picture(folder / state.name, state) if with_picture else ""
    return f"<article><div>{''.join(said)}</div>{picture}</article>"


def _link(path: Path) -> str:
    address = quote(path.as_posix().encode(errors="surrogateescape"))
    return f'<a href="{escape(address)}">{_shown(path.name)}</a>'


def _picture(folder: Path, state: StackState) -> str:
    if state.status != Status.DONE or not (folder / PREVIEW).is_file():
        return ""
    pixels = base64.b64encode((folder / PREVIEW).read_bytes()).decode("ascii")
    titles = ", ".join(state.told.get("panels", ()))
    caption = f"<figcaption>{_shown(titles)}</figcaption>"
    image = f'<img src="data:image/jpeg;base64,{pixels}" alt="{_shown(titles)}">'
    return f"<figure>{image}{caption}</figure>"
