"""From measured layers to what an imputation made of them, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from napari.layers import Labels

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.io.layer_tag import id_of, tag_of
from napari_dualgland.stack import ROLES
from napari_dualgland.widgets.field.source import Source


def repaired_layers(layers: Iterable[Any], chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Return chosen layers, each replaced by what an imputation made of it, where one did.

    Parameters
    ----------
    layers : iterable of napari.layers.Layer
        What is open, from the bottom up; the topmost of several results counts.
    chosen : mapping of str to napari.layers.Image
        By role.

    Returns
    -------
    dict of str to napari.layers.Image
        Channels that were never recorded among them, where they were estimated.
    """
    ids = tuple(id_of(chosen[role]) for role in ROLES if role in chosen)
    made = {}
    for layer in layers if ids else ():
        tag = tag_of(layer)
        if tag.kind == "imputed" and tag.sources == ids and tag.role:
            made[tag.role] = layer
    found = {**chosen, **made}
    return {role: found[role] for role in ROLES if role in found}


def repaired_layer(layers: Iterable[Any], stack: Any) -> Any:
    """Return what an imputation made of a layer with all channels, else that layer.

    Parameters
    ----------
    layers : iterable of napari.layers.Layer
        What is open, from the bottom up.
    stack : napari.layers.Image or None
        The layer with all channels.

    Returns
    -------
    napari.layers.Image or None
    """
    for layer in reversed(list(layers)):
        tag = tag_of(layer)
        if stack is not None and tag.kind == "imputed" and tag.sources == (id_of(stack),):
            return layer if tag.role is None else stack
    return stack


def measured_layer(layers: Iterable[Any], layer: Any) -> Any:
    """Return the layer that an imputed one was made from; another layer is measured itself.

    Parameters
    ----------
    layers : iterable of napari.layers.Layer
        What is open.
    layer : napari.layers.Image or None
        Imputed or measured.

    Returns
    -------
    napari.layers.Image or None
        None where the channel was never recorded, or is not open any more.
    """
    if layer is None or tag_of(layer).kind != "imputed":
        return layer
    return next((x for x in layers if id_of(x) == tag_of(layer).beside), None)


def missing_of(layers: Iterable[Any], source: Source) -> Labels | None:
    """Return the layer that marks what an earlier run has filled in of these very layers.

    Parameters
    ----------
    layers : iterable of napari.layers.Layer
        What is open.
    source : Source
        Imputed layers, perhaps.

    Returns
    -------
    napari.layers.Labels or None
        None where nothing among them was imputed.
    """
    tags = [tag_of(layer) for layer in source.distinct_layers]
    # Made here, from other layers, or read with its mask from a file that was written before.
    made_from = [tag.sources or tag.path for tag in tags if tag.is_estimate]
    for layer in layers:
        tag = tag_of(layer)
        origin = tag.sources or tag.path
        if tag.kind == "missing" and origin and origin in made_from and isinstance(layer, Labels):
            return layer
    return None


def estimates_of(layers: Iterable[Any], source: Source) -> Labels | None:
    """Return the layer that marks estimates, for whoever measures: not without it.

    Parameters
    ----------
    layers : iterable of napari.layers.Layer
        What is open.
    source : Source
        Imputed layers, perhaps.

    Returns
    -------
    napari.layers.Labels or None
        None where nothing among them was imputed.

    Raises
    ------
    DualglandError
        If pixels were imputed and what says which is not open any more: they would be taken
        for measured.
    """
    found = missing_of(layers, source)
    filled = [layer for layer in source.distinct_layers if tag_of(layer).is_estimate]
    if filled and found is None:
        raise DualglandError(
            Kind.LACKING,
            f"layer {filled[0].name!r}",
            "holds imputed pixels, and the layer that says which they are is not open",
            way_out="impute again, or remove the imputed layers and look at what was measured",
        )
    return found
