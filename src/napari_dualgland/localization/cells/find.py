"""Cells from the landmarks, with no learned network: nuclei first, then what lies around each.

Every nucleus floods its surroundings; floods meet where microtubules and ER are dim, or
where their brightness jumps. What is dim beside the cell it would belong to is background.
Nuclei that no valley parts share a cell.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from skimage.morphology import h_maxima
from skimage.segmentation import watershed

from napari_dualgland.localization.cells.adjacency import SIDES, joined, renumbered
from napari_dualgland.localization.cells.foreground import cell_foreground, edge_strength
from napari_dualgland.localization.cells.grid import Grid
from napari_dualgland.localization.cells.multinucleate import multinucleate_pairs
from napari_dualgland.localization.cells.nuclei import find_mitotic, find_nuclei
from napari_dualgland.localization.params import LocalizeParams
from napari_dualgland.stack import ROLES
from napari_dualgland.typing import AnyArray, BoolArray, Float32Array, LabelArray

MICROTUBULES, PROTEIN, NUCLEUS, ER = range(len(ROLES))

GROWN = 0.35
"""How far a cell reaches beyond its nucleus where no channel tells, in typical nuclei."""

FARTHEST = 3.5
"""How far a cell reaches beyond its nucleus at most, in typical nuclei."""


@dataclass(frozen=True)
class Cells:
    """The cells of a frame.

    Attributes
    ----------
    labels : numpy.ndarray
        int32 (Y, X), numbered from 1 without gaps, 0 for background; cells that the border
        cuts are among them.
    nuclei : numpy.ndarray
        int32 (Y, X); a nucleus has the label of its cell. Those of one cell do not touch, so
        that they can be counted.
    mitotic : frozenset of int
        Labels of cells with condensed chromatin.
    note : str
        What a person must know of how they were found; empty where all landmarks were there.
    """

    labels: LabelArray
    nuclei: LabelArray
    mitotic: frozenset[int]
    note: str = ""


def find_cells(frame: AnyArray, pixel_um: float, params: LocalizeParams | None = None) -> Cells:
    """Find the cells of a frame.

    Parameters
    ----------
    frame : numpy.ndarray
        (4, Y, X), channels in the order of ROLES, any real dtype; an absent channel is all
        NaN, and so is a pixel of which nothing is known.
    pixel_um : float
        Micrometres per pixel; 0.08 to 0.32 was tried.
    params : LocalizeParams or None
        ``nucleus_um`` and ``smallest_um2`` are used; None for the defaults.

    Returns
    -------
    Cells
        In the order of their nuclei.

    Raises
    ------
    ValueError
        If the frame has other than four channels, or the pixel size is not positive.
    """
    params = params or LocalizeParams()
    frame = np.asarray(frame)
    if frame.ndim != 3 or len(frame) != len(ROLES) or not pixel_um > 0:
        raise ValueError(
            f"cells are found in a (4, Y, X) frame with a pixel size above 0 µm, not in one "
            f"of shape {frame.shape} with {pixel_um}"
        )
    grid = Grid.over((frame.shape[1], frame.shape[2]), pixel_um)
    planes = {role: grid.shrink(frame[role]) for role in range(len(ROLES))}
    there = {role: p for role, p in planes.items() if np.isfinite(p).any()}
    filled = {role: _filled(p, params.nucleus_um / 3 / grid.pixel_um) for role, p in there.items()}
    nuclei, cells, note = _on_grid(filled, grid, params)
    return _at_full_size(nuclei, cells, filled.get(NUCLEUS), grid, params, note)


def _filled(plane: Float32Array, reach: float) -> Float32Array:
    """Fill NaN with the nearest pixel known, as far as that may be trusted; else with dark."""
    unknown = ~np.isfinite(plane)
    if not unknown.any():
        return plane
    far, nearest = ndimage.distance_transform_edt(unknown, return_indices=True)
    dark = np.nanpercentile(plane, 1)
    return np.asarray(np.where(far <= reach, plane[tuple(nearest)], dark), np.float32)


def _on_grid(
    planes: dict[int, Float32Array], grid: Grid, params: LocalizeParams
) -> tuple[LabelArray, LabelArray, str]:
    """Return nuclei, each with a label of its own, cells with those labels, and a note."""
    um, size = grid.pixel_um, params.nucleus_um
    landmarks = [planes[role] for role in (MICROTUBULES, ER) if role in planes]
    if NUCLEUS in planes:
        nuclei = find_nuclei(planes[NUCLEUS], um, size)
        if landmarks:
            brightness, mask = cell_foreground(landmarks, um, size, nuclei)
            return nuclei, _cells_around(nuclei, brightness, mask, planes[NUCLEUS], um, size), ""
        far = ndimage.distance_transform_edt(nuclei == 0) * um
        cells = np.asarray(watershed(far, nuclei, mask=far <= GROWN * size), np.int32)
        note = f"neither microtubules nor ER: cells are nuclei grown by {GROWN * size:.3g} µm"
        return nuclei, cells, note
    nuclei = np.zeros((-(-grid.shape[0] // grid.step), -(-grid.shape[1] // grid.step)), np.int32)
    if not landmarks and PROTEIN not in planes:
        return nuclei, nuclei, "no channel to find cells in"
    what = "microtubules and ER" if len(landmarks) > 1 else "the one landmark there is"
    what = what if landmarks else "the protein alone"
    brightness, mask = cell_foreground(landmarks or [planes[PROTEIN]], um, size, nuclei)
    hills = ndimage.gaussian_filter(brightness, size / 4 / um)
    seeds, _ = ndimage.label(h_maxima(hills, 0.03) * mask, np.ones((3, 3)))
    cells = np.asarray(
        watershed(-hills + edge_strength(brightness, um), seeds, mask=mask), np.int32
    )
    return nuclei, cells, f"no nuclei: cells are blobs of {what}"


def _cells_around(
    nuclei: LabelArray,
    brightness: Float32Array,
    mask: BoolArray,
    dna: Float32Array,
    um: float,
    size: float,
) -> LabelArray:
    """Flood from the nuclei, cut what is too far, and share cells where nothing parts them."""
    far = ndimage.distance_transform_edt(nuclei == 0).astype(np.float32) * um
    within = (mask & (far < FARTHEST * size)) | (nuclei > 0)
    relief = np.where(nuclei > 0, 0, far / size + edge_strength(brightness, um)).astype(np.float32)
    count = int(nuclei.max(initial=0))
    outsiders = _beyond_border(brightness, mask, far, um, size)
    seeds = np.where(outsiders > 0, outsiders + count, nuclei)
    cells = np.asarray(watershed(relief, seeds, mask=within | (outsiders > 0)), np.int32)
    cells[cells > count] = 0
    return joined(cells, multinucleate_pairs(cells, nuclei, brightness, dna, um, size))


def _beyond_border(
    brightness: Float32Array, mask: BoolArray, far: Float32Array, um: float, size: float
) -> LabelArray:
    """Return the middles of cells whose nucleus lies beyond the border.

    They are no cells that a table could list, but their neighbours must not swallow them.
    """
    hills = ndimage.gaussian_filter(brightness, size / 5 / um)
    tops = h_maxima(hills, 0.06).astype(bool) & mask & (far > 0.8 * size)
    near = int(0.3 * size / um)
    tops[near:-near, near:-near] = False
    return np.asarray(ndimage.label(tops, np.ones((3, 3)))[0], np.int32)


def _at_full_size(
    nuclei: LabelArray,
    cells: LabelArray,
    dna: Float32Array | None,
    grid: Grid,
    params: LocalizeParams,
    note: str,
) -> Cells:
    """Smooth and drop small cells, and bring all to the size of the frame."""
    cells = _tidy(cells, nuclei, grid.pixel_um, params.smallest_um2)
    mitotic = find_mitotic(dna, nuclei) if dna is not None else frozenset()
    owners = {label: int(cells[nuclei == label].max()) for label in mitotic}
    labels, single = grid.enlarge(cells), grid.enlarge(nuclei)
    inside = np.where(single > 0, labels, 0).astype(np.int32)
    # A line of background between the nuclei of a cell, so that they stay two.
    for here, there in SIDES:
        seam = (single[here] != single[there]) & (single[here] > 0) & (single[there] > 0)
        inside[here][seam] = 0
    return Cells(labels, inside, frozenset(owners.values()) - {0}, note)


def _tidy(cells: LabelArray, nuclei: LabelArray, um: float, smallest_um2: float) -> LabelArray:
    """Round off, keep the largest piece of every cell without holes, drop the small."""
    out = np.zeros_like(cells)
    wide = int(np.ceil(2 / um))
    for label, window in enumerate(ndimage.find_objects(cells), start=1):
        if window is None:
            continue
        around = tuple(slice(max(0, s.start - wide), s.stop + wide) for s in window)
        own = cells[around] == label
        nucleus = own & (nuclei[around] > 0)
        own = ndimage.gaussian_filter(own.astype(np.float32), 1.0 / um, mode="nearest") > 0.5
        own = ndimage.binary_fill_holes(own | nucleus)
        pieces, count = ndimage.label(own)
        if count > 1:
            weights = (nucleus if nucleus.any() else own).astype(np.float32)
            own = pieces == 1 + np.argmax(ndimage.sum(weights, pieces, np.arange(1, count + 1)))
        free = (cells[around] == label) | ((cells[around] == 0) & (out[around] == 0))
        own &= free
        spans = zip(window, cells.shape, strict=True)
        cut = any(s.start == 0 or s.stop == n for s, n in spans)
        # Of a cell that the border cuts, a quarter will do.
        if own.sum() * um**2 >= max(smallest_um2 / (4 if cut else 1), um**2):
            out[around][own] = label
    return renumbered(out)
