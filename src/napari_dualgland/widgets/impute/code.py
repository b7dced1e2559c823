"""The run as code: the same request, written as Python or as a shell line.

Where the layers came from files, the code reads those files and needs no napari. Where
they did not, the Python names the open layers, and there is no shell line to give.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from napari_dualgland.errors import DualglandError
from napari_dualgland.imputation.params import ImputeParams
from napari_dualgland.io.layer_masks import is_coded
from napari_dualgland.stack import ROLES
from napari_dualgland.widgets.impute.request import DETECTION, ImputeRequest
from napari_dualgland.widgets.kit.code_source import (
    FROM_NAPARI,
    beside,
    channels_option,
    input_path,
    layer_lines,
    read_line,
    required_path,
)


def as_python(request: ImputeRequest) -> str:
    """Return Python that computes the same pixels; it leaves them in ``result``."""
    path = input_path(request.source)
    lines = _from_layers(request) if path is None else _from_file(request, path)
    params = request.params
    lines += [
        "result = impute(",
        "    stack,",
        "    missing,",
        f"    model={params.model!r},",
        f"    device={params.device!r},",
        f"    tile={params.tile},",
        f"    seed={params.seed},",
        *(f"    {name}={value!r}," for name, value in _unusual(params).items()),
        ")",
    ]
    if path is not None:
        lines.append(f"write(result, {str(output_path(path))!r})")
    return "\n".join(lines) + "\n"


def as_command(request: ImputeRequest) -> str:
    """Return the shell line that computes the same pixels.

    Raises
    ------
    DualglandError
        If there is none: layers or marks that are in no file, one plane of many, some
        channels only.
    """
    path = required_path(request.source)
    if request.frame is not None:
        raise DualglandError("the command line fills whole stacks; choose “Whole stack” first")
    if request.how == "nan" or request.roles != frozenset(ROLES):
        raise DualglandError(
            "the command line has no option for this choice of missing pixels; copy as Python"
        )
    words = ["dualgland", "impute", str(path), "--out", str(output_path(path))]
    mask = _mask_path(request)
    if request.marked_in is not None and mask is None:
        raise DualglandError(
            f"layer {request.marked_in.name!r} is in no mask file; save it as TIFF and open that, "
            "or copy as Python"
        )
    if mask is not None:
        words += ["--missing", str(mask)]
    words += channels_option(request.source)
    params = request.params
    words += ["--model", params.model, "--device", params.device]
    words += ["--tile", str(params.tile), "--seed", str(params.seed)]
    for name, value in _unusual(params).items():
        flag = f"--{name}" if value is not False else f"--no-{name}"
        words += [flag] if isinstance(value, bool) else [flag, str(value)]
    return shlex.join(words)


def _unusual(params: ImputeParams) -> dict[str, Any]:
    """Return the options beyond model, device, tile and seed that are not the default."""
    said = params.model_dump(include={"precision", "rehearse", "adapt", "samples", "plausible"})
    defaults = ImputeParams.model_fields
    return {name: value for name, value in said.items() if value != defaults[name].default}


def output_path(path: Path) -> Path:
    """Return where the result goes: beside the input, never over it."""
    return beside(path, "_imputed.ome.tif")


def _mask_path(request: ImputeRequest) -> Path | None:
    """Return the file of the mask, None if it is in none or means something else there."""
    layer = request.marked_in
    if request.how != "labels" or layer is None or not layer.source.path:
        return None
    # Role codes and the planes of a mask are the layer's own; a file is read more simply.
    if is_coded(layer) or request.frame is not None:
        return None
    return Path(layer.source.path).absolute()


def _from_file(request: ImputeRequest, path: Path) -> list[str]:
    mask = _mask_path(request)
    if request.marked_in is not None and mask is None:
        return _from_layers(request, write=True)
    read = [read_line(request.source, path)]
    names = ["impute", "read", "write"]
    imports = []
    if request.frame is not None:
        read.append(f"stack = stack.plane({_at(request)})")
    if mask is not None:
        imports += [
            "from napari_dualgland.io import read_mask",
            "from napari_dualgland.missing import match_mask",
        ]
        if request.roles != frozenset(ROLES):
            imports.append("from napari_dualgland import Mask")
        read.append(f"missing = match_mask(read_mask({str(mask)!r}), stack)")
    else:
        imports += _detection_imports(request)
        read.append(_detection(request))
    return [
        f"from napari_dualgland import {', '.join(names)}",
        *imports,
        "",
        *read,
        *_restricted(request),
    ]


def _from_layers(request: ImputeRequest, write: bool = False) -> list[str]:
    names = ["impute", "write"] if write else ["impute"]
    lines = [
        *FROM_NAPARI,
        f"from napari_dualgland import {', '.join(names)}",
        "from napari_dualgland.widgets.field.source import Source",
    ]
    body = layer_lines(request.source)
    if request.marking is not None and request.marked_in is not None:
        lines.append("from napari_dualgland import mask_from_layer")
        marks = f"layers[{request.marked_in.name!r}], source.layers, source.channel_axis"
        body.append(f"marking = mask_from_layer({marks})")
        body.append(f"missing = marking.only({sorted(request.roles)!r})")
        if request.frame is not None:
            body.append(f"missing = missing.plane(stack, {_at(request)})")
            body.append(f"stack = stack.plane({_at(request)})")
        return [*lines, "", *body]
    lines += _detection_imports(request)
    if request.frame is not None:
        body.append(f"stack = stack.plane({_at(request)})")
    body.append(_detection(request))
    return [*lines, "", *body, *_restricted(request)]


def _detection_imports(request: ImputeRequest) -> list[str]:
    names = "MissingParams, find_missing" if DETECTION[request.how] else "find_missing"
    imports = [f"from napari_dualgland.missing import {names}"]
    if request.roles != frozenset(ROLES):
        imports.append("from napari_dualgland import Mask")
    return imports


def _detection(request: ImputeRequest) -> str:
    options = ", ".join(f"{key}={value!r}" for key, value in DETECTION[request.how].items())
    return f"missing = find_missing(stack{f', MissingParams({options})' if options else ''})"


def _restricted(request: ImputeRequest) -> list[str]:
    """Leave out the channels that the person has not ticked."""
    if request.roles == frozenset(ROLES):
        return []
    return [f"missing = Mask(missing, stack.axes).only({sorted(request.roles)!r})"]


def _at(request: ImputeRequest) -> str:
    assert request.frame is not None
    return f"{request.frame['T']}, {request.frame['Z']}"
