"""The options of finding missing pixels: one switch for each kind of damage."""

from __future__ import annotations

from pydantic import Field

from napari_dualgland.frozen import FrozenModel


class MissingParams(FrozenModel):
    """What :func:`napari_dualgland.find_missing` looks for, and how sure it must be.

    Attributes
    ----------
    nan : bool
        NaN and infinities.
    dark : bool
        Holes of any shape at the lowest value of the channel (mostly 0): dead regions,
        scratches, fibres, dropped lines.
    saturated : bool
        The same at the highest value of the channel: clipped blobs, and any damage that
        was set to the top of the scale. The highest value need not be the dtype's: a
        12-bit camera in 16-bit files clips at 4095.
    constant : bool
        The same at any other value that is repeated exactly over at least 7 × 7 pixels,
        such as a black level.
    straight : bool
        Dead tiles and dropped lines that lie partly over background: their straight
        edges, where they cut through signal, give the whole rectangle.
    scattered : bool
        Single dropped pixels amid signal.
    across_channels : bool
        A hole found in one channel is taken for a hole in every channel that has the
        same constant value all over it and at least some hard rim.
    masked_background : bool
        A background that was cut away around cells is no damage, although it ends as
        abruptly as damage does.
    step : float
        A rim is likely to be hard if the mean of the pixels that touch the hole is at
        least this share of the mean 3 to 4 pixels away. Natural rims have 0.1 to 0.4
        where pixels are fine; where they are coarse enough for natural rims to reach
        0.6, half as much again is asked for.
    noise : float
        How many standard deviations of the local noise a rim must stand above the
        hole's own value to count as certain; from 0.65 of this on it counts as likely.
    min_size : int
        Pixels; smaller connected regions are left to ``scattered``.
    min_edge : int
        Pixels; the shortest straight edge that is taken for one.
    """

    nan: bool = True
    dark: bool = True
    saturated: bool = True
    constant: bool = True
    straight: bool = True
    scattered: bool = True
    across_channels: bool = True
    masked_background: bool = True
    step: float = Field(default=0.5, gt=0, lt=1)
    noise: float = Field(default=2.0, gt=0)
    min_size: int = Field(default=6, ge=2)
    min_edge: int = Field(default=15, ge=5)
