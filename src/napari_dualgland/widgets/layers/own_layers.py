"""The layers that docks make: found again by what they are, given new pixels or made anew.

A layer tells in its tag what it is and which layers it was made from, by id. A later run on
the same layers replaces it, whatever any of them is called by now; but a result that a person
has renamed is theirs and stays.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from napari_dualgland.io.layer_tag import Kind, LayerTag, metadata_of, set_tag, tag_of
from napari_dualgland.io.layers import field_called
from napari_dualgland.typing import LazyArray
from napari_dualgland.widgets.field.source import Source
from napari_dualgland.widgets.layers.looks import lay_over, placement


def tag_for(
    source: Source, kind: Kind, name: str, role: str | None = None, **more: Any
) -> LayerTag:
    """Return what a layer that is made from a field of view says of itself.

    Parameters
    ----------
    source : Source
        What it is made from; files and notes of the channel that it shows go with it.
    kind : str
        What it is.
    name : str
        What it is called.
    role : str, optional
        The channel that it shows, where it shows one.
    **more
        Other fields of :class:`~napari_dualgland.io.layer_tag.LayerTag`.

    Returns
    -------
    LayerTag
    """
    like = tag_of(source.layers.get(role or "", source.first))
    own = {"kind": kind, "name": name, "role": role, "sources": source.ids, "axes": source.axes}
    if source.paths:  # files that were dropped one by one name their field together
        own["field"] = field_called(source.first, len(source.distinct_layers))
    blank = dict.fromkeys(("beside", "plane", "number", "place"))
    channel = like.channel if role in source.layers else role
    return like.model_copy(update={**blank, "roles": (), "channel": channel, **own, **more})


def own_layers(viewer: Any, source: Source, kind: Kind, **fields: Any) -> list[Any]:
    """Return the layers that earlier runs on the same layers made, from the bottom up.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where they are shown.
    source : Source
        What they were made from.
    kind : str
        What they are.
    **fields
        What else their tags say.

    Returns
    -------
    list of napari.layers.Layer
    """
    wanted = {"kind": kind, "sources": source.ids, **fields}
    return [layer for layer in viewer.layers if _says(tag_of(layer), wanted)]


def keeps_name(layer: Any) -> bool:
    """Tell whether a layer of ours still has the name that it was given."""
    return _bare(layer.name) == _bare(tag_of(layer).name or layer.name)


def put_layer(
    viewer: Any,
    source: Source,
    tag: LayerTag,
    pixels: LazyArray,
    make: Any,
    *,
    renamed: bool = False,
    fits: Callable[[Any], bool] = lambda _: True,
    without: int | None = None,
    visible: bool = True,
    **looks: Any,
) -> Any:
    """Give pixels to the layer of an earlier run, or to a new one, on top of all others.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where it is shown.
    source : Source
        What it was made from and lies on.
    tag : LayerTag
        What it is, and its name.
    pixels : array
        Of a shape that may differ from the earlier ones.
    make : type of napari.layers.Layer
        Its class.
    renamed : bool
        Whether a layer that the person has renamed takes them too.
    fits : callable
        Asked of an earlier layer whether it may lose its pixels.
    without : int, optional
        An axis of the source that the layer lacks.
    visible : bool
        Whether it is seen at once; as long as it is not, it costs nothing to change it.
    **looks
        Of a new layer; an earlier one keeps its own.

    Returns
    -------
    napari.layers.Layer
    """
    layers = viewer.layers
    for layer in own_layers(viewer, source, tag.kind, role=tag.role) if tag.kind else ():
        same = layer.data.shape == pixels.shape
        if (renamed or keeps_name(layer)) and same and fits(layer):
            layer.visible = layer.visible and visible
            layer.data = pixels
            lay_over(layer, source.first, without)
            set_tag(layer, tag)
            layer.visible = visible
            # Above later layers, which would else cover it.
            layers.move(layers.index(layer), len(layers))
            return layer
    placed = placement(source.first, without)
    return viewer.add_layer(
        make(
            pixels,
            name=tag.name,
            metadata=metadata_of(tag),
            visible=visible,
            **looks,
            **placed,
        )
    )


def _says(tag: LayerTag, wanted: dict[str, Any]) -> bool:
    return all(getattr(tag, field) == value for field, value in wanted.items())


def _bare(name: str) -> str:
    """Return a name without the " [1]" that napari appends where another layer has it."""
    return re.sub(r" \[\d+\]$", "", name)
