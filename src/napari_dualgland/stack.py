"""The ground floor: a microscopy stack whose channels are known by role.

A field of view of the Human Protein Atlas has four channels. Public code disagrees on
their order, so the rest of the program asks a :class:`Stack` for a *role* and never for
a position. The stack keeps the axes, dtype and metadata of its source, so that what is
written at the end can be laid over what was read at the beginning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

import numpy as np

from napari_dualgland.channel_names import channel_at, unique_names
from napari_dualgland.errors import DualglandError
from napari_dualgland.errors import Kind as Fault
from napari_dualgland.pixel_size import PixelSize
from napari_dualgland.provenance import Provenance
from napari_dualgland.typing import LazyArray

ROLES: tuple[str, ...] = ("microtubules", "protein", "nucleus", "er")
"""Roles in the order of every tensor of this project."""

ROLE_COLORS: Mapping[str, str] = {
    "microtubules": "#FF0000",
    "protein": "#00FF00",
    "nucleus": "#0000FF",
    "er": "#FFFF00",
}
"""The colours in which the atlas shows each role, as ``#RRGGBB``."""

CANONICAL_AXES = "TZCYX"

Kind = Literal["image", "cells", "localization maps", "boundaries"]


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel of a stack.

    Attributes
    ----------
    name : str
        The name that the source gives, shown to people and written back.
    role : str or None
        One of :data:`ROLES`, or None for a channel that the model does not know; such a
        channel passes through untouched.
    color : str or None
        ``#RRGGBB``, None where the source gives none.
    described_at : int or None
        Position in the OME-XML of the stack's header of what is said of this channel, such as
        its wavelengths; None where nothing is. It goes along wherever the channel is put, and
        two channels that differ in it alone are equal.
    """

    name: str
    role: str | None = None
    color: str | None = None
    described_at: int | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.role is not None and self.role not in ROLES:
            raise _no_such_role(self.role)


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says besides, kept as it is so that a round trip loses nothing.

    Attributes
    ----------
    ome_xml : str or None
        The whole OME-XML.
    imagej : mapping of str to str or None
        What ImageJ says: text as it is, numbers and lists as JSON.
    description : str or None
        Free text.
    frame : (int, int) or None
        The (t, z) of the OME-XML that the stack is, where it is one plane out of several.
    """

    ome_xml: str | None = None
    imagej: Mapping[str, str] | None = None
    description: str | None = None
    frame: tuple[int, int] | None = None


@dataclass(frozen=True, eq=False)  # arrays have no one truth of equality
class Stack:
    """A field of view, a z-stack or a time series with named channels.

    Attributes
    ----------
    data : numpy.ndarray or dask.array.Array
        Intensities in the source's own dtype, axes as in ``axes``. Lazy where large.
    axes : str
        Order of the axes of ``data``: some of ``T``, ``Z``, ``C``, ``Y``, ``X``, in any
        order; ``Y`` and ``X`` always.
    channels : tuple of Channel
        As many as ``data`` has along ``C``; exactly one where there is no ``C``.
    pixel_size : PixelSize or None
        In µm.
    time_step : float or None
        Seconds between frames.
    name : str
        Shown to people; the name of the file without its ending.
    source : str or None
        Where the stack came from.
    files : tuple of str
        The members of a set, or the files of layers, that it was read from.
    notes : tuple of str
        What a person should know of how it was read.
    kind : str
        ``image``, or what this program has left: ``cells``, ``localization maps`` or
        ``boundaries``.
    provenance : Provenance or None
        How it was computed, where it was.
    header : Header
        What else the source says and a round trip must keep.

    Raises
    ------
    DualglandError
        If axes, channels and the shape of the data do not agree, an axis is empty, or no light
        microscope has such pixels.
    """

    data: LazyArray
    axes: str
    channels: tuple[Channel, ...]
    pixel_size: PixelSize | None = None
    time_step: float | None = None
    name: str = "stack"
    source: str | None = None
    files: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    kind: Kind = "image"
    provenance: Provenance | None = None
    header: Header = Header()

    def __post_init__(self) -> None:
        self._check_axes()
        self._check_channels()
        if self.pixel_size is not None:
            self.pixel_size.require_plausible(self.where)
        if self.data.dtype.kind not in "uif":
            found = f"the dtype is {self.data.dtype}"
            expected = "an image of integers or floats"
            raise DualglandError(Fault.UNSUPPORTED, self.where, found, expected=expected)

    def _check_axes(self) -> None:
        axes, found = self.axes, f"the axes are {self.axes!r}"
        if set(axes) - set(CANONICAL_AXES) or len(set(axes)) != len(axes):
            expected = "some of T, Z, C, Y, X, each once"
            raise DualglandError(Fault.UNSUPPORTED, self.where, found, expected=expected)
        if "Y" not in axes or "X" not in axes:
            expected = "Y and X among them; this is no image"
            raise DualglandError(Fault.WRONG_CONTENT, self.where, found, expected=expected)
        if len(axes) != self.data.ndim:
            expected = f"{self.data.ndim}, one for each dimension of the data"
            raise DualglandError(Fault.MISMATCH, self.where, found, expected=expected)
        for axis, size in self.sizes.items():
            if size == 0:
                found = "the axis is empty; there is no pixel to read"
                raise DualglandError(Fault.EMPTY, self.where, found, part=axis)

    def _check_channels(self) -> None:
        count = self.sizes.get("C", 1)
        if len(self.channels) != count:
            found = f"{len(self.channels)} channels are named, the data have {count}"
            raise DualglandError(Fault.MISMATCH, self.where, found, part="C")
        roles = [c.role for c in self.channels if c.role is not None]
        for role in roles:
            if roles.count(role) > 1:
                found = f"more than one channel is said to be {role}"
                raise DualglandError(Fault.AMBIGUOUS, self.where, found, part=role)

    @property
    def where(self) -> str:
        """What a message calls it: the file that it came from, or its name."""
        return self.source or self.name

    @property
    def imputed(self) -> LazyArray | None:
        """Which pixels an earlier run has filled, shape of ``data``; None: none."""
        return None

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the data, in the order of ``axes``."""
        return tuple(self.data.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Dtype of the source, kept to the end."""
        return np.dtype(self.data.dtype)

    @property
    def sizes(self) -> dict[str, int]:
        """Length of each axis by its letter."""
        return dict(zip(self.axes, self.data.shape, strict=True))

    @property
    def roles(self) -> dict[str, int]:
        """Position along ``C`` of every role that the stack has, in the order of ROLES."""
        found = {c.role: i for i, c in enumerate(self.channels) if c.role is not None}
        return {role: found[role] for role in ROLES if role in found}

    @property
    def channel_keys(self) -> tuple[str, ...]:
        """A name per channel under which figures are kept: its own, made unique."""
        return unique_names([channel.name for channel in self.channels])

    @property
    def absent_roles(self) -> tuple[str, ...]:
        """Roles for which the stack has no channel."""
        return tuple(role for role in ROLES if role not in self.roles)

    def canonical(self) -> LazyArray:
        """Return the data as a (T, Z, C, Y, X) view; axes that are lacking have length 1."""
        data: LazyArray = to_canonical(self.data, self.axes)
        return data

    def frames(self) -> Iterator[tuple[int, int]]:
        """Yield every (t, z) of the stack, time outermost."""
        for t in range(self.sizes.get("T", 1)):
            for z in range(self.sizes.get("Z", 1)):
                yield t, z

    def plane(self, t: int = 0, z: int = 0) -> Self:
        """Return one plane, axes C, Y, X.

        Parameters
        ----------
        t, z : int
            Where in the stack.

        Returns
        -------
        Stack
            Of the same kind; lazy where this one is.

        Raises
        ------
        DualglandError
            If the stack has no such plane.
        """
        for axis, at in (("T", t), ("Z", z)):
            if not 0 <= at < self.sizes.get(axis, 1):
                found = f"there is no {axis.lower()}={at}"
                expected = f"0 to {self.sizes.get(axis, 1) - 1}"
                raise DualglandError(
                    Fault.NOT_THERE, self.where, found, part=axis, expected=expected
                )

        def cut(array: Any) -> Any:
            return from_canonical(to_canonical(array, self.axes)[t : t + 1, z : z + 1], "CYX")

        header = self.header
        if header.ome_xml and self.sizes.get("T", 1) * self.sizes.get("Z", 1) > 1:
            header = replace(header, frame=(t, z))
        return self._changed(cut, axes="CYX", header=header)

    def _changed(self, change: Callable[[Any], Any], **fields: Any) -> Self:
        """Return this stack with every array of its shape changed alike."""
        return replace(self, data=change(self.data), **fields)

    def with_channels(self, mapping: Mapping[str, int | str]) -> Stack:
        """Return this stack with roles given by hand.

        Parameters
        ----------
        mapping : mapping of str to int or str
            From role to the position or the name of a channel. A text of digits is a
            position where no channel is called so. Roles that are left out are missing
            channels.

        Raises
        ------
        DualglandError
            For an unknown role, a position or a name that the stack does not have, a name
            that several channels have, or a channel that is given two roles.
        """
        names = [c.name for c in self.channels]
        role_of: dict[int, str] = {}
        notes: list[str] = []
        for role, key in mapping.items():
            if role not in ROLES:
                raise _no_such_role(role)
            index, note = channel_at(names, key, role, self.where)
            if index in role_of:
                found = f"channel {key!r} is given two roles, {role_of[index]} and {role}"
                part = f"--channels {role}"
                raise DualglandError(Fault.CONFLICT, self.where, found, part=part)
            role_of[index] = role
            notes += [note] if note else []
        channels = tuple(
            replace(c, role=role_of.get(i), color=c.color or ROLE_COLORS.get(role_of.get(i, "")))
            for i, c in enumerate(self.channels)
        )
        return replace(self, channels=channels, notes=(*self.notes, *notes))

    def completed(self) -> Self:
        """Return this stack with a channel of zeros appended for every absent role.

        A stack without a ``C`` axis gets one before ``Y``. The appended zeros are no
        measurement: whoever calls this must mark them as missing.
        """
        absent = self.absent_roles
        if not absent:
            return self
        axes = self.axes if "C" in self.axes else self.axes.replace("Y", "CY")

        def append(array: Any) -> Any:
            whole = to_canonical(array, self.axes)
            blank = np.zeros_like(whole[:, :, :1])
            return from_canonical(np.concatenate([whole] + [blank] * len(absent), axis=2), axes)

        added = tuple(Channel(role, role, ROLE_COLORS[role]) for role in absent)
        return self._changed(append, axes=axes, channels=self.channels + added)


def _no_such_role(role: str) -> DualglandError:
    found = f"no role is called {role!r}"
    return DualglandError(Fault.BAD_VALUE, "--channels", found, expected=", ".join(ROLES))


def to_canonical(data: Any, axes: str) -> Any:
    """Return ``data`` with the given axes as a (T, Z, C, Y, X) view.

    Parameters
    ----------
    data : numpy.ndarray or dask.array.Array
    axes : str
        Of ``data``, some of T, Z, C, Y, X in any order.

    Returns
    -------
    numpy.ndarray or dask.array.Array
    """
    order = [axes.index(a) for a in CANONICAL_AXES if a in axes]
    data = data.transpose(order)
    return data[tuple(slice(None) if a in axes else None for a in CANONICAL_AXES)]


def from_canonical(data: Any, axes: str) -> Any:
    """Return (T, Z, C, Y, X) ``data`` with the given axes; the inverse of to_canonical.

    Axes that are not asked for must have length 1.

    Parameters
    ----------
    data : numpy.ndarray or dask.array.Array
        (T, Z, C, Y, X).
    axes : str
        That are wanted, in any order.

    Returns
    -------
    numpy.ndarray or dask.array.Array
    """
    data = data[tuple(slice(None) if a in axes else 0 for a in CANONICAL_AXES)]
    kept = [a for a in CANONICAL_AXES if a in axes]
    return data.transpose([kept.index(a) for a in axes])
