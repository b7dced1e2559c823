"""What lies over a field and would keep what is filled in there from sight."""

from __future__ import annotations

from typing import Any

from napari_dualgland.io.layer_masks import is_coded
from napari_dualgland.io.layer_tag import id_of, tag_of
from napari_dualgland.widgets.field.source import Source
from napari_dualgland.widgets.layers.own_layers import own_layers


def covers(viewer: Any, source: Source, marked_in: Any) -> list[Any]:
    """Return the layers that are to be hidden before the first tile is seen.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where they are shown.
    source : Source
        What is being repaired.
    marked_in : napari.layers.Layer or None
        The layer that the person has marked what is missing in.

    Returns
    -------
    list of napari.layers.Layer
        Marks; plausible pictures of an earlier run; and pictures of where the protein is, which
        are opaque, in the source or in what an earlier run has made of it.
    """
    marks = [layer for layer in viewer.layers if is_coded(layer)]
    samples = own_layers(viewer, source, "sample")
    below = {*source.ids, *map(id_of, own_layers(viewer, source, "imputed"))}
    pictures = [
        layer
        for layer in viewer.layers
        if tag_of(layer).kind == "localization" and below.intersection(tag_of(layer).sources)
    ]
    return [*marks, *([] if marked_in is None else [marked_in]), *samples, *pictures]
