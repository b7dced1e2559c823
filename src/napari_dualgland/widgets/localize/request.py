"""One localization as the person asked for it: which cells of what, with which options.

Made on the main thread, done on another, written down by *Copy as*, like an
:class:`~napari_dualgland.widgets.impute.request.ImputeRequest`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any

import dask.array as da
import numpy as np

from napari_dualgland.localization.params import LocalizeParams
from napari_dualgland.mask import Mask
from napari_dualgland.progress import Cancelled, Progress
from napari_dualgland.results import Imputation, Localization
from napari_dualgland.stack import Stack, to_canonical
from napari_dualgland.widgets.field.source import Source

_MOST_PAINTED = 512 * 2**20
"""Bytes of pictures that are painted ahead; more are painted when they are looked at."""


@dataclass(frozen=True)
class Painted:
    """A localization, and the picture of it that can be shown at once.

    Attributes
    ----------
    result : Localization
        What was found.
    picture : numpy.ndarray or dask.array.Array
        uint8, axes of ``result.cells`` and three colours behind them.
    """

    result: Localization
    picture: Any


@dataclass(frozen=True)
class LocalizeRequest:
    """A field of view, its cells, and how to look at them.

    Attributes
    ----------
    source : Source
        The chosen layers.
    cells_in : napari.layers.Labels or None
        The layer that outlines the cells; None where they are to be found.
    marking : Mask or None
        What that layer holds.
    estimated_in : napari.layers.Labels or None
        The layer that marks what an earlier run has filled in; None where nothing was.
    estimated : Mask or None
        What that layer holds.
    params : LocalizeParams
        Model, device, threshold and size of the nuclei.
    """

    source: Source
    cells_in: Any = None
    marking: Mask | None = None
    estimated_in: Any = None
    estimated: Mask | None = None
    params: LocalizeParams = field(default_factory=LocalizeParams)

    def stack(self) -> Stack:
        """Return the field of view, with what is estimated in it marked as such."""
        stack = self.source.stack()
        if self.estimated is None:
            return stack
        return Imputation.of(stack, self.estimated.fitted(stack))

    def cells(self, stack: Stack) -> Any:
        """Return the given cells with the axes of the stack without C; None without any."""
        return None if self.marking is None else np.asarray(self.marking.labels(stack))

    def localize_steps(self, should_stop: Callable[[], bool]) -> Generator[Progress, None, Painted]:
        """Find the cells, look at each, and paint what was found; the work behind *Localize*."""
        yield Progress(0, 0, "Loading the model")
        # Here and not above: torch takes seconds to import, and a widget should open at once.
        from napari_dualgland.localization.predict import localize_steps

        stack = self.stack()
        result = yield from localize_steps(stack, self.cells(stack), self.params, None, should_stop)
        yield Progress(0, 0, "Painting")
        return Painted(result, (yield from _picture_steps(result, should_stop)))


def _picture_steps(
    result: Localization, should_stop: Callable[[], bool]
) -> Generator[Progress, None, Any]:
    """Paint every frame, or promise to where that would fill the memory."""
    cells = to_canonical(result.cells, result.cell_axes)
    shape = (*cells.shape[:2], *cells.shape[3:], 3)
    if np.prod(shape) > _MOST_PAINTED:
        return _in_layer_order(_promised(result, shape), result.cell_axes)
    picture = np.zeros(shape, np.uint8)
    frames = list(result.stack.frames())
    for t, z in frames:
        if should_stop():
            raise Cancelled("cancelled; nothing was changed")
        picture[t, z] = _painted(result, t, z)
        yield Progress(0, 0, "Painting")
    return _in_layer_order(picture, result.cell_axes)


def _painted(result: Localization, t: int, z: int) -> Any:
    from napari_dualgland.localization.overlay import color_protein
    from napari_dualgland.localization.overlay_cells import frame_cells

    # Without outlines: those of the layer of cells stay sharp however close one looks.
    return color_protein(result, frame_cells(result, t, z), t, z)


def _promised(result: Localization, shape: tuple[int, ...]) -> da.Array:
    def paint(block_info: Any = None) -> Any:
        (t, _), (z, _) = block_info[None]["array-location"][:2]
        return _painted(result, t, z)[None, None]

    chunks = ((1,) * shape[0], (1,) * shape[1], *((n,) for n in shape[2:]))
    return da.map_blocks(paint, chunks=chunks, dtype=np.uint8)  # type: ignore[no-untyped-call]


def _in_layer_order(picture: Any, axes: str) -> Any:
    """Return (T, Z, Y, X, 3) pictures with these axes and the colours behind them."""
    kept = picture[tuple(slice(None) if a in axes else 0 for a in "TZYX")]
    order = [a for a in "TZYX" if a in axes]
    return kept.transpose([*(order.index(a) for a in axes), len(axes)])
