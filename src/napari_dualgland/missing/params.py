"""The options of finding missing pixels: one switch for each kind of damage."""

from __future__ import annotations

from pydantic import Field

from napari_dualgland.frozen import FrozenModel


class MissingParams(FrozenModel):
    """What :func:`napari_dualgland.find_missing` looks for, and how sure it must be."""

    nan: bool = Field(default=True, title="NaN", description="NaN and infinities.")
    dark: bool = Field(
        default=True,
        title="Dark",
        description=(
            "Holes of any shape at the lowest value of the channel (mostly 0): dead regions, "
            "scratches, fibres, dropped lines."
        ),
    )
    saturated: bool = Field(
        default=True,
        title="Saturated",
        description=(
            "The same at the highest value of the channel: clipped blobs, and any damage that "
            "was set to the top of the scale. The highest value need not be the dtype's: a "
            "12-bit camera in 16-bit files clips at 4095."
        ),
    )
    constant: bool = Field(
        default=True,
        title="Constant",
        description=(
            "The same at any other value that is repeated exactly over at least 7 × 7 pixels, "
            "such as a black level."
        ),
    )
    straight: bool = Field(
        default=True,
        title="Straight edges",
        description=(
            "Dead tiles and dropped lines that lie partly over background: their straight edges, "
            "where they cut through signal, give the whole rectangle."
        ),
    )
    scattered: bool = Field(
        default=True, title="Scattered", description="Single dropped pixels amid signal."
    )
    across_channels: bool = Field(
        default=True,
        title="Across channels",
        description=(
            "A hole found in one channel is taken for a hole in every channel that has the same "
            "constant value all over it and at least some hard rim."
        ),
    )
    masked_background: bool = Field(
        default=True,
        title="Spare masked background",
        description=(
            "A background that was cut away around cells is no damage, although it ends as "
            "abruptly as damage does."
        ),
    )
    doubtful: bool = Field(
        default=False,
        title="What is doubtful too",
        description=(
            "Take regions for missing that have no sharp rim on all sides. Left out, they stay "
            "as measured, and it is said where they are."
        ),
    )
    step: float = Field(
        default=0.5,
        gt=0,
        lt=1,
        title="Rim step",
        description=(
            "A rim is likely to be hard if the mean of the pixels that touch the hole is at "
            "least this share of the mean 3 to 4 pixels away. Natural rims have 0.1 to 0.4 where "
            "pixels are fine; where they are coarse enough for natural rims to reach 0.6, half "
            "as much again is asked for."
        ),
    )
    noise: float = Field(
        default=2.0,
        gt=0,
        title="Noise (SD)",
        description=(
            "How many standard deviations of the local noise a rim must stand above the hole's "
            "own value to count as certain; from 0.65 of this on it counts as likely."
        ),
    )
    min_size: int = Field(
        default=6,
        ge=2,
        title="Region (px)",
        description="Smaller connected regions, in pixels, are left to the scattered ones.",
    )
    min_edge: int = Field(
        default=15,
        ge=5,
        title="Edge (px)",
        description="The shortest straight edge, in pixels, that is taken for one.",
    )
