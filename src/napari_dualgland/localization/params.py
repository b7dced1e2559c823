"""The options of localizing, in one place: API, command line and widget share this object."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from napari_dualgland.frozen import FrozenModel

OPTIONS: dict[str, Any] = {"group": "Options"}

Device = Annotated[
    str,
    Field(
        title="Device",
        description="Where to compute: auto (the fastest there is), cpu, cuda, cuda:<n> or mps.",
        json_schema_extra=OPTIONS,
    ),
]
NucleusUm = Annotated[
    float,
    Field(
        ge=3,
        le=60,
        title="Nucleus (µm)",
        description=(
            "Diameter of a typical nucleus in µm: the scale at which cells are found. Not used "
            "where cells are given."
        ),
        json_schema_extra=OPTIONS,
    ),
]
SmallestUm2 = Annotated[
    float,
    Field(
        ge=0,
        title="Smallest (µm²)",
        description=(
            "Cells of a smaller area in µm² are dropped (those that the border cuts, below a "
            "quarter of it). Not used where cells are given."
        ),
        json_schema_extra=OPTIONS,
    ),
]
"""What every engine that looks for cells asks for."""


class LocalizeParams(FrozenModel):
    """Options of :func:`napari_dualgland.localize`; each says in its description what it does."""

    model: str = Field(
        default="localizer",
        title="Model",
        description="Name of a shipped or installed model, or the path of a .safetensors file.",
        json_schema_extra=OPTIONS,
    )
    device: Device = "auto"
    threshold: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        title="Threshold",
        description=(
            "Probability from which a class is named for a cell; without one, the thresholds of "
            "the model, which were chosen class by class on validation data."
        ),
        json_schema_extra={**OPTIONS, "none": "Of the model", "start": 0.5},
    )
    nucleus_um: NucleusUm = 15.0
    smallest_um2: SmallestUm2 = 60.0
