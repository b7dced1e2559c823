"""The *missing* layer: which pixels are estimates or will be, per channel, in one layer.

Filled before a run, so that the holes are seen; outlined after it, so that what was
filled in is seen. The pointer tells the channels in napari's status bar, and the layer
can be edited with the brush and given back as the mask of the next run.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.layers import Labels

from napari_dualgland.io.layer_axes import pixels_of
from napari_dualgland.io.layer_tag import LayerTag, tag_of
from napari_dualgland.io.missing_looks import FILLED, missing_looks
from napari_dualgland.mask import ROLE_BITS, encode
from napari_dualgland.stack import Stack, from_canonical, to_canonical
from napari_dualgland.typing import LazyArray
from napari_dualgland.widgets.field.planes import put_plane
from napari_dualgland.widgets.field.source import Source
from napari_dualgland.widgets.layers.outlines import keep_outlined
from napari_dualgland.widgets.layers.own_layers import own_layers, put_layer, tag_for


def missing_codes(
    source: Source, stack: Stack, missing: LazyArray, frame: dict[str, int] | None
) -> LazyArray:
    """Return a mask as role codes with the axes and the shape of the source layers.

    Channels that were never recorded are left out: they lack every pixel, and painting
    the whole field would hide the holes of the others.

    Parameters
    ----------
    source : Source
        The layers.
    stack : Stack
        What they, or one plane of them, became.
    missing : numpy.ndarray or dask.array.Array
        Boolean, shape of ``stack.data``.
    frame : dict of str to int or None
        The plane that the stack is, None for all.

    Returns
    -------
    numpy.ndarray or dask.array.Array
        uint8; all zero in other planes.
    """
    recorded = {role: ROLE_BITS[role] for role in source.layers}
    if source.one_layer:
        channels = stack.channels[: source.sizes["C"]]
        bits = np.array([recorded.get(c.role or "", 0) for c in channels], np.uint8)
        canonical = to_canonical(missing, stack.axes)[:, :, : len(bits)]
        codes = from_canonical(canonical * bits[:, None, None], source.axes)
    else:
        plain = stack.axes.replace("C", "")
        codes = encode(missing, stack) & np.uint8(sum(recorded.values()))
        codes = from_canonical(to_canonical(codes, plain), source.axes)
    if frame is None:
        return codes
    blank = np.zeros_like(pixels_of(source.first), dtype=np.uint8)
    return put_plane(blank, codes, frame, source.axes)


def find_missing_layer(viewer: Any, source: Source) -> Labels | None:
    """Return the layer that marks what is missing in these layers.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where it is shown.
    source : Source
        The layers.

    Returns
    -------
    napari.layers.Labels or None
    """
    found = own_layers(viewer, source, "missing")
    return found[-1] if found else None


def marks_estimates(layer: Any) -> bool:
    """Tell whether a *missing* layer marks what a run has filled in, and not what is to be."""
    return tag_of(layer).provenance is not None


def show_missing(
    viewer: Any,
    source: Source,
    codes: LazyArray,
    *,
    outline: bool,
    tag: LayerTag | None = None,
) -> Labels:
    """Paint the missing pixels, in the layer that already does so or in a new one.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where they are painted.
    source : Source
        The layers that lack them.
    codes : numpy.ndarray or dask.array.Array
        As :func:`missing_codes` gives them.
    outline : bool
        Outlined after a run, so that what was filled in is seen; filled before it, so that
        holes are seen.
    tag : LayerTag, optional
        What a run says of it.

    Returns
    -------
    napari.layers.Labels
    """
    first_time = find_missing_layer(viewer, source) is None
    layer = put_layer(
        viewer,
        source,
        tag or tag_for(source, "missing", "missing", provenance=None),
        codes,
        Labels,
        renamed=True,  # there is one mask of these layers, whatever it is called
        **missing_looks(),
    )
    if first_time:
        layer.selected_label = sum(ROLE_BITS.values())  # the brush marks all channels
    if outline:
        keep_outlined(viewer, layer)
    elif layer.contour:
        layer.contour, layer.opacity = 0, FILLED
    return layer
