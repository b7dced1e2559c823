"""The options of imputing, in one place: API, command line and widget share this object."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from napari_dualgland.frozen import FrozenModel
from napari_dualgland.model.precision import Precision

MOST_SAMPLES = 64
"""How many plausible pictures may be asked for at once."""

LARGEST_SEED = 2**63 - 1
"""What a file of any format and every generator of random numbers takes."""

_ADVANCED: dict[str, Any] = {"group": "Advanced"}


class ImputeParams(FrozenModel):
    """Options of :func:`napari_dualgland.impute`; each says in its description what it does."""

    model: str = Field(
        default="generator",
        title="Model",
        description="Name of a shipped or installed model, or the path of a .safetensors file.",
    )
    device: str = Field(
        default="auto",
        title="Device",
        description="Where to compute: auto (the fastest there is), cpu, cuda, cuda:<n> or mps.",
    )
    adapt: bool = Field(
        default=True,
        title="Learn from this image",
        description=(
            "Learn inside the image, from copies of its holes, what the model still gets wrong "
            "there, and follow that as far as it was right. Takes some seconds per channel. "
            "Needs rehearsing, which judges whether it helped."
        ),
        json_schema_extra={"needs": "rehearse"},
    )
    rehearse: bool = Field(
        default=True,
        title="Rehearse on this image",
        description=(
            "First fill some holes where the truth is known, on the image itself, and trust the "
            "model as far as it was right there. Makes the stated uncertainty fit this image."
        ),
        json_schema_extra=_ADVANCED,
    )
    samples: int = Field(
        default=0,
        ge=0,
        le=MOST_SAMPLES,
        title="Samples",
        description=(
            "How many pictures of what the missing parts may have looked like to draw beside the "
            "estimate. Where they differ, the image does not tell the truth apart from them. "
            "Measure in each to see how far a figure may be off."
        ),
        json_schema_extra=_ADVANCED,
    )
    plausible: bool = Field(
        default=False,
        title="Fill with a plausible picture",
        description=(
            "Fill with one picture of many that would fit, instead of the estimate: it has the "
            "grain of a measured image, but its detail is made up and further from the truth. "
            "For looking at, not for measuring."
        ),
        json_schema_extra=_ADVANCED,
    )
    seed: int = Field(
        default=0,
        ge=0,
        le=LARGEST_SEED,
        title="Seed",
        description=(
            "Seed of everything random; another number draws other samples. The same seed, image "
            "and device give the same result again."
        ),
        json_schema_extra=_ADVANCED,
    )
    tile: int = Field(
        default=384,
        ge=64,
        le=2048,
        multiple_of=32,
        title="Tile size (px)",
        description=(
            "The image is filled in squares of this side, in pixels and without their "
            "surroundings; smaller ones need less memory."
        ),
        json_schema_extra=_ADVANCED,
    )
    precision: Precision = Field(
        default="auto",
        title="Precision",
        description=(
            "What the network computes in. auto: bf16 where the device has it in hardware, which "
            "is faster and changes a fill by half a grey level of 255 at most; fp32 elsewhere."
        ),
        json_schema_extra=_ADVANCED,
    )
