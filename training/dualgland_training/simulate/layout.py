"""Where cells and nuclei lie: the plan on which every channel is drawn.

Nuclei are placed first, kept apart, and given an outline in polar form. Each cell then
spreads around its nucleus to an outline of its own with a few protrusions; where cells
meet, the nearer one in units of its own reach takes the pixel, so neighbours share a
border without a gap. The plan is drawn wider than the field, so that cells are cut by
the border as they are under a microscope.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from dualgland_training.simulate.noise import smooth_noise
from dualgland_training.simulate.outlines import (
    ANGLES,
    Outline,
    cell_outline,
    nucleus_outline,
    plate_outline,
    radius_at,
    round_outline,
)
from napari_dualgland.typing import Float32Array, Float64Array, FloatArray, LabelArray

MARGIN = 14.0
"""How far the plan reaches beyond the field, in µm."""

CROWDED = 500.0
"""Area per nucleus where no further one fits in, in µm²."""

AREA_PER_CELL = 1150.0
"""Area of the field per nucleus where no number of cells is asked for, in µm²."""


@dataclass(frozen=True)
class Layout:
    """The plan of a field, on a canvas that is wider than the field by ``margin`` pixels.

    Attributes
    ----------
    pixel_size : float
        In µm.
    margin : int
        Pixels of canvas beyond each side of the field.
    outlines : tuple of Outline
        The cell with label ``i`` is ``outlines[i - 1]``.
    cells, nuclei : numpy.ndarray
        int32 labels, shape (Y, X) of the canvas, 0 for background. A nucleus has the
        label of its cell.
    nucleus_level : numpy.ndarray
        float32: 0 at the centre of a nucleus, 1 at its rim, more outside.
    nucleus_distance : numpy.ndarray
        float32: µm from the nearest nucleus, 0 inside.
    edge_distance : numpy.ndarray
        float32: µm from the edge of the pixel's own cell, 0 outside cells.
    thickness : numpy.ndarray
        float32: height of the cell above the glass in µm, 0 outside cells.
    """

    pixel_size: float
    margin: int
    outlines: tuple[Outline, ...]
    cells: LabelArray
    nuclei: LabelArray
    nucleus_level: Float32Array
    nucleus_distance: Float32Array
    edge_distance: Float32Array
    thickness: Float32Array

    @property
    def shape(self) -> tuple[int, int]:
        """(Y, X) of the canvas."""
        rows, columns = self.cells.shape
        return rows, columns

    @property
    def window(self) -> tuple[slice, slice]:
        """Where on the canvas the field lies."""
        rows, columns = self.shape
        return slice(self.margin, rows - self.margin), slice(self.margin, columns - self.margin)

    def per_cell(self, values: FloatArray) -> Float32Array:
        """Return a map of one value per cell, 0 in the background."""
        table = np.zeros(len(self.outlines) + 1, np.float32)
        table[1:] = values
        return table[self.cells]


def draw_layout(
    shape: tuple[int, int],
    pixel_size: float,
    rng: np.random.Generator,
    cells: int | None = None,
    mitotic: float = 0.0,
) -> Layout:
    """Lay out cells and nuclei for a field.

    Parameters
    ----------
    shape : tuple of int
        (Y, X) of the field.
    pixel_size : float
        In µm.
    rng : numpy.random.Generator
        Source of everything random.
    cells : int or None
        About how many nuclei lie in the field; None for one per :data:`AREA_PER_CELL`,
        give or take a third.
    mitotic : float
        Share of the cells that divide, 0 to 1.

    Returns
    -------
    Layout
        On a canvas wider than the field by :data:`MARGIN`.
    """
    margin = int(np.ceil(MARGIN / pixel_size))
    canvas = (shape[0] + 2 * margin, shape[1] + 2 * margin)
    size = (canvas[0] * pixel_size, canvas[1] * pixel_size)
    if cells is None:
        area = shape[0] * shape[1] * pixel_size**2
        cells = max(1, round(area / AREA_PER_CELL * rng.uniform(0.7, 1.3)))
    # Around a small field lies more canvas than field: no more nuclei than fit there.
    wanted = round(cells * canvas[0] * canvas[1] / (shape[0] * shape[1]))
    wanted = min(wanted, int(size[0] * size[1] / CROWDED) + 1)
    outlines = _place(wanted, size, rng, mitotic)
    labels, nuclei, level = _rasterise(outlines, canvas, pixel_size, rng)
    return measured_layout(labels, nuclei, level, outlines, pixel_size, margin)


def measured_layout(
    cells: LabelArray,
    nuclei: LabelArray,
    level: Float32Array,
    outlines: tuple[Outline, ...],
    pixel_size: float,
    margin: int,
) -> Layout:
    """Return the layout of labelled cells and nuclei, with its distances measured.

    Parameters
    ----------
    cells, nuclei : numpy.ndarray
        int32 labels, (Y, X).
    level : numpy.ndarray
        float32, (Y, X): 0 at the centre of a nucleus, 1 at its rim.
    outlines : tuple of Outline
        That of label ``i`` is ``outlines[i - 1]``.
    pixel_size : float
        In µm.
    margin : int
        Pixels of canvas beyond each side of the field.

    Returns
    -------
    Layout
        With distances in µm.
    """
    outside = ndimage.distance_transform_edt(nuclei == 0).astype(np.float32) * pixel_size
    edge = _edge_distance(cells) * np.float32(pixel_size)
    return Layout(
        pixel_size=pixel_size,
        margin=margin,
        outlines=outlines,
        cells=cells,
        nuclei=nuclei,
        nucleus_level=level,
        nucleus_distance=np.asarray(outside, np.float32),
        edge_distance=edge,
        thickness=_thickness(outside, edge),
    )


def _place(
    wanted: int, size: tuple[float, float], rng: np.random.Generator, mitotic: float
) -> tuple[Outline, ...]:
    """Throw nuclei onto a canvas of ``size`` µm, dropping those that would overlap others."""
    placed: list[Outline] = []
    elongated = rng.uniform(0.1, 0.6)  # one culture is round, the next one spindly
    for _ in range(60 * wanted):
        if len(placed) == wanted:
            break
        y, x = rng.uniform(0, size[0]), rng.uniform(0, size[1])
        # No draw where none divides: fields of earlier seeds stay as they are.
        divides = mitotic > 0 and rng.random() < mitotic
        nucleus, axis = plate_outline(rng) if divides else nucleus_outline(rng)
        if any(_overlap(y, x, nucleus, other) for other in placed):
            continue
        if divides:
            reach = round_outline(rng)
            placed.append(Outline(y, x, nucleus, reach, (y, x), axis + np.pi / 2))
            continue
        reach = cell_outline(nucleus, axis, rng.random() < elongated, rng)
        side = rng.integers(len(ANGLES))
        away = nucleus[side] + rng.uniform(0.8, 2.0)
        mtoc = (y + away * np.sin(ANGLES[side]), x + away * np.cos(ANGLES[side]))
        placed.append(Outline(y, x, nucleus, reach, mtoc))
    return tuple(placed)


def _overlap(y: float, x: float, nucleus: Float64Array, other: Outline) -> bool:
    """Tell whether a nucleus at (y, x) would come within 1.5 µm of another one."""
    direction = np.arctan2(other.y - y, other.x - x)
    here = radius_at(nucleus, np.asarray(direction))
    there = radius_at(other.nucleus, np.asarray(direction + np.pi))
    return bool(np.hypot(other.y - y, other.x - x) < here + there + 1.5)


def _rasterise(
    outlines: tuple[Outline, ...],
    canvas: tuple[int, int],
    pixel_size: float,
    rng: np.random.Generator,
) -> tuple[LabelArray, LabelArray, Float32Array]:
    """Turn outlines into labels of cells and nuclei and the level map of the nuclei."""
    # A gentle warp makes the edges wander as membranes do.
    warp_y, warp_x = (
        1.1 * smooth_noise(canvas, 4.5 / pixel_size, rng)
        + 0.6 * smooth_noise(canvas, 2.0 / pixel_size, rng)
        + 0.3 * smooth_noise(canvas, 0.8 / pixel_size, rng)
        for _ in range(2)
    )
    cells, nuclei = np.zeros(canvas, np.int32), np.zeros(canvas, np.int32)
    nearest = np.ones(canvas, np.float32)
    level = np.full(canvas, np.inf, np.float32)
    for label, outline in enumerate(outlines, start=1):
        window = _window(outline, canvas, pixel_size)
        rows, columns = np.ogrid[window]
        dy = (rows * pixel_size - outline.y).astype(np.float32)
        dx = (columns * pixel_size - outline.x).astype(np.float32)
        inside = np.hypot(dy, dx) / radius_at(outline.nucleus, np.arctan2(dy, dx))
        dy, dx = dy + warp_y[window], dx + warp_x[window]
        share = np.hypot(dy, dx) / radius_at(outline.reach, np.arctan2(dy, dx))
        wins = share < nearest[window]
        nearest[window][wins] = share[wins]
        cells[window][wins] = label
        closer = inside < level[window]
        level[window][closer] = inside[closer]
        nuclei[window][closer & (inside < 1)] = label
    cells = _whole_cells(cells, nuclei)
    return cells, nuclei, level


def _window(outline: Outline, canvas: tuple[int, int], pixel_size: float) -> tuple[slice, slice]:
    """Return the part of the canvas that a cell may reach."""
    far = outline.reach.max() + 5.0
    starts = [max(0, int((c - far) / pixel_size)) for c in (outline.y, outline.x)]
    stops = [
        min(n, int((c + far) / pixel_size) + 1)
        for n, c in zip(canvas, (outline.y, outline.x), strict=True)
    ]
    return slice(starts[0], stops[0]), slice(starts[1], stops[1])


def _whole_cells(cells: LabelArray, nuclei: LabelArray) -> LabelArray:
    """Give every nucleus to its cell and drop what a neighbour has cut off from a cell."""
    cells = np.where(nuclei > 0, nuclei, cells)
    for label, window in enumerate(ndimage.find_objects(cells), start=1):
        if window is None:
            continue
        own = cells[window] == label
        pieces, count = ndimage.label(own)
        if count > 1:
            sizes = np.bincount(pieces.ravel())
            # The piece with the nucleus is the cell, however small.
            sizes[0] = 0
            sizes += 10**9 * (
                np.bincount(pieces[nuclei[window] == label], minlength=sizes.size) > 0
            )
            cells[window][own & (pieces != sizes.argmax())] = 0
    return cells.astype(np.int32)


def _edge_distance(cells: LabelArray) -> Float32Array:
    """Return the distance of each pixel from the edge of its own cell, in pixels."""
    edge = cells == 0
    for axis in (0, 1):
        step = np.diff(cells, axis=axis) != 0
        ahead = [(0, 1) if a == axis else (0, 0) for a in (0, 1)]
        behind = [(1, 0) if a == axis else (0, 0) for a in (0, 1)]
        edge |= np.pad(step, ahead) | np.pad(step, behind)
    return np.asarray(ndimage.distance_transform_edt(~edge), dtype=np.float32)


def _thickness(nucleus_distance: Float32Array, edge_distance: Float32Array) -> Float32Array:
    """Return the height of a spread cell in µm: a dome over the nucleus, thin at the edge."""
    dome = 1.6 + 3.6 * np.exp(-nucleus_distance / 5.0)
    return np.asarray(dome * np.tanh(edge_distance / 0.9), dtype=np.float32)
