"""The options of drawing boundaries, in one place: API, command line and widget share them."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from napari_dualgland.frozen import FrozenModel

ANY, FOUND = "any", "localized"
"""Locations of :class:`BoundariesParams`: of all annotated cells; what Localize finds for each."""

_OPTIONS: dict[str, Any] = {"group": "Options"}


class BoundariesParams(FrozenModel):
    """Options of :func:`napari_dualgland.boundaries`; each says in its description what it does."""

    location: str = Field(
        default=ANY,
        title="Protein is in",
        description=(
            "Whose balance the cells are held against: any (all annotated cells of the atlas), "
            "the name of a location, or localized (for each cell what the localizer names)."
        ),
    )
    count_imputed: bool = Field(
        default=False,
        title="Count imputed pixels",
        description=(
            "Let estimated pixels count in the balance as if they had been measured. As they "
            "are left out otherwise, the table tells both in any case."
        ),
        json_schema_extra=_OPTIONS,
    )
    model: str = Field(
        default="generator",
        title="Model",
        description=(
            "What names the compartments where a landmark is missing: a shipped or installed "
            "model, or the path of a .safetensors file."
        ),
        json_schema_extra=_OPTIONS,
    )
    device: str = Field(
        default="auto",
        title="Device",
        description="Where to compute: auto (the fastest there is), cpu, cuda, cuda:<n> or mps.",
        json_schema_extra=_OPTIONS,
    )
    nucleus_um: float = Field(
        default=15.0,
        ge=3,
        le=60,
        title="Nucleus (µm)",
        description=(
            "Diameter of a typical nucleus in µm: the scale at which cells are found. Not used "
            "where cells are given."
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
