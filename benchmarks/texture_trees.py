"""Trees that tell filled patches from measured ones, and what they are shown of a patch."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.metrics import roc_auc_score

from napari_dualgland.typing import AnyArray, Float64Array

RINGS = np.geomspace(1 / 32, 0.71, 9)
"""Between which energy is looked at, cycles per pixel."""
LAGS = (1, 2, 3, 4, 6)
"""Pixels, at which a patch is compared with itself."""

TREES: Any = ExtraTreesClassifier
"""scikit-learn has no types."""

Told = tuple[list[AnyArray], list[AnyArray]]
"""Of one field: patches that were filled, and patches that were measured."""


def power(patch: AnyArray, rings: list[tuple[float, float]]) -> Float64Array:
    """Return (channels, rings): the energy of a patch between frequencies, cycles per pixel."""
    side = patch.shape[-1]
    slope = np.hanning(side)
    middle = patch - patch.mean((1, 2), keepdims=True)
    energy = np.abs(np.fft.fft2(middle * np.outer(slope, slope))) ** 2
    grid = np.hypot(*np.meshgrid(np.fft.fftfreq(side), np.fft.fftfreq(side)))
    found = [energy[:, (grid >= low) & (grid < high)].mean(1) for low, high in rings]
    return np.stack(found, 1)


def looks(patch: AnyArray) -> Float64Array:
    """Return what trees are shown of a patch: spectra, autocorrelations, moments, couplings."""
    pixels = patch.astype(np.float64)
    bands = np.log(power(pixels, list(pairwise(RINGS))) + 1e-2)
    mean, spread = pixels.mean((1, 2)), pixels.std((1, 2)) + 1e-3
    z = (pixels - mean[:, None, None]) / spread[:, None, None]
    lags = [(z[:, :, k:] * z[:, :, :-k]).mean((1, 2)) for k in LAGS]
    lags += [(z[:, k:] * z[:, :-k]).mean((1, 2)) for k in LAGS]
    couplings = np.einsum("iyx,jyx->ij", z, z)[np.triu_indices(len(z), 1)] / z[0].size
    parts = (bands, np.diff(bands), np.log(mean + 1), np.log(spread), *lags, (z**3).mean((1, 2)))
    return np.concatenate([np.ravel(x) for x in (*parts, (z**4).mean((1, 2)), couplings)])


def told_apart(fields: dict[str, Told], apart: str) -> dict[str, float]:
    """Return how well each field is told apart by trees that were taught on the others.

    Parameters
    ----------
    fields : dict
        By name; each at least one patch of each kind.
    apart : str
        Fields whose name begins so teach nobody; they are only told apart.

    Returns
    -------
    dict
        Name → AUC: 0.5 where trees cannot tell, 1 where they always can; ``""`` is that of all
        fields that teach, pooled.
    """
    shown = {
        name: (np.array([looks(p) for kind in told for p in kind]), [len(kind) for kind in told])
        for name, told in fields.items()
    }
    truth = {name: np.repeat([1, 0], counts) for name, (_, counts) in shown.items()}
    teachers = [name for name in fields if not name.startswith(apart)]
    said: dict[str, Float64Array] = {}
    taught: Any = None
    for name in fields:
        others = [other for other in teachers if other != name]
        if name in teachers or taught is None:
            taught = TREES(200, min_samples_leaf=2, random_state=0).fit(
                np.concatenate([shown[o][0] for o in others]),
                np.concatenate([truth[o] for o in others]),
            )
        said[name] = taught.predict_proba(shown[name][0])[:, 1]
        if name in teachers:
            taught = None
    found = {name: float(roc_auc_score(truth[name], said[name])) for name in fields}
    pooled = [np.concatenate([of[name] for name in teachers]) for of in (truth, said)]
    return found | {"": float(roc_auc_score(*pooled))}
