"""The options of drawing boundaries, in one place: API, command line and widget share them."""

from __future__ import annotations

from pydantic import Field

from napari_dualgland.frozen import FrozenModel
from napari_dualgland.localization.params import OPTIONS, Device, NucleusUm, SmallestUm2

ANY, FOUND = "any", "localized"
"""Locations of :class:`BoundariesParams`: of all annotated cells; what Localize finds for each."""


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
        json_schema_extra=OPTIONS,
    )
    model: str = Field(
        default="generator",
        title="Model",
        description=(
            "What names the compartments where a landmark is missing: a shipped or installed "
            "model, or the path of a .safetensors file."
        ),
        json_schema_extra=OPTIONS,
    )
    device: Device = "auto"
    nucleus_um: NucleusUm = 15.0
    smallest_um2: SmallestUm2 = 60.0
