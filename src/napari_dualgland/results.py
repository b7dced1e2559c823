"""What the engines return: plain records of stacks and masks, free of torch and Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from napari_dualgland.intervals import Reach
from napari_dualgland.provenance import Provenance
from napari_dualgland.stack import Stack

if TYPE_CHECKING:
    import dask.array as da
    import pandas as pd


@dataclass(frozen=True)
class Imputation:
    """A stack whose missing pixels were filled, and what must be known of them.

    Attributes
    ----------
    stack : Stack
        The source's dtype, axes and metadata; observed pixels are the source's own bits.
        A role that the source lacked is appended as a channel.
    missing : numpy.ndarray or dask.array.Array
        Boolean, shape of ``stack.data``: True where a pixel is an estimate.
    uncertainty : numpy.ndarray or dask.array.Array or None
        float32, shape of ``stack.data``, in the units of the intensities: the standard
        deviation of the error of what was filled in; 0 where a pixel was observed. None
        where the model gives none.
    provenance : Provenance
        Model, hash, options, seed and date.
    samples : tuple of numpy.ndarray or dask.array.Array
        Plausible pictures, if any were asked for: each of the shape and dtype of
        ``stack.data``, observed pixels the source's own bits.
    """

    stack: Stack
    missing: npt.NDArray[np.bool_] | da.Array
    uncertainty: npt.NDArray[Any] | da.Array | None
    provenance: Provenance
    samples: tuple[Any, ...] = ()

    def half_width(self, level: float) -> Any:
        """Return how far the truth may lie from what was filled in.

        Parameters
        ----------
        level : float
            Share of the truth that is to be held, 0 to 1.

        Returns
        -------
        numpy.ndarray or dask.array.Array
            float32, shape of ``stack.data``, in the units of the intensities; 0 where a
            pixel was observed.

        Raises
        ------
        ValueError
            If the model states no uncertainty, or the level is not between 0 and 1.
        """
        if self.uncertainty is None or not 0 < level < 1:
            raise ValueError("needs a stated uncertainty and a level between 0 and 1")
        known = self.provenance.reach
        steps = [known.get(c.name, Reach()).half_width(level) for c in self.stack.channels]
        axis = self.stack.axes.index("C") if "C" in self.stack.axes else None
        shape = [1] * self.uncertainty.ndim
        if axis is None:
            return self.uncertainty * np.float32(steps[0])
        shape[axis] = len(steps)
        return self.uncertainty * np.array(steps, np.float32).reshape(shape)


@dataclass(frozen=True)
class Localization:
    """Where the protein is, cell by cell and pixel by pixel.

    Attributes
    ----------
    stack : Stack
        What was looked at.
    cells : numpy.ndarray
        int32 labels, 0 for background; axes of the stack without ``C``. Given labels keep
        their numbers.
    table : pandas.DataFrame
        A row per cell (and frame): ``cell`` (its label), ``t`` and ``z`` where the stack has
        them, centroid ``y``, ``x`` in pixels, ``area_um2``, ``nuclei`` (count),
        ``touches_border``, ``mitotic``, ``classes`` (those over threshold, most probable
        first, joined by ``"; "``; empty if none is), ``uncertainty`` (0 sure to 1: for one
        class at least as good as a coin toss), ``imputed`` and ``missing`` (shares of the
        cell's pixels, over the channels at hand, 0 to 1: estimated by an earlier run, and
        damaged but not filled), a probability column per class, named as the class, and
        ``intensity nucleus``, ``intensity nuclear rim``, ``intensity cytoplasm``,
        ``intensity cell edge`` and ``intensity cell``: mean of the protein in the units of
        the stack, over measured pixels alone; NaN where there are none.
    maps : dask.array.Array
        float32, 0 to 1: how probable it is that a pixel carries the protein in each class.
        Axes of the stack, the 19 classes in place of ``C`` (before ``Y`` where the stack has
        none); computed on demand, 0 outside cells.
    thresholds : tuple of float
        Per class: the probability from which it is named.
    provenance : Provenance
        Model, hash, options, device and date.
    """

    stack: Stack
    cells: npt.NDArray[np.int32]
    table: pd.DataFrame
    maps: da.Array
    thresholds: tuple[float, ...]
    provenance: Provenance

    @property
    def map_axes(self) -> str:
        """Axes of ``maps``: those of the stack, with ``C`` for the classes."""
        return self.stack.axes if "C" in self.stack.axes else self.stack.axes.replace("Y", "CY")

    @property
    def cell_axes(self) -> str:
        """Axes of ``cells``: those of the stack without ``C``."""
        return self.stack.axes.replace("C", "")
