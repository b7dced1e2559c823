"""Boundaries out: compartments, boundary map and where a model spoke as one OME-TIFF; a CSV.

Every reader opens the channels; laid over the source by their pixel size. napari shows them
again as what they are.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dualgland.io.atomic import replacing
from napari_dualgland.io.frame_store import Part
from napari_dualgland.io.ome import BOUNDARIES
from napari_dualgland.io.targets import refuse_ending, refuse_file
from napari_dualgland.io.tiff_writing import sources, write_parts
from napari_dualgland.results import Boundaries
from napari_dualgland.stack import Channel, Header, Stack, to_canonical

if TYPE_CHECKING:
    import pandas as pd

COMPARTMENT_COLORS = {
    "nucleus": "#4477AA",
    "nuclear rim": "#EE7733",
    "cytoplasm": "#88CCEE",
    "cell edge": "#EECC66",
    "background": "#555555",
}
"""Told apart by people of any colour vision, and from the atlas's own four."""

MAP, LABELS, SPOKEN = "boundary map", "compartments", "named by the model"
"""Channels behind those of the compartments."""

_MEANING = (
    "Compartments of the cells, told from the landmarks and, where one is missing, by a model. "
    "Channels 0 to 4: probability of nucleus, nuclear rim, cytoplasm, cell edge, background, "
    f"times 255. {MAP!r}: chance that a place and its neighbours lie in different compartments, "
    f"times 255. {LABELS!r}: the most probable one, 1 to 4 in that order, 0 for background. "
    f"{SPOKEN!r}: 255 where a landmark is missing."
)


def write_boundaries(result: Boundaries, path: Path) -> Path:
    """Write compartments and boundary map as OME-TIFF, uint8.

    Parameters
    ----------
    result : Boundaries
        Computed frame by frame.
    path : pathlib.Path
        Ends in ``.ome.tif`` or ``.ome.tiff``. An older file is replaced once the new one is
        whole.

    Returns
    -------
    pathlib.Path
        ``path``.

    Raises
    ------
    DualglandError
        If the ending is another, the path is the source of the stack, or the file cannot be
        written; then no trace of it is left.
    """
    refuse_ending(path)
    refuse_file(path, sources(result.stack))
    stack = as_stack(result)
    part = Part(stack.name, to_canonical(stack.data, stack.axes), is_many=True)
    with replacing(path) as temporary:
        write_parts(stack, [part], result.provenance, temporary)
    return path


def as_stack(result: Boundaries) -> Stack:
    """Return everything that is drawn, as the channels of a stack of uint8."""
    import dask.array as da

    flat = result.cell_axes
    parts = [
        _as_bytes(to_canonical(result.compartments, result.compartment_axes)),
        _as_bytes(to_canonical(result.map, flat)),
        to_canonical(result.labels, flat),
        _as_bytes(to_canonical(result.spoken, flat)),
    ]
    together = da.concatenate(parts, axis=2)  # type: ignore[no-untyped-call]
    colors = [*COMPARTMENT_COLORS.values(), "#FFFFFF", "#FFFFFF", "#FF4FD8"]
    names = [*COMPARTMENT_COLORS, MAP, LABELS, SPOKEN]
    source = result.stack
    axes = "".join(axis for axis in "TZCYX" if axis in result.compartment_axes)
    kept = tuple(slice(None) if axis in axes else 0 for axis in "TZCYX")
    return Stack(
        data=together[kept],
        axes=axes,
        channels=tuple(Channel(n, None, c) for n, c in zip(names, colors, strict=True)),
        pixel_size=source.pixel_size,
        time_step=source.time_step,
        name=f"{source.name} boundaries",
        kind=BOUNDARIES,
        provenance=result.provenance,
        header=Header(description=_MEANING),
    )


def write_table(table: pd.DataFrame, path: Path, read_from: Iterable[Path] = ()) -> Path:
    """Write a table of set points or holes as CSV: UTF-8, decimal points, empty where unknown.

    Parameters
    ----------
    table : pandas.DataFrame
    path : pathlib.Path
        An older file is replaced once the new one is whole.
    read_from : iterable of pathlib.Path
        What was looked at, which is never replaced.

    Returns
    -------
    pathlib.Path
        ``path``.

    Raises
    ------
    DualglandError
        If it cannot be written there.
    """
    refuse_file(path, read_from)
    with replacing(path) as temporary:
        table.to_csv(
            temporary, index=False, encoding="utf-8", lineterminator="\n", float_format="%.4f"
        )
    return path


def _as_bytes(shares: Any) -> Any:
    return (shares * np.float32(255)).round().astype(np.uint8)
