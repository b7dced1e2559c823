"""Localizations out: a table, the labels of the cells and the maps, in a folder.

Three files that a lab opens with what it has: ``cells.csv`` in any spreadsheet or pandas,
``cells.tif`` and ``maps.ome.tif`` in napari, Fiji or QuPath, laid over the source by their
pixel size. All three are there or none is; other files of the folder stay as they are.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from napari_dualgland.classes import CLASSES, COLORS
from napari_dualgland.io.atomic import replacing, replacing_all
from napari_dualgland.io.frame_store import Part
from napari_dualgland.io.ome import CELLS, MAPS
from napari_dualgland.io.places import made
from napari_dualgland.io.targets import refuse_file, refuse_folder
from napari_dualgland.io.tiff_writing import sources, write_parts
from napari_dualgland.results import Localization
from napari_dualgland.stack import Channel, Header, Stack, to_canonical

if TYPE_CHECKING:
    import pandas as pd

WRITTEN = CELLS_CSV, CELLS_TIF, MAPS_TIF = "cells.csv", "cells.tif", "maps.ome.tif"

_DECIMALS = {"y": 2, "x": 2, "area_um2": 2, "uncertainty": 4, "imputed": 4, "missing": 4}
_DECIMALS |= dict.fromkeys(("measured", *CLASSES), 4)
_MEANING = (
    "Where the protein is: 19 classes of the Human Protein Atlas as channels. A pixel is the "
    "probability that it carries the protein in that class, times 255 (0: outside cells or "
    "impossible, 255: certain). A cell is named by a class from this probability on: "
)


def write_localization(result: Localization, folder: Path) -> dict[str, Path]:
    """Write a localization into a folder.

    ``cells.csv`` holds the table (UTF-8, decimal points, an empty field where there is no
    number; probabilities to four digits, intensities to six). Intensities are means of measured
    pixels: ``measured`` is the share of a cell's protein that they are of. ``cells.tif`` is an
    OME-TIFF of the labels, uint16 where they fit, else int32. ``maps.ome.tif`` holds the classes
    as named, coloured channels, uint8: probability times 255. Both carry the provenance.

    Parameters
    ----------
    result : Localization
        Maps are computed class by class.
    folder : pathlib.Path
        Made where it is not there. Older files of these names are replaced once all the new
        ones are whole.

    Returns
    -------
    dict of str to pathlib.Path
        ``cells.csv``, ``cells.tif`` and ``maps.ome.tif`` by these names.

    Raises
    ------
    DualglandError
        If the folder cannot be made or written to, or one of the files is the source of the
        stack; then nothing was written.
    """
    paths = {name: folder / name for name in WRITTEN}
    refuse_folder(folder, WRITTEN, sources(result.stack))
    with making(folder), replacing_all(list(paths.values())) as beside:
        write_files(result, dict(zip(WRITTEN, beside, strict=True)))
    return paths


def write_table(table: pd.DataFrame, path: Path, read_from: Iterable[Path]) -> Path:
    """Write a table of cells as CSV, as ``cells.csv`` of :func:`write_localization` is.

    Parameters
    ----------
    table : pandas.DataFrame
    path : pathlib.Path
    read_from : iterable of pathlib.Path
        What was looked at, which is never replaced.

    Returns
    -------
    pathlib.Path
        The same path.

    Raises
    ------
    DualglandError
        If it cannot be written there; then nothing was written.
    """
    refuse_file(path, read_from)
    with replacing(path) as beside:
        _write_table(table, beside)
    return path


def write_files(result: Localization, paths: Mapping[str, Path]) -> None:
    """Write table, labels and maps to where the caller wants them.

    Parameters
    ----------
    result : Localization
        Maps are computed class by class.
    paths : mapping of str to pathlib.Path
        By the names in :data:`WRITTEN`; the caller renames the files when all is well.
    """
    _write_table(result.table, paths[CELLS_CSV])
    _write(_cells(result), paths[CELLS_TIF], is_labels=True)
    _write(_maps(result), paths[MAPS_TIF], is_many=True)


@contextlib.contextmanager
def making(folder: Path) -> Any:
    """Make a folder and its parents; whatever goes wrong, those that were made go again.

    Raises
    ------
    DualglandError
        If it cannot be made.
    """
    lacking = [path for path in (folder, *folder.parents) if not path.exists()]
    made(folder)
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):  # something else has been put there meanwhile
            for path in lacking:
                path.rmdir()
        raise


def _write(stack: Stack, path: Path, **kind: bool) -> None:
    part = Part(stack.name, to_canonical(stack.data, stack.axes), **kind)
    write_parts(stack, [part], stack.provenance, path)


def _like(result: Localization, data: Any, axes: str, **fields: Any) -> Stack:
    source = result.stack
    return Stack(
        data=data,
        axes=axes,
        pixel_size=source.pixel_size,
        time_step=source.time_step,
        provenance=result.provenance,
        **fields,
    )


def _cells(result: Localization) -> Stack:
    labels = result.cells
    if labels.size and int(labels.max()) <= np.iinfo(np.uint16).max:
        labels = labels.astype(np.uint16)
    return _like(
        result,
        labels,
        result.cell_axes,
        channels=(Channel(CELLS),),
        name=f"{result.stack.name} {CELLS}",
        kind=CELLS,
        header=Header(description="Labels of the cells, 0 for background."),
    )


def _maps(result: Localization) -> Stack:
    named = ", ".join(
        f"{name} {threshold:.3g}"
        for name, threshold in zip(CLASSES, result.thresholds, strict=True)
    )
    import dask.array as da

    empty = np.empty((0,) * result.maps.ndim, np.uint8)
    scaled = da.map_blocks(_as_bytes, result.maps, dtype=np.uint8, meta=empty)
    return _like(
        result,
        scaled,
        result.map_axes,
        channels=tuple(Channel(n, None, c) for n, c in zip(CLASSES, COLORS, strict=True)),
        name=f"{result.stack.name} localization",
        kind=MAPS,
        header=Header(description=f"{_MEANING}{named}."),
    )


def _as_bytes(block: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    scaled = np.fmax(block, 0)  # NaN becomes 0
    np.fmin(scaled, 1, out=scaled)
    scaled *= 255
    whole: npt.NDArray[np.uint8] = np.rint(scaled, out=scaled).astype(np.uint8)
    return whole


def _write_table(table: pd.DataFrame, path: Path) -> None:
    """Write the table as text that is read the same everywhere."""
    told = table.copy()
    for name in told.columns:
        values = told[name]
        if values.dtype.kind == "f":
            told[name] = values.map(_number(_DECIMALS.get(name)), na_action="ignore")
        elif values.dtype.kind not in "iub":
            told[name] = values.map(_harmless, na_action="ignore")
    told.to_csv(path, index=False, encoding="utf-8", lineterminator="\n")


def _number(decimals: int | None) -> Any:
    """Return what writes a number with a point, whatever the locale."""
    if decimals is None:
        return lambda value: f"{value:.6g}"
    return lambda value: f"{value:.{decimals}f}"


def _harmless(value: Any) -> str:
    """Return text that no spreadsheet takes for a formula."""
    text = str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
