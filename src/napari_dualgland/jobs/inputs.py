"""What a job reads: files, or layers that are open in napari, by what tells them apart."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.frozen import FrozenModel
from napari_dualgland.mask import Mask
from napari_dualgland.missing import MissingParams
from napari_dualgland.pixel_size import XY_UM
from napari_dualgland.stack import Stack


class LayerRef(FrozenModel):
    """A layer that is open in napari.

    Attributes
    ----------
    id : str
        What tells it apart as long as napari runs, whatever it is called.
    name : str
        What it was called; for people, and for a script.
    path : pathlib.Path or None
        The file that it was read from, if that gives the same pixels.
    """

    id: str
    name: str
    path: Path | None = None


class FileInput(FrozenModel):
    """A field of view in a file or an HPA set.

    Attributes
    ----------
    path : pathlib.Path
        As :func:`napari_dualgland.read` takes it.
    channels : dict or None
        From role to the position or name of a channel; None: the file tells.
    pixel_size : float or None
        µm per pixel, in place of what the file says; None: the file tells.
    """

    kind: Literal["file"] = "file"
    path: Path
    channels: dict[str, int | str] | None = None
    pixel_size: float | None = Field(default=None, ge=XY_UM[0], le=XY_UM[1])


class LayersInput(FrozenModel):
    """A field of view in open layers.

    Attributes
    ----------
    layers : dict
        By role; the same layer for all of them where it holds all channels.
    channel_axis : int or None
        Axis of that one layer along which the channels lie; None: a layer per channel.
    positions : dict
        By role, the position along the channel axis.
    file : FileInput or None
        The file that gives the same field of view, if there is one.
    estimated : LayerRef or None
        The layer that marks what an earlier run has filled in.
    pixel_size : float or None
        µm per pixel, in place of what the layers say; ``file`` holds the same.
    """

    kind: Literal["layers"] = "layers"
    layers: dict[str, LayerRef]
    channel_axis: int | None = None
    positions: dict[str, int] = Field(default_factory=dict)
    file: FileInput | None = None
    estimated: LayerRef | None = None
    pixel_size: float | None = Field(
        default=None,
        ge=XY_UM[0],
        le=XY_UM[1],
        json_schema_extra={"none": "as the layers say", "start": 0.08},
    )


Input = Annotated[FileInput | LayersInput, Field(discriminator="kind")]


class Plane(FrozenModel):
    """One plane of a z-stack or time series."""

    t: int = Field(default=0, ge=0)
    z: int = Field(default=0, ge=0)


class Region(FrozenModel):
    """A rectangle of the field, in pixels: rows ``top`` to ``bottom`` without the last."""

    top: int = Field(ge=0)
    bottom: int = Field(gt=0)
    left: int = Field(ge=0)
    right: int = Field(gt=0)

    @model_validator(mode="after")
    def _holds_something(self) -> Self:
        if self.bottom <= self.top or self.right <= self.left:
            raise ValueError("the region holds no pixel")
        return self

    @property
    def bounds(self) -> tuple[int, int, int, int]:
        """Top, bottom, left and right."""
        return self.top, self.bottom, self.left, self.right

    def __str__(self) -> str:
        return f"{self.top}:{self.bottom},{self.left}:{self.right}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return ``100:400,50:350`` (rows, columns) as a region.

        Raises
        ------
        DualglandError
            If the text is not of that form, or holds no pixel.
        """
        found = re.fullmatch(r"\s*(\d+):(\d+)\s*,\s*(\d+):(\d+)\s*", text)
        try:
            if found is None:
                raise ValueError
            names = ("top", "bottom", "left", "right")
            return cls(**{n: int(x) for n, x in zip(names, found.groups(), strict=True)})
        except ValueError:  # pydantic's is one
            raise DualglandError(
                Kind.BAD_VALUE,
                "--region",
                f"{text!r} is no rectangle",
                expected="rows and columns in pixels, e.g. 100:400,50:350",
            ) from None


class Detect(FrozenModel):
    """The missing pixels are found in the image itself."""

    kind: Literal["detect"] = "detect"
    params: MissingParams = MissingParams()

    @classmethod
    def nan_only(cls) -> Self:
        """Return the search that takes NaN and infinities for missing, and nothing else."""
        others = ("dark", "saturated", "constant", "straight", "scattered", "across_channels")
        return cls(params=MissingParams(**dict.fromkeys(others, False)))


class MaskFile(FrozenModel):
    """The missing pixels are those that a file marks."""

    kind: Literal["file"] = "file"
    path: Path


class MaskLayer(FrozenModel):
    """The missing pixels are those that a Labels or a Shapes layer marks."""

    kind: Literal["layer"] = "layer"
    layer: LayerRef
    shapes: bool = False


class LabelsFile(FrozenModel):
    """The cells are those that a file labels."""

    kind: Literal["file"] = "file"
    path: Path


class LabelsLayer(FrozenModel):
    """The cells are those of a Labels layer."""

    kind: Literal["layer"] = "layer"
    layer: LayerRef


MaskSource = Annotated[Detect | MaskFile | MaskLayer, Field(discriminator="kind")]
LabelsSource = Annotated[LabelsFile | LabelsLayer, Field(discriminator="kind")]


@dataclass(frozen=True, eq=False)
class Loaded:
    """What a job works on, in memory or lazily: read from files, or from layers by a dock.

    Attributes
    ----------
    stack : Stack
        With the notes of mask and cells besides its own.
    missing : Mask or None
        None: to be found in the image.
    cells : Mask or None
        Labels; None: to be found in the image.
    """

    stack: Stack
    missing: Mask | None = None
    cells: Mask | None = None

    def __post_init__(self) -> None:
        given = [
            note for mask in (self.missing, self.cells) if mask is not None for note in mask.notes
        ]
        if new := [note for note in given if note not in self.stack.notes]:
            noted = replace(self.stack, notes=(*self.stack.notes, *new))
            object.__setattr__(self, "stack", noted)


def file_of(given: FileInput | LayersInput, what: str) -> FileInput:
    """Return the file that holds a field of view.

    Parameters
    ----------
    given : FileInput or LayersInput
    what : str
        Who asks for it, for the message.

    Returns
    -------
    FileInput

    Raises
    ------
    DualglandError
        If there is none: the layers come from nowhere that could be read again.
    """
    if isinstance(given, FileInput):
        return given
    if given.file is None:
        raise DualglandError(
            Kind.LACKING,
            ", ".join(dict.fromkeys(ref.name for ref in given.layers.values())) or "layers",
            f"these layers come from no file that {what} could read",
            way_out="save them first, or copy as Python",
        )
    return given.file


def pixel_size_option(pixel_size: float | None) -> list[str]:
    """Return the words of a shell line that state a pixel size; none where nobody has."""
    return [] if pixel_size is None else ["--pixel-size", repr(pixel_size)]
