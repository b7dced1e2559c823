"""Masks and labels that a person has drawn or another program has made.

In a mask, what is not zero is missing; labels number the cells. A file is not believed to be
one because it is given as one: of several images the one that can be it is taken, and what
cannot be it, such as a picture, is refused (:mod:`~napari_dualgland.io.mask_values`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.files import home_expanded, regular
from napari_dualgland.io.lazy import as_dask
from napari_dualgland.io.mask_values import checked_labels, checked_marks
from napari_dualgland.io.npy import read_npy
from napari_dualgland.io.ome import CELLS, MISSING, OmeHeader, parse_ome
from napari_dualgland.io.patches import Numbers
from napari_dualgland.io.photometric import inverted, is_bits_of_tifffile, is_white_zero
from napari_dualgland.io.pictures import is_picture, one_of_colours, read_numbers
from napari_dualgland.io.tiff import LAZY_BYTES, check_complete, decoded, is_tiff, opened
from napari_dualgland.mask import Mask
from napari_dualgland.memory import require
from napari_dualgland.stack import CANONICAL_AXES
from napari_dualgland.typing import LazyArray

if TYPE_CHECKING:
    import tifffile

log = logging.getLogger(__name__)

Checked = Callable[[LazyArray, str, str | None], tuple[LazyArray, str]]
"""Makes sure that values can be what they are given as; returns them, and a note."""


def read_mask(path: str | Path) -> Mask:
    """Read a mask.

    Parameters
    ----------
    path : str or pathlib.Path
        ``.tif``, ``.tiff``, ``.ome.tif``, ``.png`` or ``.npy``. Of an output of this program
        the mask in it is taken.

    Returns
    -------
    Mask
        (Y, X), (C, Y, X) or other axes of a stack, named where the file names them; bool or
        integers, non-zero where missing. :meth:`.Mask.fitted` says whether it fits; ``notes``
        say what a person should know. A TIFF above 64 MB comes as a dask array.

    Raises
    ------
    DualglandError
        If the file is missing, empty, damaged, or what is in it cannot be a mask: a picture,
        labels of cells of this program, fractions, too few dimensions.
    """
    path = regular(home_expanded(path), "mask")
    return _read(path, checked_marks, of_cells=False)


def read_labels(path: str | Path) -> Mask:
    """Read the labels of cells, as Cellpose, StarDist or this program writes them.

    Parameters
    ----------
    path : str or pathlib.Path
        ``.tif``, ``.tiff``, ``.ome.tif``, ``.png`` or ``.npy``.

    Returns
    -------
    Mask
        (Y, X) or with axes of a stack less ``C``; integers, 0 for background. A mask with one
        value becomes a number for each connected piece, and ``notes`` say so.
        :meth:`.Mask.labels` says whether they fit a stack.

    Raises
    ------
    DualglandError
        If the file is missing, empty, damaged, or what is in it cannot be labels: a picture,
        an output of imputing, fractions, negative numbers.
    """
    path = regular(home_expanded(path), "file of labels")
    return _read(path, checked_labels, of_cells=True)


def _read(path: Path, checked: Checked, of_cells: bool) -> Mask:
    if is_tiff(path):
        return _read_tiff(path, checked, of_cells)
    if path.suffix.lower() == ".npy":
        values: LazyArray = read_npy(path)
    elif is_picture(path):
        values = read_numbers(path)
    else:
        what = "file of labels" if of_cells else "mask"
        found = "a file of another kind"
        expected = f"a {what} is a .tif, .png or .npy file"
        raise DualglandError(Kind.UNSUPPORTED, path, found, way_out=expected)
    values, note = checked(values, str(path), None)
    return _made(path, values, None, of_cells, [note])


def _made(path: Path, values: LazyArray, axes: str | None, of_cells: bool, said: list[str]) -> Mask:
    notes = tuple(note for note in said if note)
    for note in notes:
        log.warning("%s", note)
    return Mask(values, axes, of_cells=of_cells, name=str(path), notes=notes)


def _read_tiff(path: Path, checked: Checked, of_cells: bool) -> Mask:
    with opened(path) as tif:
        check_complete(path, tif)
        header = parse_ome(tif.ome_metadata) if tif.ome_metadata else OmeHeader()
        # The first is the field itself, whatever it is called.
        named = [series for series in tif.series[1:] if series.name == MISSING]
        ours = header.axes is not None
        if ours and (header.kind != "image" or (of_cells and named)):
            _check_kind(path, "an imputed field" if named else header.kind, of_cells)
        if ours and named and not of_cells:
            values, axes, _ = _numbers(path, named[0], lazy=True)
            note = f"{path}: an output of this program; the mask of imputed pixels in it was taken"
            return _made(path, values != 0, axes, of_cells, [note])
        images = [series for series in tif.series if not series.keyframe.is_reduced]
        if not images:
            raise DualglandError(Kind.EMPTY, path, "the TIFF holds no image")
        if len(images) == 1 or header.kind == CELLS:
            return _of_image(path, images[0], checked, of_cells)
        return _the_one_of(path, images, checked, of_cells)


def _check_kind(path: Path, kind: str, of_cells: bool) -> None:
    """Refuse a file of ours that says it is something else."""
    if of_cells and kind == CELLS:
        return
    found = "labels of cells" if kind == CELLS else kind
    raise DualglandError(
        Kind.WRONG_CONTENT,
        path,
        f"an output of this program that holds {found}",
        expected="labels of cells" if of_cells else "a mask",
    )


def _the_one_of(
    path: Path, images: list[tifffile.TiffPageSeries], checked: Checked, of_cells: bool
) -> Mask:
    """Return the one image of several that can be a mask, or labels."""
    found: list[tuple[int, Mask]] = []
    refusals: list[DualglandError] = []
    for number, image in enumerate(images, 1):
        try:
            found.append((number, _of_image(path, image, checked, of_cells)))
        except DualglandError as error:
            refusals.append(error)
    if not found:
        raise refusals[0]
    what = "labels" if of_cells else "a mask"
    if len(found) > 1:
        raise DualglandError(
            Kind.AMBIGUOUS,
            path,
            f"holds {len(images)} images, of which {len(found)} can be {what}",
            way_out="save the one that is meant in a file of its own",
        )
    ((number, mask),) = found
    note = f"{path}: image {number} of {len(images)} was taken, the only one that can be {what}"
    return _made(path, mask.data, mask.axes, of_cells, [*mask.notes, note])


def _of_image(path: Path, image: tifffile.TiffPageSeries, checked: Checked, of_cells: bool) -> Mask:
    values, axes, said = _numbers(path, image, lazy=not of_cells)
    values, note = checked(values, str(path), axes)
    return _made(path, values, axes, of_cells, [said, note])


def _numbers(
    path: Path, image: tifffile.TiffPageSeries, lazy: bool
) -> tuple[LazyArray, str | None, str]:
    """Return the numbers of an image, its axes where the file names them, and a note."""
    from tifffile import COMPRESSION

    if image.keyframe.compression in {COMPRESSION.JPEG, COMPRESSION.OJPEG}:
        found = "compressed as JPEG, which changes the numbers that it is given"
        raise DualglandError(
            Kind.WRONG_CONTENT, path, found, way_out="save it without loss where it was made"
        )
    lazily = as_dask(image, image.shape) if lazy and image.nbytes > LAZY_BYTES else None
    if lazily is None:
        require(3 * image.nbytes, path)
    values: LazyArray = decoded(path, image) if lazily is None else lazily
    axes = str(image.axes)
    if axes.endswith("S"):
        values, axes = one_of_colours(path, np.asarray(values)), axes[:-1]
    note = ""
    if is_white_zero(image):
        values, note = _black_and_white(path, values, image)
    return values, axes if set(axes) <= set(CANONICAL_AXES) else None, note


def _black_and_white(
    path: Path, stored: LazyArray, image: tifffile.TiffPageSeries
) -> tuple[LazyArray, str]:
    """Return the numbers of an image in which white is stored as 0.

    A mask is marked in white. Numbers of several labels are numbers whatever their look, if
    one of them is 0.
    """
    numbers = Numbers.of(stored, str(image.axes))
    if is_bits_of_tifffile(image):
        share = 1 - numbers.zeros / numbers.size
        if share <= 0.5:
            return stored, ""
        raise DualglandError(
            Kind.AMBIGUOUS,
            path,
            f"{100 * share:.0f} % of its bits are set, and the file says that white is 0 "
            "(WhiteIsZero), as tifffile says of all booleans",
            way_out="save it with 8 bits, 0 for what is not marked",
        )
    turned: LazyArray = inverted(stored, image)
    if not numbers.zeros or (numbers.is_one and Numbers.of(turned, str(image.axes)).zeros):
        return turned, f"{path}: white is stored as 0 (WhiteIsZero); what is white was marked"
    return stored, f"{path}: says that white is 0 (WhiteIsZero); its numbers were left as they are"
