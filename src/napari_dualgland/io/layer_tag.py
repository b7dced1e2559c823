"""What a layer says of itself to this plugin: one typed record in the layer's metadata.

Readers and docks write it, everything else reads it; here and nowhere else is a layer's
metadata touched. Layers refer to each other by :func:`id_of`, never by name, so a person
may rename any layer. napari is not imported: a layer is whatever has ``metadata``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

import numpy as np
from pydantic import ValidationError, field_validator

from napari_dualgland.frozen import FrozenModel
from napari_dualgland.io.ome import MAPS
from napari_dualgland.provenance import Provenance
from napari_dualgland.stack import ROLES, Header

_KEY = "dualgland"
"""Where napari keeps the record; files of others may hold a plain dict there."""
_CHANNEL_NAMES = "channel_names"
"""Where napari's own readers keep the names along a channel axis."""

Kind = Literal[
    "working",
    "imputed",
    "missing",
    "uncertainty",
    "sample",
    "cells",
    "localization",
    "probability",
    "cell numbers",
    "localization maps",
    "compartments",
    "compartment",
    "boundary map",
    "named by the model",
]
_NO_CHANNEL = {"working", "uncertainty", "sample", "probability", MAPS}
_NO_CHANNEL |= {"compartment", "boundary map"}
NO_OBJECTS = {"compartments", "named by the model"}
"""Labels layers of ours of which a number is no object, nor a mask of what is missing."""

DAMAGE = "damage"
"""Name of the mask of a sample. It has a bit per channel as a layer ``missing`` has, but nothing
is estimated there yet: written as such, the damage would seem to have been repaired."""


class LayerTag(FrozenModel):
    """What this plugin knows of a layer; all of it may be unknown.

    Attributes
    ----------
    kind : str or None
        What this plugin made of its sources; None for a measured channel.
    name : str or None
        The name that the layer was given; another one was given by a person.
    sources : tuple of str
        Ids of the layers that it was made from, in the order of their roles.
    beside : str or None
        Id of the one among them that it shows anew; None for a channel that was never recorded.
    role : str or None
        One of ROLES; None where the layer holds no channel or several.
    channel : str or None
        Name of the channel in its file.
    field : str or None
        Name of the field of view.
    path : str or None
        File that it was read from.
    pixel_size : float or None
        What a person states of it, in µm along Y and X; None: the layer's scale tells.
    position : int or None
        Of a channel that shares its name with another one of the file: where it lies there.
    described : (str, int) or None
        Name of the channel that the OME-XML of the header describes, and at which position. Where
        the name is not that of the channel, the record is that of another one.
    axes : str or None
        Letters of TZCYX.
    roles : tuple of (str or None)
        Of a layer that holds all channels: their roles, in order.
    plane : dict of str to int or None
        ``{"T": t, "Z": z}`` where this plane alone was worked on.
    number : int or None
        Of a plausible picture, from 1.
    place : int or None
        Of a layer of probabilities: its class or compartment.
    notes : tuple of str
        What a reader must know.
    header : Header
        What the file says besides and a round trip must keep.
    provenance : Provenance or None
        How estimated pixels came to be.
    """

    kind: Kind | None = None
    name: str | None = None
    sources: tuple[str, ...] = ()
    beside: str | None = None
    role: str | None = None
    channel: str | None = None
    field: str | None = None
    path: str | None = None
    pixel_size: float | None = None
    position: int | None = None
    described: tuple[str, int] | None = None
    axes: str | None = None
    roles: tuple[str | None, ...] = ()
    plane: dict[str, int] | None = None
    number: int | None = None
    place: int | None = None
    notes: tuple[str, ...] = ()
    header: Header = Header()
    provenance: Provenance | None = None

    @field_validator("role")
    @classmethod
    def _known(cls, role: str | None) -> str | None:
        if role is not None and role not in ROLES:
            raise ValueError(f"{role!r} is no role")
        return role

    @property
    def is_result(self) -> bool:
        """Whether this plugin made the layer from other layers."""
        return self.kind is not None

    @property
    def is_channel(self) -> bool:
        """Whether the layer shows a channel: measured, or imputed and to be filled further.

        Uncertainties, samples, probabilities and work in progress say something of one.
        """
        return self.kind not in _NO_CHANNEL

    @property
    def is_estimate(self) -> bool:
        """Whether some of the layer's pixels may be estimates."""
        return self.kind == "imputed" or self.provenance is not None


def tag_of(layer: Any) -> LayerTag:
    """Return what a layer says of itself; what is no such record says nothing."""
    return _parsed(layer.metadata.get(_KEY))


def set_tag(layer: Any, tag: LayerTag) -> None:
    """Write down what a layer is.

    Parameters
    ----------
    layer : napari.layers.Layer
        Its other metadata stay.
    tag : LayerTag
        Takes the place of the one before.
    """
    layer.metadata[_KEY] = tag


def metadata_of(tag: LayerTag) -> dict[str, LayerTag]:
    """Return the metadata that a new layer is made with."""
    return {_KEY: tag}


def renamed(looks: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return what a new layer is made with, under a name that is ours and no person's.

    Parameters
    ----------
    looks : mapping
        Of a layer tuple, with a record in its metadata.
    name : str

    Returns
    -------
    dict
    """
    tag = _parsed(looks["metadata"][_KEY]).model_copy(update={"name": name})
    return {**looks, "name": name, "metadata": metadata_of(tag)}


def channel_names(layer: Any) -> Sequence[str]:
    """Return the names along the channel axis of a layer, as its reader knew them, if it did."""
    names = layer.metadata.get(_CHANNEL_NAMES)
    return [str(name) for name in names] if isinstance(names, Sequence | np.ndarray) else []


def name_in_field(name: str, field: str) -> str:
    """Return the name of a layer that also tells its field, where several are open.

    Parameters
    ----------
    name : str
        What it is called alone.
    field : str
        Name of the field of view.

    Returns
    -------
    str
    """
    return f"{name} · {field}"


def id_of(layer: Any) -> str:
    """Return what tells a layer from all others for as long as napari runs."""
    return str(layer.unique_id)


def _parsed(said: Any) -> LayerTag:
    """Read a record that may be somebody else's: fields that make no sense are left out."""
    if isinstance(said, LayerTag):
        return said
    known = dict(said) if isinstance(said, Mapping) else {}
    known = {key: value for key, value in known.items() if key in LayerTag.model_fields}
    while True:
        try:
            return LayerTag.model_validate(known)
        except ValidationError as error:
            for fault in error.errors():
                known.pop(str(fault["loc"][0]), None)


assert MAPS in get_args(Kind)
