"""From layers to a stack: the one place that knows how napari holds a field of view.

A field of view is open either as one layer per channel or as one layer with a channel
axis. Both are read here into the same :class:`~napari_dualgland.stack.Stack`, without
touching the layers and without loading lazy ones; everything after works on the stack.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
from napari.layers import Image

from napari_dualgland.errors import DualglandError
from napari_dualgland.stack import ROLES, Channel, Stack
from napari_dualgland.widgets.field.guess import is_ours, told_by
from napari_dualgland.widgets.layers.looks import (
    full_resolution,
    pixel_size,
    require_same_place,
    time_step,
)

_AXIS_WORDS = {
    "T": {"t", "time", "frame", "frames"},
    "Z": {"z", "depth", "plane", "slice"},
    "C": {"c", "ch", "channel", "channels"},
    "Y": {"y", "row", "rows"},
    "X": {"x", "column", "columns"},
}


def named_axes(layer: Any) -> str | None:
    """Return the axes of a layer as letters of TZCYX, None where its labels do not tell."""
    letters = ""
    for label in layer.axis_labels:
        found = [axis for axis, words in _AXIS_WORDS.items() if str(label).lower() in words]
        letters += found[0] if found else "?"
    known = "?" not in letters and len(set(letters)) == len(letters) and {"Y", "X"} <= set(letters)
    return letters if known else None


def axes_of(layer: Any, channel_axis: int | None = None) -> str:
    """Return the axes of a layer as letters of TZCYX.

    Where the axis labels do not tell, the last two axes are Y and X, the one before them
    is Z and the one before that T, as napari's own sliders suggest.

    Raises
    ------
    DualglandError
        If the layer has more axes than a stack can have, or a channel axis where one
        layer shows one channel.
    """
    named = named_axes(layer)
    if named is not None and "C" in named and channel_axis is None:
        raise DualglandError(
            f"layer {layer.name!r} has a channel axis; choose “one layer with channels” above"
        )
    if named is not None and channel_axis in (None, named.find("C")):
        return named
    spatial = layer.ndim - (channel_axis is not None)
    if not 2 <= spatial <= 4:
        raise DualglandError(
            f"layer {layer.name!r} has {layer.ndim} axes, of which "
            f"{0 if channel_axis is None else 1} is the channel axis; a field of view has "
            "Y and X and at most Z and T beside its channels"
        )
    letters = list("TZYX"[-spatial:])
    if channel_axis is not None:
        letters.insert(channel_axis, "C")
    return "".join(letters)


def guess_channel_axis(layer: Any) -> int | None:
    """Return the axis of a layer that holds the channels, None where there is none to see.

    An axis that is named so, or else the only axis beside Y and X that is as long as
    there are roles.
    """
    named = named_axes(layer)
    if named is not None:
        return named.index("C") if "C" in named else None
    shape = full_resolution(layer).shape
    fitting = [i for i in range(layer.ndim - 2) if shape[i] == len(ROLES)]
    return fitting[0] if len(fitting) == 1 else None


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
    """

    layers: Mapping[str, Image]
    channel_axis: int | None = None
    positions: Mapping[str, int] | None = None

    def __post_init__(self) -> None:
        if not self.layers:
            raise DualglandError(
                "no channel is chosen; say which layer shows the microtubules, the protein, "
                "the nucleus or the ER"
            )
        chosen: dict[Any, str] = {}
        for role, layer in self.layers.items():
            key = (self.positions or {}).get(role) if self.one_layer else layer
            if key in chosen:
                which = f"channel {key}" if self.one_layer else f"layer {layer.name!r}"
                raise DualglandError(
                    f"{which} is chosen for both {chosen[key]} and {role}; a channel has one role"
                )
            chosen[key] = role
            if not self.one_layer:
                require_same_place(self.first, layer)

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
    def distinct_layers(self) -> tuple[Image, ...]:
        """Every layer once, in the order of the roles."""
        return tuple(dict.fromkeys(self.layers[role] for role in ROLES if role in self.layers))

    @property
    def paths(self) -> tuple[Path, ...]:
        """Files that the layers were read from; empty unless every layer has one."""
        if any(is_ours(layer) for layer in self.distinct_layers):
            return ()  # what we made tells the file of its source, which it differs from
        paths = [
            told_by(layer).get("source") or layer.source.path for layer in self.distinct_layers
        ]
        found = [Path(path).absolute() for path in paths if path]
        return tuple(dict.fromkeys(found)) if len(found) == len(paths) else ()

    def frame_lengths(self) -> dict[str, int]:
        """Return the lengths of the Z and T axes that are longer than one plane."""
        sizes = dict(zip(self.axes, full_resolution(self.first).shape, strict=True))
        return {axis: sizes[axis] for axis in "TZ" if sizes.get(axis, 1) > 1}

    def frame_at(self, world_point: Any) -> dict[str, int]:
        """Return the t and z of the plane that is shown at a point in world coordinates."""
        position = self.first.world_to_data(world_point)
        sizes = dict(zip(self.axes, full_resolution(self.first).shape, strict=True))
        frame = {"T": 0, "Z": 0}
        for axis, value in zip(self.axes, position, strict=True):
            if axis in frame:
                frame[axis] = int(np.clip(round(float(value)), 0, sizes[axis] - 1))
        return frame

    def stack(self) -> Stack:
        """Return the field of view; lazy where a layer is, in its layers' common dtype."""
        layer = self.first
        paths = self.paths
        common: dict[str, Any] = {
            "pixel_size": pixel_size(layer, self.axes),
            "time_step": time_step(layer, self.axes),
            "name": paths[0].name.split(".")[0] if paths else layer.name,
            "source": str(paths[0]) if paths else None,
        }
        if self.one_layer:
            pixels = as_array(full_resolution(layer))
            role_at = {position: role for role, position in (self.positions or {}).items()}
            count = pixels.shape[self.channel_axis]
            channels = tuple(
                Channel(role_at.get(i, f"channel {i}"), role_at.get(i)) for i in range(count)
            )
            return Stack(pixels, self.axes, channels, **common)
        roles = [role for role in ROLES if role in self.layers]
        arrays = [as_array(full_resolution(self.layers[role])) for role in roles]
        lazy = any(isinstance(array, da.Array) for array in arrays)
        data = da.stack(arrays) if lazy else np.stack(arrays)
        channels = tuple(Channel(self.layers[role].name, role) for role in roles)
        return Stack(data, "C" + self.axes, channels, **common)


def as_array(pixels: Any) -> Any:
    """Return pixels as NumPy or, where they are lazy (dask, zarr, memory maps), as dask."""
    if isinstance(pixels, np.ndarray) and not isinstance(pixels, np.memmap):
        return pixels
    return pixels if isinstance(pixels, da.Array) else da.from_array(pixels)
