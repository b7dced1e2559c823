"""Where things lie on disk: the cache, and a target folder that nothing gets out of."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

from napari_dualgland.errors import DualglandError


def cache_folder() -> Path:
    """Return where pages and unfinished files lie; ``DUALGLAND_CACHE`` names another place."""
    chosen = os.environ.get("DUALGLAND_CACHE")
    return (Path(chosen) if chosen else platformdirs.user_cache_path("dualgland")) / "atlas"


def inside(folder: Path, name: str) -> Path:
    """Return the path of a file below a folder, and see to it that it is below.

    Parameters
    ----------
    folder : pathlib.Path
        The target folder.
    name : str
        Relative path with forward slashes.

    Raises
    ------
    DualglandError
        If the path leaves the folder, be it by ``..``, by a drive, or by a link that lies
        in the folder.
    """
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise DualglandError(f"{name!r} leads out of {folder}; it is not written")
    return path
