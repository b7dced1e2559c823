"""The layers that were chosen as one field of view, and where in it the viewer stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from napari.layers import Image

from napari_dualgland.io.layer_axes import axes_of, shape_of
from napari_dualgland.io.layer_tag import id_of
from napari_dualgland.io.layers import check_field, paths_of, stack_from_layers
from napari_dualgland.stack import ROLES, Stack


@dataclass(frozen=True)
class Source:
    """The layers that a person has chosen as one field of view.

    Attributes
    ----------
    layers : mapping of str to napari.layers.Image
        By role. Roles that are left out are missing channels.
    channel_axis : int or None
        None where each role has a layer of its own. Else all roles share one layer and
        this is its channel axis.
    positions : mapping of str to int
        By role, the position along the channel axis; empty without one.
    pixel_size : float or None
        What a person states, in µm; None: the layers tell.

    Raises
    ------
    DualglandError
        If nothing is chosen, or the layers do not belong together.
    """

    layers: Mapping[str, Image]
    channel_axis: int | None = None
    positions: Mapping[str, int] = field(default_factory=dict)
    pixel_size: float | None = None

    def __post_init__(self) -> None:
        check_field(self.layers, self.channel_axis, self.positions)

    @property
    def one_layer(self) -> bool:
        """Whether all channels lie in one layer."""
        return self.channel_axis is not None

    @property
    def first(self) -> Image:
        """The layer whose transform the whole field has."""
        return next(iter(self.layers.values()))

    @property
    def axes(self) -> str:
        """Axes of each layer, with ``C`` only where channels share one layer."""
        return axes_of(self.first, self.channel_axis)

    @property
    def sizes(self) -> dict[str, int]:
        """Length of each axis of a layer by its letter."""
        return dict(zip(self.axes, shape_of(self.first), strict=True))

    @property
    def distinct_layers(self) -> tuple[Image, ...]:
        """Every layer once, in the order of the roles."""
        return tuple(dict.fromkeys(self.layers[role] for role in ROLES if role in self.layers))

    @property
    def ids(self) -> tuple[str, ...]:
        """What tells these layers from all others, whatever they are called."""
        return tuple(id_of(layer) for layer in self.distinct_layers)

    @property
    def paths(self) -> tuple[Path, ...]:
        """Files that the layers were read from; empty unless every layer has one."""
        return paths_of(self.distinct_layers)

    def frame_lengths(self) -> dict[str, int]:
        """Return the lengths of the Z and T axes that are longer than one plane."""
        return {axis: self.sizes[axis] for axis in "TZ" if self.sizes.get(axis, 1) > 1}

    def frame_at(self, world_point: Any) -> dict[str, int]:
        """Return the t and z of the plane that is shown at a point in world coordinates."""
        frame = {"T": 0, "Z": 0}
        position = self.first.world_to_data(world_point)
        for (axis, size), value in zip(self.sizes.items(), position, strict=True):
            if axis in frame:
                frame[axis] = int(np.clip(round(float(value)), 0, size - 1))
        return frame

    def stack(self) -> Stack:
        """Return the field of view; lazy where a layer is, in its layers' common dtype."""
        return stack_from_layers(self.layers, self.channel_axis, self.positions, self.pixel_size)
