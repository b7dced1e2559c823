"""What the engines return: plain records of stacks and masks, free of torch and Qt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.intervals import Reach
from napari_dualgland.provenance import Provenance
from napari_dualgland.stack import Stack, from_canonical, to_canonical
from napari_dualgland.typing import LabelArray, LazyArray

if TYPE_CHECKING:
    import dask.array as da
    import pandas as pd


NOTHING_MISSING = "nothing to do: no pixel is missing"
"""Note of an imputation that had nothing to fill."""

PLAUSIBLE = (
    "filled with one plausible picture of many: it is further from the truth than the estimate; "
    "do not measure intensities in it"
)
"""What stands in the notes of a result that was asked to look measured."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Imputation(Stack):
    """A stack of which some pixels are estimates, and what must be known of them.

    It is what :func:`napari_dualgland.impute` returns and what
    :func:`napari_dualgland.read` gives back of a file that was written from it.

    Attributes
    ----------
    data, axes, channels, …
        As of every :class:`~napari_dualgland.stack.Stack`: the source's dtype and axes;
        observed pixels are the source's own bits. A role that the source lacked is appended
        as a channel.
    missing : numpy.ndarray or dask.array.Array
        Boolean, shape of ``data``: True where a pixel is an estimate.
    uncertainty : numpy.ndarray or dask.array.Array or None
        float32, shape of ``data``, in the units of the intensities: the standard
        deviation of the error of what was filled in; 0 where a pixel was observed, NaN where
        one of several models that filled it gives none. None where none of them does.
    provenance : Provenance
        Model, hash, options, seed and date.
    samples : tuple of numpy.ndarray or dask.array.Array
        Plausible pictures, if any were asked for: each of the shape and dtype of
        ``data``, observed pixels the source's own bits.
    other : numpy.ndarray or dask.array.Array or None
        The other fill of the same run, if both were asked for: the plausible picture where
        ``data`` is the estimate, the estimate where ``data`` is the picture. See
        :meth:`flipped`.

    Raises
    ------
    DualglandError
        If one of the arrays does not have the shape of the data.
    """

    missing: LazyArray
    uncertainty: LazyArray | None = None
    samples: tuple[LazyArray, ...] = ()
    provenance: Provenance
    other: LazyArray | None = None

    def __post_init__(self) -> None:
        Stack.__post_init__(self)
        named = {"missing": self.missing, "uncertainty": self.uncertainty, "other": self.other}
        named |= {f"sample {i}": sample for i, sample in enumerate(self.samples, 1)}
        for name, array in named.items():
            if array is not None and tuple(array.shape) != self.shape:
                found = f"it has shape {tuple(array.shape)}"
                expected = f"that of the stack, {self.shape}"
                raise DualglandError(
                    Kind.MISMATCH, self.where, found, part=f"{name} image", expected=expected
                )

    @classmethod
    def of(
        cls,
        stack: Stack,
        missing: LazyArray,
        uncertainty: LazyArray | None = None,
        samples: tuple[LazyArray, ...] = (),
        provenance: Provenance | None = None,
    ) -> Imputation:
        """Return a stack with some of its pixels marked as estimates.

        Parameters
        ----------
        stack : Stack
            Filled already. What an earlier run filled of it stays marked, and as unsure as it was.
        missing, uncertainty, samples
            As the attributes of these names.
        provenance : Provenance, optional
            How they were filled; that of the stack, or that it is not known, if left out.

        Returns
        -------
        Imputation
        """
        if isinstance(stack, Imputation):
            uncertainty = _uncertainty_of_both(stack, missing, uncertainty)
            missing = missing | stack.missing
        known = {f.name: getattr(stack, f.name) for f in fields(Stack)}
        known["provenance"] = provenance or stack.provenance or Provenance.unknown()
        return cls(**known, missing=missing, uncertainty=uncertainty, samples=samples)

    @property
    def stack(self) -> Imputation:
        """The stack itself: an imputation is one."""
        return self

    @property
    def plausible(self) -> bool:
        """Whether what was filled in is a plausible picture, for the eye, and not the estimate."""
        return bool(self.provenance.options.get("plausible"))

    def flipped(self) -> Self:
        """Return the result with its other fill, named for what it is.

        Raises
        ------
        DualglandError
            If the run has made one fill only.
        """
        if self.other is None:
            raise DualglandError(
                Kind.LACKING, self.where, "there is one fill only", way_out="impute with both=True"
            )
        plausible = not self.plausible
        known = self.provenance
        notes = [note for note in known.notes if note != PLAUSIBLE]
        told = known.model_copy(
            update={
                "options": {**known.options, "plausible": plausible},
                "notes": (*([PLAUSIBLE] if plausible else []), *notes),
                "job": _asking(known.job, plausible),
            }
        )
        # A picture that is as likely as the truth errs as much again as the mean does.
        factor = np.float32(np.sqrt(2) if plausible else np.sqrt(0.5))
        sigma = None if self.uncertainty is None else self.uncertainty * factor
        return replace(self, data=self.other, other=self.data, uncertainty=sigma, provenance=told)

    @property
    def unchanged(self) -> bool:
        """Whether there was nothing to fill, so that the data are the source's own."""
        return NOTHING_MISSING in self.provenance.notes

    def without_marks(self) -> Stack:
        """Return the stack alone, if no pixel is marked; itself if one is."""
        if bool(self.missing.any()):
            return self
        known = {f.name: getattr(self, f.name) for f in fields(Stack)}
        return Stack(**{**known, "provenance": None})

    @property
    def imputed(self) -> LazyArray:
        """The same as ``missing``."""
        return self.missing

    def left_out(self, given: LazyArray) -> LazyArray:
        """Return what was marked as missing and is not filled, as frames without an observed pixel.

        Parameters
        ----------
        given : numpy.ndarray or dask.array.Array
            Boolean, shape of the data of the source: what was marked.

        Returns
        -------
        numpy.ndarray or dask.array.Array
            Boolean, shape of ``data``; of a channel that the source lacked, all that is not filled.
        """
        axes = self.axes if given.ndim == len(self.axes) else self.axes.replace("C", "")
        marks, filled = to_canonical(given, axes), to_canonical(self.missing, self.axes)
        count = marks.shape[2]
        left = marks & ~filled[:, :, :count], ~filled[:, :, count:]
        whole: LazyArray = from_canonical(np.concatenate(left, axis=2), self.axes)
        return whole

    def _changed(self, change: Callable[[Any], Any], **more: Any) -> Self:
        return replace(
            self,
            data=change(self.data),
            missing=change(self.missing),
            uncertainty=None if self.uncertainty is None else change(self.uncertainty),
            samples=tuple(change(sample) for sample in self.samples),
            other=None if self.other is None else change(self.other),
            **more,
        )

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
        steps = [known.get(key, Reach()).half_width(level) for key in self.channel_keys]
        axis = self.axes.index("C") if "C" in self.axes else None
        shape = [1] * self.uncertainty.ndim
        if axis is None:
            return self.uncertainty * np.float32(steps[0])
        shape[axis] = len(steps)
        return self.uncertainty * np.array(steps, np.float32).reshape(shape)


def _uncertainty_of_both(
    earlier: Imputation, missing: LazyArray, uncertainty: LazyArray | None
) -> LazyArray | None:
    """Return the uncertainty of what was filled now, ``missing``, and of what was filled before.

    Where one of the two is not known, it is NaN: 0 would say that a pixel was measured.
    """
    if uncertainty is None and earlier.uncertainty is None:
        return None
    now, before = (
        np.float32(np.nan) if u is None else u for u in (uncertainty, earlier.uncertainty)
    )
    zero = np.float32(0)
    kept: LazyArray = np.where(missing, now, np.where(earlier.missing, before, zero))
    return kept


def _asking(job: dict[str, Any] | None, plausible: bool) -> dict[str, Any] | None:
    """Return a written job that asks for this kind of fill."""
    if job is None:
        return None
    return {**job, "params": {**job.get("params", {}), "plausible": plausible}}


@dataclass(frozen=True, eq=False)
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
    cells: LabelArray
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


@dataclass(frozen=True, eq=False)
class Boundaries:
    """The compartments of a field, where they end, and how each channel is shared among them.

    Attributes
    ----------
    stack : Stack
        What was looked at.
    compartments : dask.array.Array
        float32, 0 to 1, adding up to 1: how probable nucleus, nuclear rim, cytoplasm, cell edge
        and background are, in this order. Axes of the stack, the five in place of ``C`` (before
        ``Y`` where the stack has none); computed on demand. Told for blocks of 0.16 µm where
        pixels are finer.
    map : dask.array.Array
        float32, 0 to 1, axes of the stack without ``C``: the chance that a place and its
        neighbours lie in different compartments.
    labels : dask.array.Array
        uint8, axes of ``map``: the most probable compartment, counted from 1; 0 for background.
    spoken : dask.array.Array
        Boolean, axes of ``map``: where a landmark is missing, so that the model of the
        provenance has named the compartments.
    cells : numpy.ndarray
        int32 labels, 0 for background; axes of ``map``. Given labels keep their numbers.
    set_points : pandas.DataFrame
        A row per cell, channel and compartment, and (``cell`` 0) of the whole field: ``cell``,
        ``t`` and ``z`` where the stack has them, centroid ``y``, ``x`` in pixels, ``area_um2``,
        ``location`` whose set points it is held against, ``channel``, ``compartment``, ``h``
        (natural logarithm of the mean in the compartment over the mean in the cell), ``theta``
        and ``tau`` that were learned, ``z_score`` = (h − θ) / τ, ``measured`` (share of the
        compartment that was measured), ``h_filled`` and ``z_filled`` (the same with estimated
        pixels counted; NaN where none is). NaN where too little was measured.
    holes : pandas.DataFrame
        A row per hole that was filled in: ``hole``, where it is, ``area_um2``, ``channels`` and
        ``cells`` that it touches, and of the set point that it moved most: ``cell``,
        ``channel``, ``compartment``, ``z_measured``, ``z_filled``, ``moved``. Hole 0 is all
        scattered pixels of a frame together.
    pixel_um : float
        Micrometres per pixel, as the stack says or as was assumed.
    counts : dict
        By channel, how many pixels are ``measured``, ``imputed`` and ``missing``.
    provenance : Provenance
        Model, hash, options, device and date.
    """

    stack: Stack
    compartments: da.Array
    map: da.Array
    labels: da.Array
    spoken: da.Array
    cells: LabelArray
    set_points: pd.DataFrame
    holes: pd.DataFrame
    pixel_um: float
    counts: dict[str, dict[str, int]]
    provenance: Provenance

    @property
    def compartment_axes(self) -> str:
        """Axes of ``compartments``: those of the stack, with ``C`` for the compartments."""
        return self.stack.axes if "C" in self.stack.axes else self.stack.axes.replace("Y", "CY")

    @property
    def cell_axes(self) -> str:
        """Axes of all else: those of the stack without ``C``."""
        return self.stack.axes.replace("C", "")
