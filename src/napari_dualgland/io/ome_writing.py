"""The OME-XML of the files that we write: valid, and with what the source already said.

The header starts from the source's own OME-XML where it has one, so that instrument,
experimenter, acquisition date, stage positions and annotations survive; only what changed
is put anew. Roles, axes in use and provenance, for which OME has no element, are map
annotations in namespaces of ours, which OMERO and Fiji show as plain key-value pairs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ome_types import model, to_xml

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.io.ome import (
    IMAGEJ_NS,
    KIND,
    PROVENANCE_NS,
    STACK_NS,
)
from napari_dualgland.io.ome_ids import make_ids_unique
from napari_dualgland.io.ome_parts import Parts
from napari_dualgland.io.ome_source import source_header
from napari_dualgland.provenance import Provenance
from napari_dualgland.stack import CANONICAL_AXES, Channel, Stack

_PIXEL_TYPES = {
    "int8": "int8",
    "int16": "int16",
    "int32": "int32",
    "uint8": "uint8",
    "uint16": "uint16",
    "uint32": "uint32",
    "float32": "float",
    "float64": "double",
}
# XML 1.0 has no place for control characters, not even as entities.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class OmeImage:
    """One image of a file: its name, dtype, and the IFD of every (t, z, c)."""

    name: str
    dtype: np.dtype[Any]
    ifds: Mapping[tuple[int, int, int], int]


def pixel_type(dtype: np.dtype[Any], name: str) -> str:
    """Return OME's name of a dtype; DualglandError where OME-TIFF has none.

    Parameters
    ----------
    dtype : numpy.dtype
    name : str
        Of the stack or its file, for the message.

    Returns
    -------
    str

    Raises
    ------
    DualglandError
        Where OME-TIFF has none.
    """
    try:
        return _PIXEL_TYPES[dtype.name]
    except KeyError:
        raise DualglandError(
            Kind.UNSUPPORTED,
            name,
            f"OME-TIFF cannot hold {dtype}",
            part="dtype",
            way_out=f"convert to one of {', '.join(_PIXEL_TYPES)}",
        ) from None


def build_ome_xml(
    stack: Stack, images: Sequence[OmeImage], provenance: Provenance | None, creator: str
) -> str:
    """Return the OME-XML of a file whose first image is ``stack``.

    Parameters
    ----------
    stack : Stack
        Sizes, channels, pixel size and metadata; every further image shares them.
    images : sequence of OmeImage
        The stack's own image first.
    provenance : Provenance or None
        Linked to every image as a map annotation.
    creator : str
        The program and its version.

    Returns
    -------
    str
    """
    ome = source_header(stack, provenance)
    source = ome.images[0] if ome.images else None
    parts = Parts.of(stack, source.pixels) if source else None
    if source and parts:
        parts.fit(source, ome)
    annotations = _annotations(stack, provenance, _taken_ids(ome))
    first = _image(stack, images[0], 0, source, parts, [a.id for a in annotations])
    others = [
        _image(stack, image, number, None, None, [a.id for a in annotations])
        for number, image in enumerate(images[1:], 1)
    ]
    held = ome.structured_annotations or model.StructuredAnnotations()
    held.map_annotations = [*held.map_annotations, *annotations]
    ome.structured_annotations = held
    ome.images = [first, *others]
    ome.creator = creator
    make_ids_unique(ome)
    return to_xml(ome)


def _image(
    stack: Stack,
    image: OmeImage,
    number: int,
    source: model.Image | None,
    parts: Parts | None,
    annotation_ids: Sequence[str],
) -> model.Image:
    refs = [model.AnnotationRef(id=i) for i in annotation_ids]
    pixels = _pixels(stack, image, number, parts)
    if source is None:
        described = stack.header.description if number == 0 else None
        extra: dict[str, Any] = {"description": _clean(described)} if described else {}
        return model.Image(
            id=f"Image:{number}",
            name=_clean(image.name),
            pixels=pixels,
            annotation_refs=refs,
            **extra,
        )
    source.id = f"Image:{number}"
    source.name = source.name or _clean(image.name)
    source.pixels = pixels
    source.annotation_refs = [*source.annotation_refs, *refs]
    return source


def _pixels(stack: Stack, image: OmeImage, number: int, parts: Parts | None) -> model.Pixels:
    t, z, c = (stack.sizes.get(axis, 1) for axis in "TZC")
    size = stack.pixel_size
    known: dict[str, Any] = {}
    if size is not None:
        lengths = {"x": size.x, "y": size.y, "z": size.z}
        for axis, length in lengths.items():
            if length is not None:  # the unit is the default, and said for those who skip it
                known |= {f"physical_size_{axis}": length, f"physical_size_{axis}_unit": "µm"}
    if stack.time_step is not None:
        known |= {"time_increment": stack.time_step, "time_increment_unit": "s"}
    return model.Pixels(
        id=f"Pixels:{number}",
        dimension_order=model.Pixels_DimensionOrder.XYCZT,
        type=model.PixelType(pixel_type(image.dtype, stack.name)),
        size_x=stack.sizes["X"],
        size_y=stack.sizes["Y"],
        size_z=z,
        size_c=c,
        size_t=t,
        channels=_channels(stack.channels, number, parts),
        tiff_data_blocks=[
            model.TiffData(ifd=ifd, first_t=at[0], first_z=at[1], first_c=at[2], plane_count=1)
            for at, ifd in image.ifds.items()
        ],
        planes=parts.planes() if parts else [],
        **known,
    )


def _channels(channels: Sequence[Channel], number: int, parts: Parts | None) -> list[model.Channel]:
    written = []
    for i, channel in enumerate(channels):
        said: dict[str, Any] = {"name": _clean(channel.name)}
        if channel.color is not None:
            said["color"] = channel.color
        old = parts.channel(i) if parts else None
        if old is not None:
            old.name = said["name"]
            if "color" in said:
                old.color = model.Color(said["color"])
            written.append(old)
        else:
            written.append(model.Channel(id=f"Channel:{number}:{i}", samples_per_pixel=1, **said))
    return written


def _annotations(
    stack: Stack, provenance: Provenance | None, taken: set[str]
) -> list[model.MapAnnotation]:
    about = {"axes": "".join(a for a in CANONICAL_AXES if a in stack.axes)}
    about |= {f"role {i}": c.role for i, c in enumerate(stack.channels) if c.role}
    if stack.kind != "image":
        about[KIND] = stack.kind
    wanted: dict[str, Mapping[str, str]] = {STACK_NS: about}
    if provenance is not None:
        fields = provenance.model_dump(mode="json", exclude_none=True)
        wanted[PROVENANCE_NS] = {
            key: value if isinstance(value, str) else json.dumps(value)
            for key, value in fields.items()
        }
    # Where the source's own OME-XML is kept, what ImageJ said is in it already.
    if stack.header.imagej and not stack.header.ome_xml:
        wanted[IMAGEJ_NS] = stack.header.imagej
    free = (f"Annotation:dualgland:{n}" for n in range(len(taken) + len(wanted)))
    ids = (i for i in free if i not in taken)
    return [
        model.MapAnnotation(
            id=next(ids),
            namespace=namespace,
            value=model.Map(
                ms=[model.Map.M(k=_clean(k), value=_clean(v)) for k, v in pairs.items()]
            ),
        )
        for namespace, pairs in wanted.items()
    ]


def _taken_ids(ome: model.OME) -> set[str]:
    held = ome.structured_annotations
    return {a.id for a in held} if held is not None else set()  # type: ignore[attr-defined]


def _clean(text: str) -> str:
    return _NOT_XML.sub("�", text)
