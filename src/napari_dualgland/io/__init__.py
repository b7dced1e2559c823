"""Files in and files out: the one door through which stacks enter and results leave.

:func:`read` takes whatever a biologist has of a field of view and gives a
:class:`~napari_dualgland.stack.Stack`; :func:`write` gives files that every reader
opens. What a file does not say is asked for, never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.files import home_expanded, regular
from napari_dualgland.io.channels import assign_roles
from napari_dualgland.io.hpa import find_set, parse_name, read_set
from napari_dualgland.io.masks import read_labels, read_mask
from napari_dualgland.io.pictures import is_picture, read_picture
from napari_dualgland.io.tiff import is_tiff, read_tiff
from napari_dualgland.io.zarr import is_ome_zarr, read_ome_zarr
from napari_dualgland.pixel_size import stated

if TYPE_CHECKING:
    from napari_dualgland.io.writing.options import WriteOptions
    from napari_dualgland.results import Boundaries, Localization
    from napari_dualgland.stack import Stack

__all__ = ["read", "read_labels", "read_mask", "write"]


def read(
    path: str | Path,
    channels: Mapping[str, int | str] | None = None,
    pixel_size: float | None = None,
) -> Stack:
    """Read a field of view, a z-stack or a time series.

    Parameters
    ----------
    path : str or pathlib.Path
        A member of a four-file Human Protein Atlas set (``<id>_red.png`` and the like),
        the common prefix of such a set, a folder with exactly one set, a
        multi-channel TIFF, OME-TIFF or ImageJ hyperstack, or an OME-Zarr image.
    channels : mapping of str to int or str, optional
        From role (microtubules, protein, nucleus, er) to the position or name of a
        channel. It overrides what names tell; a role left out is a missing channel.
    pixel_size : float, optional
        µm per pixel along Y and X, where the file does not say it, or says it wrongly.

    Returns
    -------
    Stack
        Axes in the order of the file, the file's own dtype. TIFFs and OME-Zarrs above
        64 MB come as dask arrays. ``notes`` says what a person should know; of
        a file that an imputation was written to it is the :class:`Imputation` again.

    Raises
    ------
    DualglandError
        One line that names the file, what is wrong with it, and the way out: nothing
        there, empty, truncated, not an image, or channels that cannot be told apart.
    """
    stack = _read(home_expanded(path), channels)
    if pixel_size is None:
        return stack
    return replace(stack, pixel_size=stated(pixel_size, stack.pixel_size, "pixel_size"))


def _read(path: Path, channels: Mapping[str, int | str] | None) -> Stack:
    _refuse_unreadable(path)
    if is_ome_zarr(path):
        return assign_roles(read_ome_zarr(path), channels)
    if not path.exists() or path.is_dir() or parse_name(path.name):
        return assign_roles(read_set(find_set(path)), channels)
    regular(path)
    if is_tiff(path):
        return assign_roles(read_tiff(path), channels)
    if is_picture(path):
        return assign_roles(read_picture(path), channels)
    raise DualglandError(
        Kind.UNSUPPORTED,
        path,
        "cannot read files of this kind",
        expected="a TIFF, an OME-TIFF, an OME-Zarr or a file of an HPA set "
        "(<id>_red|green|blue|yellow.png)",
    )


def _refuse_unreadable(path: Path) -> None:
    """Refuse what the system will not even look at: too long a name, a sealed folder."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return  # the prefix of a set is no file
    except OSError as error:
        found = f"cannot be read ({error.strerror})"
        raise DualglandError(Kind.UNREADABLE, path, found) from error


def write(
    result: Stack | Localization | Boundaries,
    path: str | Path,
    options: WriteOptions | None = None,
) -> Path:
    """Write a result or a stack, whole or not at all; the ending of the name says the format.

    Parameters
    ----------
    result : Stack (also an Imputation), Localization or Boundaries
        Of an imputation the mask of estimated pixels always goes along.
    path : str or pathlib.Path
        Of a stack: ``.ome.tif``; ``.tif`` for an ImageJ hyperstack, with mask and uncertainty
        in files beside it; ``.ome.zarr``; ``.png`` for a picture per channel under the names of
        the Human Protein Atlas. Of a localization: ``.csv`` for its table alone, else the
        folder for ``cells.csv``, ``cells.tif`` and ``maps.ome.tif``. Of boundaries:
        ``.ome.tif``, or ``.csv`` for the table of set points alone.
    options : WriteOptions, optional
        Which fill, and what goes along.

    Returns
    -------
    pathlib.Path
        ``path``.

    Raises
    ------
    DualglandError
        If it cannot be written there; then nothing was written.
    """
    from napari_dualgland.io.tiff_writing import sources
    from napari_dualgland.results import Boundaries, Localization

    path = home_expanded(path)
    is_table = path.suffix.lower() == ".csv"
    if isinstance(result, Boundaries):
        from napari_dualgland.io import boundaries_writing

        if is_table:
            return boundaries_writing.write_table(result.set_points, path, sources(result.stack))
        return boundaries_writing.write_boundaries(result, path)
    if isinstance(result, Localization):
        from napari_dualgland.io.localization_writing import write_localization, write_table

        if is_table:
            return write_table(result.table, path, sources(result.stack))
        write_localization(result, path)
        return path
    from napari_dualgland.io.writing import write_result

    write_result(result, path, options)
    return path
