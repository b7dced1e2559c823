"""Pictures of before and after, for people to look at; they may show atlas pixels.

Atlas pixels never enter a repository, so a folder inside one is refused.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from skimage.io import imsave

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.typing import AnyArray


def check_outside(folder: Path) -> None:
    """Refuse a folder that lies in a git repository.

    Raises
    ------
    DualglandError
        If it does.
    """
    whole = folder.resolve()
    for parent in (whole, *whole.parents):
        if (parent / ".git").exists():
            raise DualglandError(
                Kind.CONFLICT,
                folder,
                f"lies in the repository {parent}; pictures of atlas pixels must not get in there",
                way_out="name a folder outside it",
            )


def draw_pictures(seen: dict[str, dict[str, AnyArray]], folder: Path, most: int = 24) -> None:
    """Write a PNG per hole-centred crop: truth, then each method; a row per channel.

    Parameters
    ----------
    seen : dict
        Method → pictures of :func:`~.scoring.score_method`.
    folder : pathlib.Path
        Is made where it is not there.
    most : int
        Pictures at most.
    """
    folder.mkdir(parents=True, exist_ok=True)
    first = next(iter(seen.values()))
    for number, truth in enumerate(first["true_crops"][:most]):
        columns = [truth, *(part["crops"][number] for part in seen.values())]
        sheet = np.concatenate([np.concatenate(list(c), 0) for c in columns], 1)
        grey = np.rint(255 * np.clip(sheet, 0, 1) ** 0.7).astype(np.uint8)
        imsave(folder / f"hole-{number:02d}.png", grey, check_contrast=False)
    names = ["truth", *seen]
    (folder / "columns.txt").write_text("columns: " + ", ".join(names) + "\n")
