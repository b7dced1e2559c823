"""A mask and the axes it is in: the one way from a file, a layer or an array to a stack.

Whoever brings a mask (or the labels of cells) seldom has it in the shape of the stack: one
plane for all channels, a plane per channel, bits of a Labels layer. What it is travels with
it, and :meth:`Mask.fitted` lays it over a stack, everywhere in the same manner.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from napari_dualgland.errors import DualglandError
from napari_dualgland.stack import CANONICAL_AXES, ROLES, Stack, from_canonical, to_canonical
from napari_dualgland.typing import AnyArray, LazyArray

ROLE_BITS = {role: 1 << i for i, role in enumerate(ROLES)}
"""Value of each role in a mask of several channels that lies in one plane of integers."""


ROWS = 256
"""Of a mask that is laid over a lazy stack at a time: in booleans it is larger than the stack's
channels in its file."""


class _Cut:
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
    name : str
        What a message calls it: a file or a layer.
    """

    data: LazyArray
    axes: str | None = None
    coded: bool = False
    roles: frozenset[str] | None = None
    name: str = ""

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
                f"unknown channel role {unknown[0]!r}; the roles are {', '.join(ROLES)}"
            )
        return replace(self, roles=frozenset(roles))

    def fitted(self, stack: Stack) -> LazyArray:
        """Return one truth value for each value of a stack.

        ``(Y, X)`` holds for every channel, z and t; ``(C, Y, X)`` for every z and t. Where
        the axes are not known and the shape could be read in more than one way, the stack's
        own axes come first.

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
            If it does not fit, or the values are no numbers.
        """
        if self.data.dtype.kind not in "buif":
            raise DualglandError(
                f"a mask of dtype {self.data.dtype} is neither boolean nor numeric"
            )
        if self.coded and self.data.dtype.kind == "f":
            raise DualglandError(
                f"{self.name or stack.where}: a mask with bits of several channels holds integers; "
                f"this one is {self.data.dtype}"
            )
        marks = self._canonical(stack, _ways(stack), "a mask")
        if hasattr(stack.data, "dask") and isinstance(marks, np.ndarray):
            import dask.array as da

            chunks = (1, 1, -1, ROWS, -1)
            marks = da.from_array(_Cut(marks), chunks, name=False)  # type: ignore[no-untyped-call]
        # A channel that the mask does not speak of keeps no bit.
        bits = np.array([self._bit(channel.role) for channel in stack.channels])[:, None, None]
        marked = (marks & bits) != 0 if self.coded else (marks != 0) & (bits != 0)
        full = tuple(stack.sizes.get(a, 1) for a in CANONICAL_AXES)
        # A copy: a broadcast view would be read-only and share pixels between planes.
        fitted: LazyArray = from_canonical(np.broadcast_to(marked, full), stack.axes).copy()
        return fitted

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
        marks = self._canonical(stack, _ways(stack), "a mask")
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
                f"{self.name or stack.where}: cells must be labels, integers with a number for "
                f"each cell and 0 for background; these are {self.data.dtype}"
            )
        plain = stack.axes.replace("C", "")
        planes = self._canonical(stack, tuple(dict.fromkeys((plain, "YX"))), "cells")
        if planes.shape[2] > 1:
            raise DualglandError(
                f"{self.name or stack.where}: the labels have a channel axis, but cells are the "
                "same in all channels; give labels without one"
            )
        full = tuple(stack.sizes.get(a, 1) for a in "TZYX")
        labels: LazyArray = from_canonical(
            np.broadcast_to(planes, (*full[:2], 1, *full[2:])), plain
        )
        return labels

    def _canonical(self, stack: Stack, ways: tuple[str, ...], what: str) -> LazyArray:
        """Return the data as (T, Z, C, Y, X); axes that they lack have length 1."""
        sizes, shape = stack.sizes, self.shape
        if self.axes is not None and len(self.axes) == len(shape):
            named = dict(zip(self.axes, shape, strict=True))
            whole = all(named.get(a) == sizes[a] for a in "YX")
            if whole and all(n in (1, sizes.get(a, 1)) for a, n in named.items()):
                data: LazyArray = to_canonical(self.data, self.axes)
                return data
        shapes = {axes: tuple(sizes[a] for a in axes) for axes in ways}
        for axes, wanted in shapes.items():
            if shape == wanted:
                data = to_canonical(self.data, axes)
                return data
        for axes, wanted in shapes.items():  # programs add and drop axes of length 1
            if [n for n in shape if n != 1] == [n for n in wanted if n != 1]:
                data = to_canonical(self.data.reshape(wanted), axes)
                return data
        accepted = " or ".join(f"{axes} {wanted}" for axes, wanted in shapes.items())
        raise DualglandError(
            f"{self.name or stack.where}: {what} of shape {shape} "
            f"{'does' if what.startswith('a ') else 'do'} not fit the stack, {stack.axes} "
            f"{stack.shape}; accepted are {accepted}"
        )


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


def _ways(stack: Stack) -> tuple[str, ...]:
    """Return the axes that a mask may have."""
    with_channels = ["CYX"] if "C" in stack.axes else []
    return tuple(dict.fromkeys([stack.axes, *with_channels, "YX"]))
