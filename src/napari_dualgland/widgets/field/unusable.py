"""Why an image that is open cannot be a channel, in one sentence."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from napari.layers import Image


def why_unusable(layers: Iterable[Any]) -> str:
    """Return why none of the images that are open is offered as a channel.

    Parameters
    ----------
    layers : iterable of napari.layers.Layer
        What is open.

    Returns
    -------
    str
        Empty where there is no image at all.
    """
    images = [layer for layer in layers if isinstance(layer, Image)]
    colored = next((layer for layer in images if layer.rgb), None)
    if colored is not None:
        return (
            f"“{colored.name}” is a colour picture (RGB), not one image per stain: right-click it "
            "and choose Split RGB, if its colours are the stains."
        )
    flat = next((layer for layer in images if layer.ndim < 2), None)
    if flat is not None:
        return f"“{flat.name}” has no two axes, so it is no image of a field of view."
    return ""
