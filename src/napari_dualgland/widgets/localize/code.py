"""A localization as code: the same request, written as Python or as a shell line."""

from __future__ import annotations

import shlex
from pathlib import Path

from napari_dualgland.errors import DualglandError
from napari_dualgland.localization.params import LocalizeParams
from napari_dualgland.widgets.kit.code_source import (
    FROM_NAPARI,
    beside,
    channels_option,
    input_path,
    layer_lines,
    read_line,
    required_path,
)
from napari_dualgland.widgets.localize.request import LocalizeRequest

_ENDING = "_localized"
"""Of the folder that the result goes to, beside the input."""


def localize_as_python(request: LocalizeRequest) -> str:
    """Return Python that finds the same; it leaves it in ``result``."""
    path, labels = input_path(request.source), _labels_path(request)
    if path is None or (request.marking is not None and labels is None):
        lines = _from_layers(request)
    else:
        imports = ["from napari_dualgland import localize, read, write"]
        body = [read_line(request.source, path)]
        if labels is not None:
            imports.append("from napari_dualgland.io import read_mask")
            body.append(f"cells = read_mask({str(labels)!r})")
        lines = [*imports, "", *body]
    params = request.params
    lines += [
        "result = localize(",
        "    stack,",
        *(["    cells,"] if request.marking is not None else []),
        *(f"    {name}={value!r}," for name, value in _told(params).items()),
        ")",
    ]
    if path is not None and lines[0] != FROM_NAPARI[0]:
        lines.append(f"write(result, {str(beside(path, _ENDING))!r})")
    return "\n".join(lines) + "\n"


def localize_as_command(request: LocalizeRequest) -> str:
    """Return the shell line that finds the same.

    Raises
    ------
    DualglandError
        If there is none: layers or cells that are in no file.
    """
    path = required_path(request.source)
    words = ["dualgland", "localize", str(path), "--out", str(beside(path, _ENDING))]
    labels = _labels_path(request)
    if request.marking is not None and labels is None:
        assert request.cells_in is not None
        raise DualglandError(
            f"layer {request.cells_in.name!r} is in no file; save it as TIFF and open that, or "
            "copy as Python"
        )
    if labels is not None:
        words += ["--cells", str(labels)]
    words += channels_option(request.source)
    for name, value in _told(request.params).items():
        words += [f"--{name.replace('_', '-')}", str(value)]
    return shlex.join(words)


def _told(params: LocalizeParams) -> dict[str, object]:
    """Return model and device, and of the other options those that are not the default."""
    said = params.model_dump()
    fields = LocalizeParams.model_fields
    return {
        name: value
        for name, value in said.items()
        if name in ("model", "device") or value != fields[name].default
    }


def _labels_path(request: LocalizeRequest) -> Path | None:
    layer = request.cells_in
    if layer is None or not layer.source.path:
        return None
    return Path(layer.source.path).absolute()


def _from_layers(request: LocalizeRequest) -> list[str]:
    lines = [
        *FROM_NAPARI,
        "from napari_dualgland import localize",
        "from napari_dualgland.widgets.field.source import Source",
    ]
    body = layer_lines(request.source)
    given = {"marking": request.cells_in, "estimated": request.estimated_in}
    marks = {
        name: f"mask_from_layer(layers[{layer.name!r}], source.layers, source.channel_axis)"
        for name, layer in given.items()
        if layer is not None
    }
    if marks:
        lines += [
            "from napari_dualgland.widgets.localize.request import LocalizeRequest",
            "from napari_dualgland import mask_from_layer",
        ]
        asked = "".join(f", {name}={mark}" for name, mark in marks.items())
        body[-1:] = [f"request = LocalizeRequest(source{asked})", "stack = request.stack()"]
    if request.cells_in is not None:
        body.append("cells = request.cells(stack)")
    return [*lines, "", *body]
