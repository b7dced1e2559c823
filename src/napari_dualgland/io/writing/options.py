"""What of a result goes into its file."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from napari_dualgland.frozen import FrozenModel


class WriteOptions(FrozenModel):
    """What goes along; the mask of estimated pixels always does.

    Attributes
    ----------
    fill : str
        ``as it is``: what the result is filled with. ``estimate``: as near to the truth as can
        be. ``plausible``: a plausible picture in its place, for the eye.
    uncertainty : bool
        Whether the uncertainty goes along, where there is one.
    samples : bool
        Whether plausible pictures go along, where there are any.
    """

    fill: Literal["as it is", "estimate", "plausible"] = Field(
        default="as it is",
        title="Fill",
        description="As it is shown; or the estimate, which is as near to the truth as can be, and "
        "smooth; or a plausible picture, which has the texture of a measured one and is for "
        "looking, not for measuring.",
    )
    uncertainty: bool = Field(
        default=True,
        title="With the uncertainty",
        description="How far each estimated pixel may be off, in the units of the image.",
    )
    samples: bool = Field(
        default=True,
        title="With the plausible pictures",
        description="Other pictures that would fit as well, where the run has drawn any.",
    )
