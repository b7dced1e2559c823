"""How strongly PG-Loss ties a pixel to its neighbours: the weights w_pq around one place.

They say what the loss has seen of the boundaries there: pairs that lie across one count up to
four times as much as pairs within a compartment.
"""

from __future__ import annotations

import numpy as np

from napari_dualgland.typing import AnyArray, BoolArray, Float64Array

SIGMA, ETA, REACH = 4.0, 3.0, 8
"""Reach of the weights in pixels, extra weight of a boundary, farthest neighbour."""


def weights_around(
    compartments: AnyArray,
    place: tuple[int, int],
    missing: BoolArray | None = None,
) -> Float64Array:
    """Return w_pq between a pixel and those around it.

    Parameters
    ----------
    compartments : numpy.ndarray
        (K, Y, X), adding up to 1 over K.
    place : tuple of int
        (y, x) of the pixel p.
    missing : numpy.ndarray, optional
        (Y, X), boolean: M. Every pair counts where left out.

    Returns
    -------
    numpy.ndarray
        (17, 17), p in the middle:
        w_pq = exp(−|p−q|² / 2σ²) · (1 + η b_pq) · max(M_p, M_q), with b_pq = 1 − Σ_k A_k(p) A_k(q),
        σ = 4 pixels and η = 3; 0 beyond the border of the image.

    Raises
    ------
    IndexError
        If the pixel is not in the image.
    """
    height, width = compartments.shape[1:]
    y, x = place
    if not (0 <= y < height and 0 <= x < width):
        raise IndexError(f"({y}, {x}) is not in an image of {height} × {width}")
    span = np.arange(-REACH, REACH + 1)
    rows, columns = (y + span).clip(0, height - 1), (x + span).clip(0, width - 1)
    around = np.asarray(compartments[:, rows][:, :, columns], np.float64)
    apart = 1 - np.einsum("kyx,k->yx", around, around[:, REACH, REACH])
    near = np.exp(-(span[:, None] ** 2 + span**2) / (2 * SIGMA**2))
    weights = near * (1 + ETA * apart)
    if missing is not None:
        weights *= np.maximum(missing[np.ix_(rows, columns)], missing[y, x])
    inside = ((y + span >= 0) & (y + span < height))[:, None] & (x + span >= 0) & (x + span < width)
    weights *= inside
    weights[REACH, REACH] = 0  # p is no neighbour of its own
    return np.asarray(weights, np.float64)
