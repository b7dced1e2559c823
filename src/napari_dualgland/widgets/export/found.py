"""What there is to export: results and fields, found again from the layers that show them.

Layers say what they are in their tags, so a result can be exported when the dock that made it
was closed long ago, and each is named for the field that it belongs to.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from napari.layers import Image, Labels

from napari_dualgland.io.cell_table import table_of_labels
from napari_dualgland.io.layer_tag import LayerTag, id_of, tag_of
from napari_dualgland.io.layer_writing import stack_of_layers
from napari_dualgland.io.layers import field_called
from napari_dualgland.jobs.export import Exportable
from napari_dualgland.jobs.inputs import LayerRef
from napari_dualgland.results import Localization
from napari_dualgland.stack import Stack

_BESIDE = ("missing", "uncertainty", "sample")
SELECTED = "Selected layers"
_KINDS = {
    "imputed": ("imputed field", "_imputed"),
    "opened": ("imputed field, as opened", "_copy"),
    "": ("field as opened", "_copy"),
}
"""What a person is shown, and what the proposed name of the file ends in."""


@dataclass(frozen=True, eq=False)
class Found:
    """Something that can be exported.

    Attributes
    ----------
    key : tuple of str
        Tells it from all others while its layers are there.
    label : str
        What a person is shown.
    suffix : str
        Of the name that is proposed for its file.
    kind : str
        ``field``, ``localization`` or ``cells``: which formats there are for it.
    field : str
        Name of the field of view that it belongs to.
    path : str or None
        A file that this was read from, as far as anybody knows.
    layers : tuple of napari.layers.Layer
        That show it.
    load : callable
        Returns what is written.
    """

    key: tuple[str, ...]
    label: str
    suffix: str
    kind: str
    field: str
    path: str | None
    layers: tuple[Any, ...]
    load: Callable[[], Exportable]

    def refs(self) -> tuple[LayerRef, ...]:
        """Return its layers by what tells them apart."""
        return tuple(LayerRef(id=id_of(layer), name=layer.name) for layer in self.layers)


def found_in(viewer: Any) -> list[Found]:
    """Return what there is to export: results first, then fields, then what is selected."""
    layers = list(viewer.layers)
    found = [*_imputed(layers), *_localized(layers), *_fields(layers)]
    chosen = [x for x in layers if x in viewer.layers.selection and _is_picture(x)]
    if chosen:
        field = field_called(chosen[0], len(chosen))
        load = _loader(tuple(chosen), layers, field)
        path = _path_of(chosen[0])
        found.append(
            Found((SELECTED,), SELECTED, "_layers", "field", field, path, tuple(chosen), load)
        )
    return found


def _imputed(layers: list[Any]) -> list[Found]:
    """Return imputed fields that were made in this session, a result for each field."""
    groups: dict[tuple[str, ...], dict[str | None, Any]] = {}
    for layer in layers:  # of several results of one channel the topmost counts
        tag = tag_of(layer)
        if tag.kind == "imputed":
            groups.setdefault(tag.sources, {})[tag.role] = layer
    found = []
    for sources, by_role in groups.items():
        beside = [x for x in layers if _is_beside(tag_of(x), sources)]
        shown = (*by_role.values(), *beside)
        found.append(_found("imputed", shown, layers, ("imputed", *sources)))
    return found


def _fields(layers: list[Any]) -> list[Found]:
    """Return fields as they were opened, those among them that an earlier run has filled."""
    groups: dict[tuple[str, ...], list[Any]] = {}
    for layer in layers:
        tag = tag_of(layer)
        opened = tag.path is not None and not tag.sources
        if opened and tag.kind in (None, *_BESIDE) and _is_picture(layer):
            folder = str(Path(tag.path or "").parent)
            groups.setdefault(("field", folder, tag.field or str(tag.path)), []).append(layer)
    found = []
    for key, shown in groups.items():
        if any(isinstance(layer, Image) for layer in shown):
            filled = any(tag_of(layer).is_estimate for layer in shown)
            found.append(_found("opened" if filled else "", tuple(shown), layers, key))
    return found


def _found(what: str, shown: tuple[Any, ...], layers: list[Any], key: tuple[str, ...]) -> Found:
    channels = [x for x in shown if isinstance(x, Image) and tag_of(x).kind not in _BESIDE]
    origin = next((x for x in layers if id_of(x) in tag_of(channels[0]).sources), channels[0])
    field = field_called(origin, len(channels))
    words, suffix = _KINDS[what]
    load = _loader(shown, layers, field)
    path = _path_of(origin)
    return Found(key, f"{field}: {words}", suffix, "field", field, path, shown, load)


def _localized(layers: list[Any]) -> list[Found]:
    """Return localizations that a layer carries, and the cells of those that none does."""
    carried: dict[int, Found] = {}
    cells: list[Found] = []
    for layer in layers:
        result = _carried(layer)
        if result is not None:
            field, key = result.stack.name, ("localization", str(id(result)))
            label, one = f"{field}: localization", (layer,)
            carried[id(result)] = Found(
                key,
                label,
                "_localized",
                "localization",
                field,
                result.stack.source,
                one,
                partial(_same, result),
            )
        elif tag_of(layer).kind == "cells" and isinstance(layer, Labels):
            field, key = field_called(layer, 2), ("cells", id_of(layer))
            load = partial(table_of_labels, layer)
            label = f"{field}: cells"
            path = _path_of(layer)
            cells.append(Found(key, label, "_cells", "cells", field, path, (layer,), load))
    known = {found.field for found in carried.values()}
    return [*carried.values(), *(found for found in cells if found.field not in known)]


def _same(result: Localization) -> Localization:
    return result


def _carried(layer: Any) -> Localization | None:
    """Return the localization that a layer carries, where its dock has left one."""
    for value in layer.metadata.values():
        result = getattr(value, "result", value)
        if isinstance(result, Localization):
            return result
    return None


def _path_of(layer: Any) -> str | None:
    return tag_of(layer).path or layer.source.path


def _is_beside(tag: LayerTag, sources: tuple[str, ...]) -> bool:
    return tag.kind in _BESIDE and tag.sources == sources and tag.provenance is not None


def _is_picture(layer: Any) -> bool:
    """Whether a layer can be part of a field: a channel, or a mask of estimated pixels."""
    if isinstance(layer, Labels):
        return tag_of(layer).kind == "missing" or layer.name.lower().startswith("missing")
    return isinstance(layer, Image) and not layer.rgb


def _loader(shown: tuple[Any, ...], layers: list[Any], field: str) -> Callable[[], Stack]:
    def load() -> Stack:
        stack = stack_of_layers([layer.as_layer_data_tuple() for layer in shown])
        # What it was made from was read from files that are never replaced.
        ids = {made_from for layer in shown for made_from in tag_of(layer).sources}
        origins = [layer for layer in layers if id_of(layer) in ids or layer in shown]
        files = tuple(dict.fromkeys(str(x.source.path) for x in origins if x.source.path))
        return replace(stack, name=field, files=(*stack.files, *files))

    return load
