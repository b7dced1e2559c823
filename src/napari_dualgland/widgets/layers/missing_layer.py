"""The *missing* layer: which pixels are estimates or will be, per channel, in one layer.

Filled before a run, so that the holes are seen; outlined after it, so that what was
filled in is seen. The pointer tells the channels in napari's status bar, and the layer
can be edited with the brush and given back as the mask of the next run.
"""

from __future__ import annotations

import re
from typing import Any

import dask.array as da
import numpy as np
from napari.layers import Labels
from napari.utils.colormaps import DirectLabelColormap

from napari_dualgland.io.napari_io import METADATA_KEY
from napari_dualgland.stack import Stack, from_canonical, to_canonical
from napari_dualgland.widgets.field.guess import told_by
from napari_dualgland.widgets.field.planes import put_plane
from napari_dualgland.widgets.field.roles import ROLE_LABELS
from napari_dualgland.widgets.field.source import Source, as_array
from napari_dualgland.widgets.layers.looks import full_resolution, placement
from napari_dualgland.widgets.layers.masks import encode, roles_of_code

_SEVERAL, _TINTS = "#ff4fd8", {1: "#ff8a80", 2: "#7cff9a", 4: "#8ab4ff", 8: "#ffe97a"}
"""Colours of the marks: away from the atlas's own four, so that they stand out on them."""


def find_own(viewer: Any, kind: str, name: str, source: Source) -> Any:
    """Return the layer of that kind and name that an earlier run on ``source`` made, or None."""
    for layer in own_layers(viewer, kind, source):
        if bare_name(layer.name) == bare_name(name):
            return layer
    return None


def own_layers(viewer: Any, kind: str, source: Source) -> list[Any]:
    """Return the layers of that kind that earlier runs on ``source`` made."""
    names = [layer.name for layer in source.distinct_layers]
    wanted = (kind, names)
    return [
        layer
        for layer in viewer.layers
        if (told_by(layer).get("kind"), told_by(layer).get("sources")) == wanted
    ]


def missing_of(viewer: Any, source: Source) -> Labels | None:
    """Return the layer that marks what an earlier run has filled in of these very layers.

    None where nothing among them was imputed.
    """
    for layer in source.distinct_layers:
        told = told_by(layer)
        if told.get("kind") != "imputed":
            continue
        for marks in viewer.layers:
            known = told_by(marks)
            same = known.get("sources") == told.get("sources")
            if known.get("kind") == "missing" and same and isinstance(marks, Labels):
                return marks
    return None


def bare_name(name: str) -> str:
    """Return a name without the " [1]" that napari appends where another layer has it."""
    return re.sub(r" \[\d+\]$", "", name)


def missing_codes(source: Source, stack: Stack, missing: Any, frame: dict[str, int] | None) -> Any:
    """Return a mask as role codes with the axes and the shape of the source layers.

    Channels that were never recorded are left out: they lack every pixel, and painting
    the whole field would hide the holes of the others.
    """
    canonical = to_canonical(missing, stack.axes)
    roles = {role: i for role, i in stack.roles.items() if role in source.layers}
    shape = full_resolution(source.first).shape
    if source.one_layer:
        parts = [
            encode(canonical, {r: i for r, i in roles.items() if i == k})
            if k in roles.values()
            else canonical[:, :, k : k + 1].astype(np.uint8) * np.uint8(0)
            for k in range(shape[source.axes.index("C")])
        ]
        xp: Any = da if isinstance(canonical, da.Array) else np
        codes = xp.concatenate(parts, axis=2)
    else:
        codes = encode(canonical, roles)
    codes = from_canonical(codes, source.axes)
    if frame is None:
        return codes
    lazy = isinstance(as_array(full_resolution(source.first)), da.Array)
    blank = (da if lazy else np).zeros(shape, dtype=np.uint8)
    return put_plane(blank, codes, frame, source.axes)


def show_missing(
    viewer: Any, source: Source, codes: Any, told: dict[str, Any], *, outline: bool
) -> Labels:
    """Paint the missing pixels, in the layer that already does so or in a new one.

    Filled before a run, so that holes are seen; outlined after it, so that what was
    filled in is seen.
    """
    names = [layer.name for layer in source.distinct_layers]
    told = {**told, "kind": "missing", "sources": names}
    layer = find_own(viewer, "missing", "missing", source)
    if layer is None:
        layer = viewer.add_layer(
            Labels(
                codes,
                name="missing",
                colormap=_code_colors(),
                features=_code_features(),
                blending="translucent_no_depth",
                **placement(source.first),
            )
        )
        layer.selected_label = 15
    else:
        layer.data = codes
        layer.visible = True
        # Above the results, which would else shine through it.
        viewer.layers.move(viewer.layers.index(layer), len(viewer.layers))
    layer.metadata = {METADATA_KEY: told}
    layer.contour = 2 if outline else 0
    layer.opacity = 0.8 if outline else 0.55
    return layer


def _code_colors() -> DirectLabelColormap:
    colors: dict[int | None, str] = {None: "#00000000", 0: "#00000000"}
    colors |= {code: _TINTS.get(code, _SEVERAL) for code in range(1, 16)}
    return DirectLabelColormap(color_dict=colors)


def _code_features() -> dict[str, list[Any]]:
    """What napari's status bar says of a marked pixel under the pointer."""
    codes = range(1, 16)
    words = [", ".join(ROLE_LABELS[r] for r in roles_of_code(code)) for code in codes]
    return {"index": list(codes), "missing in": words}
