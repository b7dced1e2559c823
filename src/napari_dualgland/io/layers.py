"""Open napari layers as a stack: the one place that knows how napari holds a field of view.

A field of view is open either as one layer per channel or as one layer with a channel axis.
Both are read here, without touching the layers and without loading lazy ones. Docks, *File >
Save* and copied scripts share this. napari is not imported: a layer is what behaves like one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.io.hpa import parse_name
from napari_dualgland.io.layer_axes import axes_of, pixels_of, shape_of
from napari_dualgland.io.layer_tag import tag_of
from napari_dualgland.io.pixel_sizes import Said, believed, believed_step
from napari_dualgland.io.retouched import labels_are_of
from napari_dualgland.pixel_size import stated
from napari_dualgland.stack import ROLES, Channel, Stack

_SCALE = "the layers' scale"


def stack_from_layers(
    layers: Mapping[str, Any],
    channel_axis: int | None = None,
    positions: Mapping[str, int] | None = None,
    pixel_size: float | None = None,
) -> Stack:
    """Return the field of view that open layers show.

    Parameters
    ----------
    layers : mapping of str to napari.layers.Image
        By role. Roles that are left out are missing channels. Where one layer holds all
        channels, the same layer for each role.
    channel_axis : int, optional
        The axis of that one layer along which the channels lie.
    positions : mapping of str to int, optional
        The position along it, by role.
    pixel_size : float, optional
        µm per pixel along Y and X, where the layers do not say it, or say it wrongly.

    Returns
    -------
    Stack
        Lazy where a layer is, in the layers' common dtype.

    Raises
    ------
    DualglandError
        If the layers are no one field of view; the message names them and what differs.
    """
    check_field(layers, channel_axis, positions)
    first = next(iter(layers.values()))
    axes = axes_of(first, channel_axis)
    paths = paths_of([layers[role] for role in ROLES if role in layers])
    common: dict[str, Any] = {
        **sampling(first, axes, pixel_size),
        "name": field_name(paths[0], len(layers)) if paths else tag_of(first).field or first.name,
        "source": str(paths[0]) if paths else None,
        "files": files_of([layers[role] for role in ROLES if role in layers]),
    }
    if channel_axis is not None:
        pixels = pixels_of(first)
        role_at = {position: role for role, position in (positions or {}).items()}
        channels = tuple(
            Channel(role_at.get(i, f"channel {i}"), role_at.get(i))
            for i in range(pixels.shape[channel_axis])
        )
        return Stack(pixels, axes, channels, **common)
    roles = [role for role in ROLES if role in layers]
    channels = tuple(Channel(_channel_name(layers[role]), role) for role in roles)
    return Stack(np.stack([pixels_of(layers[r]) for r in roles]), "C" + axes, channels, **common)


def _channel_name(layer: Any) -> str:
    """Return what a layer is called, without the field that we have put into its name."""
    tag = tag_of(layer)
    ours = not tag.is_result and tag.name == layer.name
    return (tag.role if ours else None) or str(layer.name)


def check_field(
    layers: Mapping[str, Any],
    channel_axis: int | None = None,
    positions: Mapping[str, int] | None = None,
) -> None:
    """Refuse layers that are no one field of view.

    Parameters
    ----------
    layers, channel_axis, positions
        As for :func:`stack_from_layers`.

    Raises
    ------
    DualglandError
        If there is none, one is given two roles, or they do not lie on top of each other.
    """
    if not layers:
        raise DualglandError(
            Kind.LACKING,
            "channels",
            "no channel is chosen",
            way_out="say which layer shows the microtubules, the protein, the nucleus or the ER",
        )
    first = next(iter(layers.values()))
    chosen: dict[Any, str] = {}
    for role, layer in layers.items():
        key = layer if channel_axis is None else (positions or {}).get(role)
        if key in chosen:
            which = f"layer {layer.name!r}" if channel_axis is None else f"channel {key}"
            found = f"is chosen for both {chosen[key]} and {role}; a channel has one role"
            raise DualglandError(Kind.CONFLICT, which, found)
        chosen[key] = role
        if channel_axis is None:
            _require_same_place(first, layer)


def sampling(layer: Any, axes: str, pixel_size: float | None = None) -> dict[str, Any]:
    """Return the distances between pixels and frames, as a stack's arguments.

    Parameters
    ----------
    layer : napari.layers.Layer
        With scale and units.
    axes : str
        Of the layer.
    pixel_size : float, optional
        What a person states in place of the layer, in µm.

    Returns
    -------
    dict
        ``pixel_size`` and ``time_step``, None where the units are no lengths, no times; and
        ``notes`` on what is not believed.

    Raises
    ------
    DualglandError
        If no light microscope has what is stated.
    """
    said = scale_of(layer, axes)
    size, odd_sizes = believed(_SCALE, said)
    step, odd_step = believed_step(_SCALE, said.get("T", (None, None)))
    if pixel_size is not None:
        size, odd_sizes = stated(pixel_size, size, "pixel size"), ()
    return {"pixel_size": size, "time_step": step, "notes": odd_sizes + odd_step}


def scale_of(layer: Any, axes: str) -> dict[str, Said]:
    """Return the scale of a layer and its units, by axis.

    Parameters
    ----------
    layer : napari.layers.Layer
    axes : str
        Of the layer.

    Returns
    -------
    dict of str to tuple
        As :func:`~napari_dualgland.io.pixel_sizes.believed` takes it.
    """
    scale = np.ones(len(axes)) if layer.scale is None else np.abs(layer.scale)
    units = layer.units or "pixel"
    units = [units] * len(axes) if isinstance(units, str) else units
    return {a: (float(s), str(u)) for a, s, u in zip(axes, scale, units, strict=True)}


def path_of(layer: Any) -> Path | None:
    """Return the file that a layer was read from, if it still shows what is in it."""
    tag = tag_of(layer)
    # What we made tells the file of its source, and role codes are no plain mask.
    differs = tag.sources or tag.kind in ("imputed", "missing")
    path = None if differs else tag.path or layer.source.path
    if not path:
        return None
    file = Path(path).absolute()
    painted = hasattr(layer, "brush_size") and not labels_are_of(layer, file)
    return None if painted else file


def paths_of(layers: Sequence[Any]) -> tuple[Path, ...]:
    """Return the files that layers were read from; none unless every layer has one."""
    paths = [path_of(layer) for layer in layers]
    return tuple(dict.fromkeys(path for path in paths if path)) if all(paths) else ()


def files_of(layers: Sequence[Any]) -> tuple[str, ...]:
    """Return the files that layers come from, whatever they show by now: never to be replaced."""
    origins = [_origin(layer) for layer in layers]
    return tuple(dict.fromkeys(str(path) for path in origins if path))


def _origin(layer: Any) -> str | None:
    return tag_of(layer).path or getattr(getattr(layer, "source", None), "path", None)


def field_called(layer: Any, channels: int) -> str:
    """Return what the field is called that a layer belongs to.

    Parameters
    ----------
    layer : napari.layers.Layer
        Its record tells, else the file that it was read from, else its own name.
    channels : int
        How many layers there are of it.

    Returns
    -------
    str
    """
    tag = tag_of(layer)
    if tag.field:
        return tag.field
    path = _origin(layer)
    if path:
        return field_name(Path(path), channels)
    name = str(layer.name).removesuffix(" imputed")
    return "field" if name in ROLES else field_name(Path(f"{name}.png"), channels)


def field_name(path: Path, channels: int) -> str:
    """Return what a field of view is called by its file.

    Parameters
    ----------
    path : pathlib.Path
        Its file, or the first of several.
    channels : int
        How many are looked at: several are more than what a file of one colour shows.

    Returns
    -------
    str
        The id of an HPA set; else the name of the file without its ending.
    """
    member = parse_name(path.name)
    if member is not None and channels > 1:
        return member.stem
    return path.name.split(".")[0] or path.name


def size_in_words(shape: Sequence[int]) -> str:
    """Return a shape as people write it: ``1024 × 768``."""
    return " × ".join(str(n) for n in shape)


def _require_same_place(first: Any, other: Any) -> None:
    """Refuse two layers whose pixels do not lie on top of each other."""
    a, b = shape_of(first), shape_of(other)
    if a != b:
        found = f"is {size_in_words(b)} pixels and {first.name!r} is {size_in_words(a)}"
        raise DualglandError(
            Kind.MISMATCH,
            f"layer {other.name!r}",
            f"{found}; the channels of one field must have one size",
        )
    for name in ("scale", "translate", "rotate", "shear", "affine"):
        one, two = (np.asarray(getattr(layer, name)) for layer in (first, other))
        if not np.allclose(one, two):
            raise DualglandError(
                Kind.MISMATCH,
                f"layers {first.name!r} and {other.name!r}",
                f"they differ in {name}, so their pixels do not lie on top of each other",
                part=name,
                way_out=f"give them the same {name} first",
            )
