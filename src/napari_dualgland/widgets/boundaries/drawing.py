"""Boundaries as layers hold them, computed off the main thread as far as memory allows."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass

import numpy as np
from napari.layers import Labels
from napari.utils.colormaps import CyclicLabelColormap
from napari.utils.colormaps.standardize_color import transform_color

from napari_dualgland.progress import Cancelled, Progress
from napari_dualgland.results import Boundaries
from napari_dualgland.typing import LazyArray

_MOST_DRAWN = 512 * 2**20
"""Bytes that are computed ahead; more are computed when they are looked at."""


@dataclass(frozen=True, eq=False)
class Drawn:
    """Boundaries, and the pixels of their layers; axes of ``result.cells``.

    Attributes
    ----------
    result : Boundaries
        What was found.
    labels, edges : numpy.ndarray or dask.array.Array
        uint8 compartments, float32 boundary map.
    spoken : numpy.ndarray or dask.array.Array or None
        uint8, 1 where a model named the compartments; None where it was not needed.
    """

    result: Boundaries
    labels: LazyArray
    edges: LazyArray
    spoken: LazyArray | None


def draw_steps(
    result: Boundaries, should_stop: Callable[[], bool]
) -> Generator[Progress, None, Drawn]:
    """Compute the pixels of the layers, or promise to where they would fill the memory.

    Parameters
    ----------
    result : Boundaries
        What was found.
    should_stop : callable
        Asked between layers.

    Yields
    ------
    Progress

    Returns
    -------
    Drawn

    Raises
    ------
    Cancelled
        If ``should_stop`` returned true.
    """
    parts: list[LazyArray] = []
    ahead = result.map.size * 6 <= _MOST_DRAWN
    spoken = result.spoken.astype(np.uint8)
    for lazy in (result.labels, result.map, spoken):
        yield Progress(0, 0, "Drawing")
        if should_stop():
            raise Cancelled.run()
        parts.append(np.asarray(lazy) if ahead else lazy)
    _load_colors()
    needed = result.provenance.model != "landmarks"
    return Drawn(result, parts[0], parts[1], parts[2] if needed else None)


def cycled(colors: list[str]) -> CyclicLabelColormap:
    """Return a colormap in which label 1 has the first colour, and 0 none.

    One that goes round is looked up in a table; one by label would be compiled first.
    """
    return CyclicLabelColormap(colors=transform_color(["#00000000", *colors]))


def _load_colors() -> None:
    """Let napari load what turns labels into colours, which takes a second the first time.

    Here it stands in nobody's way: on the main thread the window would stand still.
    """
    for dtype in ("uint8", "int32"):
        Labels(np.zeros((2, 2), dtype), colormap=cycled(["#ffffff", "#000000"]))
