"""The options of imputing, in one place: API, command line and widget share this object."""

from __future__ import annotations

from pydantic import Field

from napari_dualgland.frozen import FrozenModel
from napari_dualgland.model.precision import Precision

MOST_SAMPLES = 64
"""How many plausible pictures may be asked for at once."""


class ImputeParams(FrozenModel):
    """Options of :func:`napari_dualgland.impute`.

    Attributes
    ----------
    model : str
        Name of a shipped or installed model, or the path of a ``.safetensors`` file.
    device : str
        ``auto``, ``cpu``, ``cuda``, ``cuda:<n>`` or ``mps``.
    precision : str
        What the network computes in: ``bf16``, ``fp32``, or ``auto``, bfloat16 where the device
        has it in hardware.
    tile : int
        Side of a tile in pixels, without its surroundings.
    rehearse : bool
        First fill some of the holes where the truth is known, on the image itself, and
        believe the model as far as it was right there.
    adapt : bool
        Learn inside the image what the model still gets wrong there, from copies of its
        holes, and follow that as far as it was right; only where there is rehearsing.
    samples : int
        How many plausible pictures to draw beside the estimate.
    plausible : bool
        Fill with a plausible picture rather than with the estimate: it looks like a measured
        one and is further from the truth.
    seed : int
        Seed of everything random; the same seed, input and device give the same output.
    """

    model: str = "generator"
    device: str = "auto"
    precision: Precision = "auto"
    tile: int = Field(default=256, ge=64, le=2048, multiple_of=32)
    rehearse: bool = True
    adapt: bool = True
    samples: int = Field(default=0, ge=0, le=MOST_SAMPLES)
    plausible: bool = False
    seed: int = Field(default=0, ge=0)
