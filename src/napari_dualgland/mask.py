"""A mask and the axes it is in: the one way from a file, a layer or an array to a stack.

Whoever brings a mask (or the labels of cells) seldom has it in the shape of the stack: one
plane for all channels, a plane per channel, bits of a Labels layer. What it is travels with
it, and :meth:`Mask.fitted` lays it over a stack, everywhere in the same manner.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.stack import CANONICAL_AXES, ROLES, Stack, from_canonical, to_canonical
from napari_dualgland.typing import AnyArray, LazyArray

ROLE_BITS = {role: 1 << i for i, role in enumerate(ROLES)}
"""Value of each role in a mask of several channels that lies in one plane of integers."""
LARGEST_LABEL = int(np.iinfo(np.int32).max)
"""Of a cell."""


ROWS = 256
"""Of a mask that is laid over a lazy stack at a time: in booleans it is larger than the stack's
channels in its file."""


class Cut:
    """An array that dask takes slices of, where it would copy a NumPy array whole."""

    def __init__(self, array: AnyArray) -> None:
        self.array, self.shape, self.dtype, self.ndim = array, array.shape, array.dtype, array.ndim

    def __getitem__(self, at: Any) -> AnyArray:
        part: AnyArray = self.array[at]
        return part


@dataclass(frozen=True, eq=False)
class Mask:
    """Marked pixels, or labels of cells.

    Attributes
    ----------
    data : numpy.ndarray or dask.array.Array
        Booleans or numbers; what is not zero (NaN too) is marked.
    axes : str or None
        Axes of ``data``, some of T, Z, C, Y, X. None: told by the shape when it is fitted.
    coded : bool
        Whether the values are sums of :data:`ROLE_BITS`, each channel marked apart.
    roles : frozenset of str or None
        The channels in which the marks hold; None: in all.
    bounds : tuple of int or None
        First and last row and column between which the marks hold; None: everywhere.
    of_cells : bool
        Whether these are labels of cells, which are the same in all channels.
    name : str
        What a message calls it: a file or a layer.
    notes : tuple of str
        What a person should know of how it was read.
    """

    data: LazyArray
    axes: str | None = None
    coded: bool = False
    roles: frozenset[str] | None = None
    bounds: tuple[int, int, int, int] | None = None
    of_cells: bool = False
    name: str = ""
    notes: tuple[str, ...] = ()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> AnyArray:
        return np.array(self.data, dtype=dtype, copy=copy)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the data."""
        return tuple(self.data.shape)

    def only(self, roles: Collection[str]) -> Mask:
        """Return the marks in the channels of these roles alone.

        Raises
        ------
        DualglandError
            For an unknown role: nothing would be marked, and nobody would know why.
        """
        unknown = sorted(set(roles) - set(ROLES))
        if unknown:
            raise DualglandError(
                Kind.BAD_VALUE,
                self.name or "roles",
                f"unknown channel role {unknown[0]!r}",
                expected=f"some of {', '.join(ROLES)}",
            )
        return replace(self, roles=frozenset(roles))

    def inside(self, top: int, bottom: int, left: int, right: int) -> Mask:
        """Return the marks inside a rectangle alone.

        What it marks outside is still no measurement: :func:`napari_dualgland.impute` leaves it
        as it is, and does not look at it.

        Parameters
        ----------
        top, bottom, left, right : int
            In pixels; the last row and column do not belong to it.

        Returns
        -------
        Mask
        """
        return replace(self, bounds=(top, bottom, left, right))

    def unbounded(self) -> Mask:
        """Return the marks wherever they are."""
        return replace(self, bounds=None)

    def bounds_in(self, stack: Stack) -> tuple[int, int, int, int]:
        """Return first and last row and column of a stack between which the marks hold.

        Parameters
        ----------
        stack : Stack
            What the mask is for.

        Returns
        -------
        tuple of int

        Raises
        ------
        DualglandError
            If none of its pixels lies between them.
        """
        height, width = stack.sizes["Y"], stack.sizes["X"]
        top, bottom, left, right = self.bounds or (0, height, 0, width)
        if top >= height or left >= width:
            raise DualglandError(
                Kind.BAD_VALUE,
                "region",
                f"rows {top} to {bottom}, columns {left} to {right} lie outside the image",
                expected=f"a part of its {height} × {width} pixels",
            )
        return top, min(bottom, height), left, min(right, width)

    def fitted(self, stack: Stack) -> LazyArray:
        """Return one truth value for each value of a stack.

        It holds for all of every axis that it lacks: ``(Y, X)`` for every channel, z and t,
        ``(C, Y, X)`` for every z and t. Axes that the mask names are heeded; where it names
        none, or one that the stack does not have, the shape tells, if in one way alone.

        Parameters
        ----------
        stack : Stack
            What the mask is for.

        Returns
        -------
        numpy.ndarray or dask.array.Array
            Boolean, shape of ``stack.data``. Lazy if the mask or the stack is.

        Raises
        ------
        DualglandError
            If it does not fit, could fit in several ways, or the values are no numbers.
        """
        dtype = self.data.dtype
        if dtype.kind not in "buif" or (self.coded and dtype.kind == "f"):
            raise DualglandError(
                Kind.WRONG_CONTENT,
                self._place(stack),
                f"a mask of dtype {dtype}",
                expected="integers, a bit for each channel" if self.coded else "numbers or truth",
            )
        marks = self._canonical(stack)
        if hasattr(stack.data, "dask") and isinstance(marks, np.ndarray):
            import dask.array as da

            chunks = (1, 1, -1, ROWS, -1)
            marks = da.from_array(Cut(marks), chunks, name=False)  # type: ignore[no-untyped-call]
        # A channel that the mask does not speak of keeps no bit.
        bits = np.array([self._bit(channel.role) for channel in stack.channels])[:, None, None]
        if marks.dtype.kind in "ui" and bits.max() <= np.iinfo(marks.dtype).max:
            bits = bits.astype(marks.dtype)  # or all pixels would become as wide
        marked = (marks & bits) != 0 if self.coded else (marks != 0) & (bits != 0)
        if self.bounds is not None:
            marked = marked & self._within(stack)
        full = tuple(stack.sizes.get(a, 1) for a in CANONICAL_AXES)
        # A copy: a broadcast view would be read-only and share pixels between planes.
        fitted: LazyArray = from_canonical(np.broadcast_to(marked, full), stack.axes).copy()
        return fitted

    def _within(self, stack: Stack) -> AnyArray:
        """Return (Y, X) truth values: whether a pixel lies inside the bounds."""
        top, bottom, left, right = self.bounds_in(stack)
        within = np.zeros((stack.sizes["Y"], stack.sizes["X"]), bool)
        within[top:bottom, left:right] = True
        return within

    def _bit(self, role: str | None) -> int:
        if self.roles is not None and role not in self.roles:
            return 0
        return ROLE_BITS.get(role or "", 0) if self.coded else 1

    def plane(self, stack: Stack, t: int = 0, z: int = 0) -> Mask:
        """Return the marks of one plane of a stack.

        Parameters
        ----------
        stack : Stack
            The whole, which the mask is for.
        t, z : int
            Where in it.

        Returns
        -------
        Mask
            Axes C, Y, X; of length 1 along C where all channels share the marks.

        Raises
        ------
        DualglandError
            If the mask does not fit the stack.
        """
        marks = self._canonical(stack)
        at = min(t, marks.shape[0] - 1), min(z, marks.shape[1] - 1)
        return replace(self, data=marks[at], axes="CYX")

    def labels(self, stack: Stack) -> LazyArray:
        """Return a label for each pixel of a stack's planes.

        Parameters
        ----------
        stack : Stack
            What the labels are for.

        Returns
        -------
        numpy.ndarray or dask.array.Array
            Integers, read-only, axes of the stack without ``C``. Lazy if the labels are.

        Raises
        ------
        DualglandError
            If they do not fit, or are no integers.
        """
        if self.data.dtype.kind not in "ui":
            raise DualglandError(
                Kind.WRONG_CONTENT,
                self._place(stack),
                f"cells must be labels, and these are {self.data.dtype}",
                expected="integers, a number for each cell and 0 for background",
            )
        planes = replace(self, of_cells=True)._canonical(stack)
        if planes.shape[2] > 1:
            raise DualglandError(
                Kind.MISMATCH,
                self._place(stack),
                f"the labels are {self.axes} {self.shape}, and cells are the same in all channels",
                part="axis C",
                way_out="give labels without a channel axis",
            )
        full = tuple(stack.sizes.get(a, 1) for a in "TZYX")
        labels: LazyArray = from_canonical(
            np.broadcast_to(planes, (*full[:2], 1, *full[2:])), stack.axes.replace("C", "")
        )
        return labels

    def _place(self, stack: Stack) -> str:
        return self.name or stack.where

    def _canonical(self, stack: Stack) -> LazyArray:
        """Return the data as (T, Z, C, Y, X); axes that they lack have length 1."""
        shape, what = self.shape, "cells" if self.of_cells else "a mask"
        sizes = {axis: stack.sizes.get(axis, 1) for axis in CANONICAL_AXES}
        named = {}
        if self.axes is not None and len(self.axes) == len(shape):
            named = dict(zip(self.axes, shape, strict=True))
            if _fits(named, sizes):
                data: LazyArray = to_canonical(self.data, self.axes)
                return data
        ways = _ways(stack, "TZ" if self.of_cells else "TZC")
        # Many programs call the channels z, or the planes t; but where the stack has an axis
        # of that name, it is meant, and its length is wrong.
        wrong = [a for a in "TZC" if sizes[a] > 1 and named.get(a, 1) not in (1, sizes[a])]
        readings = [] if wrong else _readings(shape, ways)
        if len(readings) > 1:
            raise DualglandError(
                Kind.AMBIGUOUS,
                self._place(stack),
                f"{what} of shape {shape} could be {' or '.join(readings)} of the stack, "
                f"{stack.axes} {stack.shape}",
                part="axes",
                way_out="save it as OME-TIFF or ImageJ TIFF, which name their axes, or give it "
                "all axes of the stack",
            )
        if not readings:
            raise DualglandError(
                Kind.MISMATCH,
                self._place(stack),
                f"{what} of shape {self.axes if named else ''}{shape} "
                f"do{'' if self.of_cells else 'es'} not fit the stack, {stack.axes} {stack.shape}",
                part=f"axis {wrong[0]}" if wrong else "",
                expected=" or ".join(f"{axes} {wanted}" for axes, wanted in ways.items()),
            )
        (axes,) = readings
        data = to_canonical(self.data.reshape(ways[axes]), axes)
        return data


def _fits(named: dict[str, int], sizes: dict[str, int]) -> bool:
    whole = all(named.get(a) == sizes[a] for a in "YX")
    return whole and all(n in (1, sizes.get(a)) for a, n in named.items())


def _ways(stack: Stack, leading: str) -> dict[str, tuple[int, ...]]:
    """Return the shape of every order of axes that marks without names may have."""
    longer = [a for a in leading if stack.sizes.get(a, 1) > 1]
    own = "".join(a for a in stack.axes if a in leading or a in "YX")
    some = ["".join(c) + "YX" for n in range(len(longer), -1, -1) for c in combinations(longer, n)]
    return {axes: tuple(stack.sizes[a] for a in axes) for axes in dict.fromkeys((own, *some))}


def _readings(shape: tuple[int, ...], ways: dict[str, tuple[int, ...]]) -> list[str]:
    """Return the axes that a shape can have: the stack's own, else all that are possible."""
    without_ones = [n for n in shape if n != 1]  # programs add and drop axes of length 1
    exact = [axes for axes, wanted in ways.items() if wanted == shape]
    found = exact or [a for a, w in ways.items() if [n for n in w if n != 1] == without_ones]
    own = next(iter(ways))
    return [own] if own in found else found


def as_mask(value: Any) -> Mask:
    """Return a mask of what a caller gives: a mask, or an array whose shape tells its axes."""
    if isinstance(value, Mask):
        return value
    return Mask(value if hasattr(value, "dask") else np.asarray(value))


def encode(missing: LazyArray, stack: Stack) -> LazyArray:
    """Return a mask of several channels as bits in one plane.

    Parameters
    ----------
    missing : numpy.ndarray or dask.array.Array
        Boolean, shape of ``stack.data``.
    stack : Stack
        Its channels without a role are left out.

    Returns
    -------
    numpy.ndarray or dask.array.Array
        uint8, axes of the stack without ``C``: the sum of :data:`ROLE_BITS` of the roles
        whose pixel is marked.
    """
    marks = to_canonical(missing, stack.axes)
    bits = [np.uint8(ROLE_BITS.get(channel.role or "", 0)) for channel in stack.channels]
    codes = sum(
        (marks[:, :, i : i + 1].astype(np.uint8) * bit for i, bit in enumerate(bits)),
        start=np.uint8(0),
    )
    encoded: LazyArray = from_canonical(codes, stack.axes.replace("C", ""))
    return encoded


def roles_of_code(code: int) -> tuple[str, ...]:
    """Return the roles that a value of an encoded mask stands for."""
    return tuple(role for role, bit in ROLE_BITS.items() if code & bit)
