"""Where a result of a field goes unless somebody says otherwise; the same whatever dock asks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from napari_dualgland.io.layer_tag import tag_of


def read_from(layer: Any) -> str | None:
    """Return the file that a layer was read from, as far as anybody knows."""
    path = tag_of(layer).path or layer.source.path
    return None if path is None else str(path)


def proposed(field: str, path: str | None, suffix: str = "") -> Path:
    """Return a path for a result, without an ending.

    Parameters
    ----------
    field : str
        Name of the field of view.
    path : str or None
        A file that it was read from; None: the person's own folder is proposed.
    suffix : str
        What was done.

    Returns
    -------
    pathlib.Path
    """
    folder = Path(path).absolute().parent if path else Path.home()
    return folder / f"{field}{suffix}"


def fill_suffix(plausible: bool) -> str:
    """Return what the name of an imputed field ends in."""
    return "_plausible" if plausible else "_imputed"
