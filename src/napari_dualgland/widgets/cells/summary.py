"""What stands under the button when a run is done."""

from __future__ import annotations

from napari_dualgland.legible import legible
from napari_dualgland.results import Boundaries, Localization


def summary(result: Localization | Boundaries, cells: int, took: str, told_elsewhere: str) -> str:
    """Return a line, and one for each note.

    Parameters
    ----------
    result : Localization or Boundaries
        With its notes.
    cells : int
        That were looked at.
    took : str
        How long, in words.
    told_elsewhere : str
        In a note that is shown in another place.

    Returns
    -------
    str
    """
    looked_at = "1 cell" if cells == 1 else f"{cells} cells"
    line = f"Looked at {looked_at}, {took}." if cells else f"No cells, {took}."
    notes = dict.fromkeys([*result.stack.notes, *result.provenance.notes])
    told = [legible(note[:1].upper() + note[1:]) for note in notes if told_elsewhere not in note]
    return "\n".join([line, *(f"• {note}" for note in told)])
