"""What a file of ours says of itself where its format has no room for it: one record, as JSON.

An OME-TIFF says all this in its OME-XML. A hyperstack of ImageJ, a set of pictures and an
OME-Zarr carry this record instead: in ImageJ's *Info*, in a file beside the pictures, among
the attributes of the group.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, Self

from pydantic import Field, ValidationError, field_validator

from napari_dualgland.frozen import FrozenModel
from napari_dualgland.io.ome import OmeHeader
from napari_dualgland.pixel_size import PixelSize
from napari_dualgland.provenance import Provenance
from napari_dualgland.stack import Channel, Header, Kind, Stack

log = logging.getLogger(__name__)

KEY = "napari-dualgland"
"""Under which the record stands among what others say."""


class Record(FrozenModel):
    """What must be known of a stack to get it back from plain files.

    Attributes
    ----------
    axes : str
        Of the stack, in its own order.
    channels : tuple of Channel
    pixel_size : PixelSize or None
    time_step : float or None
    name : str
        Of the field of view.
    kind : str
        As of the stack.
    files : dict of str to tuple of str
        Where the images lie, seen from the record: ``image``, ``missing``, ``uncertainty``,
        ``sample 1`` …; one for all channels, or one for each of them. Of an image that holds
        the record itself nothing is said.
    provenance : Provenance or None
        How estimated pixels came to be.
    header : Header or None
        What the source said besides.
    """

    axes: str
    channels: tuple[Channel, ...]
    pixel_size: PixelSize | None = None
    time_step: float | None = None
    name: str = "stack"
    kind: Kind = "image"
    files: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    provenance: Provenance | None = None
    header: Header | None = None

    @field_validator("files")
    @classmethod
    def _beside(cls, files: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        for name in (name for names in files.values() for name in names):
            path = PurePosixPath(name)
            if path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name:
                raise ValueError(f"{name!r} does not lie beside the record")
        return files

    @classmethod
    def of(cls, stack: Stack, files: Mapping[str, tuple[str, ...]], *, whole: bool = True) -> Self:
        """Return what is to be known of a stack.

        Parameters
        ----------
        stack : Stack
        files : mapping
            As the attribute of this name.
        whole : bool
            With what the source said besides.

        Returns
        -------
        Record
        """
        said = stack.header
        besides = said if whole and (said.ome_xml or said.imagej or said.description) else None
        return cls(
            axes=stack.axes,
            channels=stack.channels,
            pixel_size=stack.pixel_size,
            time_step=stack.time_step,
            name=stack.name,
            kind=stack.kind,
            files=dict(files),
            provenance=stack.provenance,
            header=besides,
        )

    @classmethod
    def parsed(cls, told: Any) -> Self | None:
        """Return the record that JSON tells; None where it is none."""
        try:
            return cls.model_validate(json.loads(told) if isinstance(told, str) else told)
        except (ValidationError, ValueError, RecursionError) as error:
            log.warning("what the file says of itself cannot be read: %s", str(error)[:200])
            return None

    @classmethod
    def in_info(cls, info: Any) -> tuple[Self | None, str]:
        """Return the record in what ImageJ shows as *Info*, and what else stands there."""
        ours, others = None, []
        for line in str(info or "").splitlines():
            if line.startswith(f"{KEY}: "):
                ours = cls.parsed(line.removeprefix(f"{KEY}: "))
            else:
                others.append(line)
        return ours, "\n".join(others).strip()

    def as_info(self) -> str:
        """Return the record as a line of ImageJ's *Info*."""
        return f"{KEY}: {json.dumps(self.as_data())}\n"

    def as_data(self) -> dict[str, Any]:
        """Return the record for JSON; what is not known is left out."""
        return self.model_dump(mode="json", exclude_none=True)

    def as_header(self) -> OmeHeader:
        """Return the record as what a file says of its image."""
        return OmeHeader(
            files=self.files,
            channels=self.channels,
            pixel_size=self.pixel_size,
            time_step=self.time_step,
            axes=self.axes,
            provenance=self.provenance,
            kind=self.kind,
            besides=self.header or Header(),
        )
