"""What is marked in a stack: one record for files, layers, the command line and the engine."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np

from napari_dualgland.stack import ROLES, Stack, from_canonical, to_canonical
from napari_dualgland.typing import LazyArray

ROLE_BITS = {role: 1 << i for i, role in enumerate(ROLES)}
"""Value of each role in a coded mask; a pixel's code is the sum over its roles."""


@dataclass(frozen=True, eq=False)
class Mask:
    """Marked pixels, before they are fitted to a stack.

    Attributes
    ----------
    data : numpy.ndarray or dask.array.Array
        Non-zero where marked; labels of cells are a mask too.
    axes : str
        Axes of ``data``; without ``C`` the marks hold for all channels, without ``Z`` or ``T``
        for all planes.
    coded : bool
        Whether the values are sums of ROLE_BITS, each channel marked apart.
    roles : frozenset of str or None
        The marks hold in these channels alone; None: in all.
    """

    data: LazyArray
    axes: str
    coded: bool = False
    roles: frozenset[str] | None = None

    def only(self, roles: Collection[str]) -> Mask:
        """Return these marks in the channels of these roles alone."""
        return replace(self, roles=frozenset(roles))

    def fitted(self, stack: Stack) -> LazyArray:
        """Return the marks as booleans, shape of ``stack.data``."""
        marks = np.broadcast_to(to_canonical(self.data, self.axes), stack.canonical().shape)
        bits = [
            0
            if self.roles is not None and c.role not in self.roles
            else (ROLE_BITS.get(c.role or "", 0) if self.coded else -1)
            for c in stack.channels
        ]
        marked = (marks.astype(np.int64) & np.array(bits)[:, None, None]) != 0
        return from_canonical(marked, stack.axes)  # type: ignore[no-any-return]


def encode(missing: LazyArray, stack: Stack) -> LazyArray:
    """Return a mask of a stack as role codes.

    Parameters
    ----------
    missing : array
        Boolean, shape of ``stack.data``.
    stack : Stack
        Tells the roles.

    Returns
    -------
    array
        uint8, axes of the stack without C: the sum of ROLE_BITS of the roles that lack a pixel.
    """
    canonical = to_canonical(missing, stack.axes)
    codes = sum(
        (canonical[:, :, i : i + 1] * np.uint8(ROLE_BITS[role]) for role, i in stack.roles.items()),
        start=np.zeros_like(canonical[:, :, :1], dtype=np.uint8),
    )
    return from_canonical(codes, stack.axes.replace("C", ""))  # type: ignore[no-any-return]


def roles_of_code(code: int) -> tuple[str, ...]:
    """Return the roles that a code stands for."""
    return tuple(role for role, bit in ROLE_BITS.items() if code & bit)
