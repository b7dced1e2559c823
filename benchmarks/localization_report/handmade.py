"""What a lab would measure by hand to tell where a protein is: the figure to beat.

Some forty features per cell, from scikit-image and SciPy, none of them learned: how the
protein is shared out over the compartments, how it runs from the nucleus to the edge of the
cell, how grainy it is at which scale, which landmark it goes with, how many spots it has, and
where it is brightest. Forests of trees (:func:`build_trees`) make a class of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from scipy import ndimage
from skimage.feature import peak_local_max
from skimage.filters import threshold_otsu
from skimage.measure import label, regionprops
from sklearn.ensemble import ExtraTreesClassifier

from dualgland_training.cell_pictures import CELL_PIXEL_UM
from napari_dualgland.model.compartments import COMPARTMENTS, soft_compartments
from napari_dualgland.stack import ROLES
from napari_dualgland.typing import BoolArray, Float64Array

Features = dict[str, float]

SCALES_UM = (0.13, 0.26, 0.52, 1.04, 2.08)
"""Standard deviations between which textures are measured."""

SHELLS = 6
"""Steps from the rim of the nucleus to the edge of the cell; two more lie in the nucleus."""

TREES = 500

LEAF = 4
"""Cells of the smallest leaf: of 1, 2, 3, 4 and 6 the best on the very folds that are published,
which flatters these trees and not what is held against them."""


@dataclass(frozen=True)
class _Cell:
    """A cell made ready: channels from 0 (dark) to about 1, and its parts.

    ``x`` is (4, Y, X); ``soft`` (5, Y, X) with background outside the cell; the masks (Y, X).
    """

    x: Float64Array
    soft: Float64Array
    inside: BoolArray
    nucleus: BoolArray
    cytoplasm: BoolArray
    pixel_um: float

    @property
    def protein(self) -> Float64Array:
        return np.asarray(self.x[ROLES.index("protein")])


def _prepare(image: npt.NDArray[np.generic], inside: BoolArray, pixel_um: float) -> _Cell:
    x = np.zeros(image.shape)
    for c, plane in enumerate(image.astype(float)):
        bright = np.percentile(plane[inside], 99.5)
        x[c] = plane / bright * inside if bright > 0 else 0
    soft = soft_compartments(torch.from_numpy(x.astype(np.float32))[None], pixel_um)[0].numpy()
    soft = soft.astype(float) * inside
    soft[-1] = 1 - soft[:-1].sum(0)
    # Halfway across the rim, where a nucleus would be outlined by hand.
    core = soft[0] + soft[1] / 2 > 0.5
    return _Cell(x, soft, inside, core & inside, inside & ~core, pixel_um)


def _mean(values: Float64Array, where: npt.NDArray[np.generic]) -> float:
    weight = where.astype(float)
    total = weight.sum()
    return float((values * weight).sum() / total) if total > 0 else 0.0


def shared_out(cell: _Cell) -> Features:
    """Return, per compartment, its level over that of the cell and its share of all protein."""
    level = _mean(cell.protein, cell.inside) + 1e-3
    whole = (cell.protein * cell.inside).sum() + 1e-6
    found: Features = {}
    for name, part in zip(COMPARTMENTS[:-1], cell.soft, strict=False):
        found[f"level in {name}"] = np.log((_mean(cell.protein, part) + 1e-3) / level)
        found[f"share in {name}"] = float((cell.protein * part).sum() / whole)
    return found


def radial_profile(cell: _Cell) -> Features:
    """Return the protein's level in shells from inside the nucleus out to the edge."""
    level = _mean(cell.protein, cell.inside) + 1e-3
    depth = ndimage.distance_transform_edt(cell.nucleus)
    deepest = max(float(depth.max()), 1.0)
    found: Features = {
        "shell nucleus, middle": _mean(cell.protein, depth > deepest / 2) / level,
        "shell nucleus, outer": _mean(cell.protein, (depth > 0) & (depth <= deepest / 2)) / level,
    }
    if cell.nucleus.any():
        out = ndimage.distance_transform_edt(~cell.nucleus)
    else:
        out = np.zeros(cell.inside.shape)
    # Pixels beyond the picture are no cell: an edge that was cut off is an edge.
    left = ndimage.distance_transform_edt(np.pad(cell.inside, 1))[1:-1, 1:-1]
    way = out / np.maximum(out + left, 1e-6)
    for k in range(SHELLS):
        shell = cell.cytoplasm & (way > k / SHELLS) & (way <= (k + 1) / SHELLS)
        found[f"shell {k + 1}"] = _mean(cell.protein, shell) / level
    return found


def textures(cell: _Cell) -> Features:
    """Return how strong the protein is between two scales, over its level, in both parts."""
    blurs = [ndimage.gaussian_filter(cell.protein, s / cell.pixel_um) for s in SCALES_UM]
    found: Features = {}
    for name, where in (("nucleus", cell.nucleus), ("cytoplasm", cell.cytoplasm)):
        level = _mean(cell.protein, where) + 1e-2
        for fine, coarse, scale in zip(blurs, blurs[1:], SCALES_UM, strict=False):
            energy = _mean(np.square(fine - coarse), where)
            found[f"texture in {name} from {scale} µm"] = np.log(1e-3 + np.sqrt(energy) / level)
    return found


def _correlation(one: Float64Array, other: Float64Array, where: BoolArray) -> float:
    a, b = one[where], other[where]
    if a.size < 2 or a.std() < 1e-9 or b.std() < 1e-9:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def likenesses(cell: _Cell) -> Features:
    """Return the correlation with each landmark: in the cell, and in the part that it marks."""
    marks = {"microtubules": cell.cytoplasm, "nucleus": cell.nucleus, "er": cell.cytoplasm}
    found: Features = {}
    for role, part in marks.items():
        landmark = cell.x[ROLES.index(role)]
        found[f"like {role}"] = _correlation(cell.protein, landmark, cell.inside)
        found[f"like {role}, where it is"] = _correlation(cell.protein, landmark, part)
    return found


def spots(cell: _Cell) -> Features:
    """Return count and shape of what stands out: spots per area, bright patches of the nucleus."""
    fine = ndimage.gaussian_filter(cell.protein, 0.2 / cell.pixel_um)
    sharp = fine - ndimage.gaussian_filter(cell.protein, 0.6 / cell.pixel_um)
    found: Features = {}
    for name, where in (("nucleus", cell.nucleus), ("cytoplasm", cell.cytoplasm)):
        area = where.sum() * cell.pixel_um**2
        floor = 0.3 * _mean(cell.protein, where) + 1e-3
        peaks = peak_local_max(  # type: ignore[no-untyped-call]
            sharp, min_distance=2, threshold_abs=floor, labels=where.astype(np.uint8)
        )
        found[f"spots in {name} per 100 µm²"] = 100 * len(peaks) / max(area, 1.0)
    return found | _patches(fine, cell)


def _patches(smooth: Float64Array, cell: _Cell) -> Features:
    """Return what Otsu's threshold makes of the nucleus: area, number, size, shape, contrast."""
    names = ("area", "count", "largest µm²", "eccentricity", "contrast")
    values = smooth[cell.nucleus]
    if values.size < 16 or np.ptp(values) < 1e-6:
        return {f"patches: {name}": 0.0 for name in names}
    bright = cell.nucleus & (smooth > threshold_otsu(values))  # type: ignore[no-untyped-call]
    smallest = 0.2 / cell.pixel_um**2
    regions = [r for r in regionprops(label(bright)) if r.area >= smallest]  # type: ignore[no-untyped-call]
    largest = max(regions, key=lambda r: r.area, default=None)
    dim = _mean(smooth, cell.nucleus & ~bright)
    measured = (
        float(bright.sum() / cell.nucleus.sum()),
        float(len(regions)),
        float(largest.area * cell.pixel_um**2) if largest else 0.0,
        float(largest.eccentricity) if largest else 0.0,
        float(np.log((_mean(smooth, bright) + 1e-2) / (dim + 1e-2))),
    )
    return {f"patches: {name}": value for name, value in zip(names, measured, strict=True)}


def brightest(cell: _Cell) -> Features:
    """Return how far the brightest twentieth stands out, where it is, what lies beneath it."""
    smooth = ndimage.gaussian_filter(cell.protein, 0.2 / cell.pixel_um)
    values = smooth[cell.inside]
    top = cell.inside & (smooth >= np.percentile(values, 95))
    dapi = cell.x[ROLES.index("nucleus")]
    in_nucleus = (
        cell.nucleus & (smooth >= np.percentile(smooth[cell.nucleus], 90))
        if (cell.nucleus.any())
        else cell.nucleus
    )
    level = _mean(smooth, cell.inside) + 1e-3
    return {
        "brightest: over mean": float(np.log((_mean(smooth, top) + 1e-3) / level)),
        "brightest: median over mean": float(np.median(values) / level),
        "brightest: in nucleus": _mean(cell.nucleus.astype(float), top),
        "brightest: in edge": _mean(cell.soft[3], top),
        "brightest of nucleus: DAPI": _mean(dapi, in_nucleus) / (_mean(dapi, cell.nucleus) + 1e-3),
    }


def cell_features(
    image: npt.NDArray[np.generic], inside: BoolArray, pixel_um: float = CELL_PIXEL_UM
) -> Features:
    """Measure a cell by hand.

    Parameters
    ----------
    image : numpy.ndarray
        (4, Y, X) in the order of ROLES, 0 dark; a channel of zeros counts as absent.
    inside : numpy.ndarray
        (Y, X) boolean, True in the cell.
    pixel_um : float
        Micrometres per pixel.

    Returns
    -------
    dict
        Name of the feature → finite value, always the same names in the same order.

    Raises
    ------
    ValueError
        If the cell has no pixel, or the shapes do not agree.
    """
    if image.shape[1:] != inside.shape or len(image) != len(ROLES) or not inside.any():
        raise ValueError(
            f"needs a (4, Y, X) picture and a (Y, X) mask that is not empty, not {image.shape} "
            f"and {inside.shape} with {int(inside.sum())} pixels"
        )
    cell = _prepare(image, inside, pixel_um)
    parts = (shared_out, radial_profile, textures, likenesses, spots, brightest)
    return {name: float(value) for part in parts for name, value in part(cell).items()}


def build_trees(seed: int = 0) -> ExtraTreesClassifier:
    """Return the untrained forest: extremely randomised trees, classes weighted alike."""
    return ExtraTreesClassifier(  # type: ignore[no-untyped-call]
        n_estimators=TREES,
        class_weight="balanced",
        min_samples_leaf=LEAF,
        max_features="sqrt",
        n_jobs=1,
        random_state=seed,
    )
