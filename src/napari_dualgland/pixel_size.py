"""How far apart pixels lie, and how far apart those of a light microscope can lie.

Areas, scales and classes all hang on this one number, and files are often wrong about it: a
printer's 72 dpi, a lost µ, a placeholder. So no size exists in the program that no microscope
has; where a file says one, :mod:`napari_dualgland.io.pixel_sizes` leaves it out and says so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from napari_dualgland.errors import DualglandError, Kind

XY_UM = (0.005, 10.0)
"""µm per pixel. Below: localization microscopy is drawn at 5 to 10 nm, electron microscopes are
not ours. Above: a 4x objective gives 1.6, binned by 4 6.5, the overview of a slide scanner 10;
printers follow, from 10.6 (2400 dpi) to 353 (72 dpi)."""

Z_UM = (0.01, 50.0)
"""µm between planes: from interpolated stacks to the coarse ones of a 4x objective. A number of
nanometres taken for µm (100 to 1000) lies outside."""

ODD_RATIO = 3.0
"""No camera has pixels that are so much longer than they are wide."""


def plausible(axis: str, size: float) -> bool:
    """Whether a light microscope can have this distance between pixels.

    Parameters
    ----------
    axis : str
        ``X``, ``Y`` or ``Z``.
    size : float
        µm.

    Returns
    -------
    bool
    """
    least, most = Z_UM if axis == "Z" else XY_UM
    # What is said as 5 nm may come as 0.0049999 from a rational of a TIFF.
    return math.isfinite(size) and least * (1 - 1e-6) <= size <= most * (1 + 1e-6)


@dataclass(frozen=True, slots=True)
class PixelSize:
    """Distance between the centres of neighbouring pixels, in µm; ``z`` None if unknown."""

    y: float
    x: float
    z: float | None = None

    def require_plausible(self, place: str) -> None:
        """Raise DualglandError, of a file or option, if no light microscope has it."""
        for axis, size in (("Y", self.y), ("X", self.x), ("Z", self.z)):
            if size is not None and not plausible(axis, size):
                raise _implausible(place, size, axis)


def stated(size: float, before: PixelSize | None = None, place: str = "--pixel-size") -> PixelSize:
    """Return the size that a person states of square pixels.

    Parameters
    ----------
    size : float
        µm, along Y and X.
    before : PixelSize, optional
        What the file says; its distance between planes still holds.
    place : str
        Where it is stated, for the message.

    Returns
    -------
    PixelSize

    Raises
    ------
    DualglandError
        If no light microscope has it.
    """
    found = PixelSize(size, size, None if before is None else before.z)
    found.require_plausible(place)
    return found


def _implausible(place: str, size: float, axis: str) -> DualglandError:
    least, most = Z_UM if axis == "Z" else XY_UM
    return DualglandError(
        Kind.IMPLAUSIBLE,
        place,
        f"no light microscope has pixels of {size:g} µm",
        part=axis,
        expected=f"{least:g} to {most:g} µm",
        way_out="give it in µm, such as 0.08",
    )
