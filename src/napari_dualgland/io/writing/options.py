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
        ``estimate``: as near to the truth as can be. ``plausible``: the first plausible
        picture in its place, for the eye.
    uncertainty : bool
        Whether the uncertainty goes along, where there is one.
    samples : bool
        Whether plausible pictures go along, where there are any.
    """

    fill: Literal["estimate", "plausible"] = Field(
        default="estimate",
        title="Fill",
        description="The estimate is as near to the truth as can be, and smooth; a plausible "
        "picture has the texture of a measured one and is for looking, not for measuring.",
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
