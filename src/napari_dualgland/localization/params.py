"""The options of localizing, in one place: API, command line and widget share this object."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from napari_dualgland.frozen import FrozenModel

_OPTIONS: dict[str, Any] = {"group": "Options"}


class LocalizeParams(FrozenModel):
    """Options of :func:`napari_dualgland.localize`; each says in its description what it does."""

    model: str = Field(
        default="localizer",
        title="Model",
        description="Name of a shipped or installed model, or the path of a .safetensors file.",
        json_schema_extra=_OPTIONS,
    )
    device: str = Field(
        default="auto",
        title="Device",
        description="Where to compute: auto (the fastest there is), cpu, cuda, cuda:<n> or mps.",
        json_schema_extra=_OPTIONS,
    )
    threshold: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        title="Threshold",
        description=(
            "Probability from which a class is named for a cell; without one, the thresholds of "
            "the model, which were chosen class by class on validation data."
        ),
        json_schema_extra={**_OPTIONS, "none": "Of the model", "start": 0.5},
    )
    nucleus_um: float = Field(
        default=15.0,
        ge=3,
        le=60,
        title="Nucleus (µm)",
        description=(
            "Diameter of a typical nucleus in µm: the scale of the segmentation. Not used where "
            "cells are given."
        ),
        json_schema_extra=_OPTIONS,
    )
    smallest_um2: float = Field(
        default=60.0,
        ge=0,
        title="Smallest (µm²)",
        description=(
            "Cells of a smaller area in µm² are dropped (those that the border cuts, below a "
            "quarter of it). Not used where cells are given."
        ),
        json_schema_extra=_OPTIONS,
    )
