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

from napari_dualgland.io.carried import carried_by
from napari_dualgland.io.cell_table import table_of_labels
from napari_dualgland.io.layer_tag import DAMAGE, LayerTag, id_of, metadata_of, tag_of
from napari_dualgland.io.layer_writing import stack_of_layers
from napari_dualgland.io.layers import field_called
from napari_dualgland.jobs.export import Exportable
from napari_dualgland.jobs.inputs import LayerRef
from napari_dualgland.results import Boundaries, Imputation, Localization
from napari_dualgland.stack import Stack
from napari_dualgland.widgets.field.proposed import fill_suffix, read_from
from napari_dualgland.widgets.layers.fills import fills_of

_BESIDE = ("missing", "uncertainty", "sample")
SELECTED = "Selected layers"
_KINDS = {
    "imputed": ("imputed field", fill_suffix(False)),
    "plausible": ("plausible picture", fill_suffix(True)),
    "opened": ("imputed field, as opened", "_copy"),
    "": ("field as opened", "_copy"),
}
"""What a person is shown, and what the proposed name of the file ends in."""
_SUFFIXES = {"localization": "_localized", "boundaries": "_boundaries"}


_HOMES = ("cells", "compartments")
"""Layers by which a run is known, of all that carry it."""


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
        ``field``, ``localization``, ``boundaries`` or ``cells``: which formats there are for it.
    field : str
        Name of the field of view that it belongs to.
    path : str or None
        A file that this was read from, as far as anybody knows.
    layers : tuple of napari.layers.Layer
        That show it.
    load : callable
        Returns what is written.
    filled : bool
        Whether a run has filled it in, so that its name says with what.
    """

    key: tuple[str, ...]
    label: str
    suffix: str
    kind: str
    field: str
    path: str | None
    layers: tuple[Any, ...]
    load: Callable[[], Exportable]
    filled: bool = False

    def suffix_for(self, fill: str) -> str:
        """Return what a proposed name ends in, with the fill that is asked for."""
        if not self.filled or fill == "as it is":
            return self.suffix
        return fill_suffix(fill == "plausible")

    def refs(self) -> tuple[LayerRef, ...]:
        """Return its layers by what tells them apart."""
        return tuple(LayerRef(id=id_of(layer), name=layer.name) for layer in self.layers)


def found_in(viewer: Any) -> list[Found]:
    """Return what there is to export: results first, then fields, then what is selected."""
    layers = list(viewer.layers)
    found = [*_imputed(layers), *_looked_at(layers), *_fields(layers)]
    chosen = [x for x in layers if x in viewer.layers.selection and _is_picture(x)]
    if chosen:
        field = field_called(chosen[0], len(chosen))
        load = _loader(tuple(chosen), layers, field)
        path = read_from(chosen[0])
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
        plausible = any(_is_plausible(layer) for layer in by_role.values())
        what = "plausible" if plausible else "imputed"
        found.append(_found(what, shown, layers, ("imputed", *sources)))
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
        if any(map(_is_channel, shown)):
            filled = any(tag_of(layer).is_estimate for layer in shown)
            found.append(_found("opened" if filled else "", tuple(shown), layers, key))
    return found


def _found(what: str, shown: tuple[Any, ...], layers: list[Any], key: tuple[str, ...]) -> Found:
    channels = list(filter(_is_channel, shown))
    origin = next((x for x in layers if id_of(x) in tag_of(channels[0]).sources), channels[0])
    field = field_called(origin, len(channels))
    words, suffix = _KINDS[what]
    load = _loader(shown, layers, field)
    path, filled = read_from(origin), what in ("imputed", "plausible")
    return Found(key, f"{field}: {words}", suffix, "field", field, path, shown, load, filled)


def _looked_at(layers: list[Any]) -> list[Found]:
    """Return what layers carry of runs that looked at a field, and cells that nothing tells of."""
    carried: dict[int, Found] = {}
    cells: list[Found] = []
    for layer in layers:
        result = getattr(carried_by(layer), "result", None)
        if isinstance(result, Localization | Boundaries):
            field = result.stack.name
            kind = "localization" if isinstance(result, Localization) else "boundaries"
            known_by = carried.get(id(result))
            if known_by is None or tag_of(layer).kind in _HOMES:
                # Not the result's: a later run puts its own into the layers of this one.
                key = (kind, id_of(layer))
                label, path, same = f"{field}: {kind}", result.stack.source, partial(_same, result)
                suffix, own = _SUFFIXES[kind], (layer,)
                carried[id(result)] = Found(key, label, suffix, kind, field, path, own, same)
        told = isinstance(result, Localization)
        if not told and tag_of(layer).kind == "cells" and isinstance(layer, Labels):
            field, key = field_called(layer, 2), ("cells", id_of(layer))
            load = partial(table_of_labels, layer)
            label = f"{field}: cells"
            path = read_from(layer)
            cells.append(Found(key, label, "_cells", "cells", field, path, (layer,), load))
    known = {found.field for found in carried.values() if found.kind == "localization"}
    return [*carried.values(), *(found for found in cells if found.field not in known)]


def _same(result: Localization | Boundaries) -> Localization | Boundaries:
    return result


def _is_plausible(layer: Any) -> bool:
    known = tag_of(layer).provenance
    return known is not None and bool(known.options.get("plausible"))


def _is_beside(tag: LayerTag, sources: tuple[str, ...]) -> bool:
    return tag.kind in _BESIDE and tag.sources == sources and tag.provenance is not None


def _is_picture(layer: Any) -> bool:
    """Whether a layer can be part of a field: a channel, or a mask of estimated pixels."""
    if isinstance(layer, Labels):
        return tag_of(layer).kind == "missing" or layer.name.lower().startswith("missing")
    return isinstance(layer, Image) and not layer.rgb


def _is_channel(layer: Any) -> bool:
    """Whether a layer is a channel of a field, and not what goes beside its channels."""
    return isinstance(layer, Image) and tag_of(layer).kind not in _BESIDE


def _loader(shown: tuple[Any, ...], layers: list[Any], field: str) -> Callable[[], Stack]:
    def load() -> Stack:
        aside = [layer for layer in shown if tag_of(layer).name == DAMAGE]
        told = [layer.as_layer_data_tuple() for layer in shown if layer not in aside]
        stack = stack_of_layers([*told, *_unsure(shown)])
        if isinstance(stack, Imputation) and any(map(_other_of, shown)):
            stack = replace(stack, other=stack_of_layers(_flipped(shown)).data)
        # What it was made from was read from files that are never replaced.
        ids = {made_from for layer in shown for made_from in tag_of(layer).sources}
        origins = [layer for layer in layers if id_of(layer) in ids or layer in shown]
        files = tuple(dict.fromkeys(str(x.source.path) for x in origins if x.source.path))
        left = [f"{x.name!r} marks damage that nothing has filled; it is left out." for x in aside]
        notes = (*stack.notes, *left)
        return replace(stack, name=field, files=(*stack.files, *files), notes=notes)

    return load


def _unsure(shown: tuple[Any, ...]) -> list[Any]:
    """Return the uncertainty of imputed layers where none is shown, as layer tuples."""
    seen = {tag_of(layer).role for layer in shown if tag_of(layer).kind == "uncertainty"}
    told = []
    for layer in shown:
        fills, tag = fills_of(layer), tag_of(layer)
        if fills is not None and fills.uncertainty is not None and tag.role not in seen:
            unsure = metadata_of(tag.model_copy(update={"kind": "uncertainty"}))
            told.append(_as_if(layer, fills.uncertainty(), metadata=unsure))
    return told


def _flipped(shown: tuple[Any, ...]) -> list[Any]:
    """Return channels with their other fill, and their mask, as layer tuples."""
    told = []
    for layer in shown:
        if isinstance(layer, Labels):
            told.append(layer.as_layer_data_tuple())
        elif tag_of(layer).kind not in _BESIDE:
            other = _other_of(layer)
            told.append(layer.as_layer_data_tuple() if other is None else _as_if(layer, other()))
    return told


def _other_of(layer: Any) -> Callable[[], Any] | None:
    fills = fills_of(layer)
    return None if fills is None else fills.other


def _as_if(layer: Any, pixels: Any, **looks: Any) -> Any:
    """Return the tuple of a layer as if it had other pixels."""
    _, own, kind = layer.as_layer_data_tuple()
    return pixels, {**own, "multiscale": False, **looks}, kind
