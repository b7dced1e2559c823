"""The outlines of cells: all in one colour but for the cell that is chosen.

napari maps labels through a cycle of colours at once; a colour for each label by name costs two
seconds of compiling, and a second of mapping whenever another cell is chosen. So the cycle is made
so long that no two cells share a place in it, and choosing a cell exchanges one colour of it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.layers import Labels
from napari.utils.colormaps import CyclicLabelColormap

from napari_dualgland.typing import IndexArray

OUTLINE, CHOSEN = (0.49, 0.52, 0.58, 1.0), (1.0, 1.0, 1.0, 1.0)
_NAME = "cell outlines"
_LONGEST = 2**16 - 1
"""Colours in a cycle, as far as napari goes."""


def cycle_length(cells: IndexArray) -> int:
    """Return the length of a cycle in which no two of these labels share a place.

    Parameters
    ----------
    cells : numpy.ndarray
        (N,) integers above 0, each once.

    Returns
    -------
    int
        The least one; the longest that there may be, where labels of millions allow none.
    """
    length = max(1, min(len(cells), _LONGEST))
    while length < _LONGEST and len(np.unique((cells - 1) % length)) < len(cells):
        length += 1
    return length


def outline_colors(length: int) -> CyclicLabelColormap:
    """Return colours for outlines, none of them chosen."""
    colors = np.array([(0.0, 0.0, 0.0, 0.0)] + [OUTLINE] * length, np.float32)
    return CyclicLabelColormap(colors=colors, name=_NAME)


def choose_cell(layer: Labels, cell: int | None) -> None:
    """Let one cell of a layer stand out, or none; colours that the person has set stay.

    Parameters
    ----------
    layer : napari.layers.Labels
        With :func:`outline_colors`.
    cell : int or None
        Its label.
    """
    if cell:
        layer.selected_label = cell
    colormap: Any = layer.colormap
    if colormap.name != _NAME:
        return
    colors = colormap.colors
    colors[1:] = OUTLINE
    if cell:
        colors[(cell - 1) % (len(colors) - 1) + 1] = CHOSEN
    # Only the colours are news: which pixel has which place in the cycle stays.
    layer.events.colormap()


def warm_up() -> None:
    """Let napari compile what maps labels to colours: two seconds that no main thread has.

    A layer that is in no viewer is a value like any other; it may be made in any thread.
    """
    for length in (1, 2**8):  # fewer colours than a byte holds, and more
        Labels(np.ones((1, 1), np.int32), colormap=outline_colors(length))
