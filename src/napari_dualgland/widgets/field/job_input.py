"""From a chosen field of view to what a job takes, and back: by ids, so that names do not matter.

A job holds no layers. What it works on is made here, on the main thread, so that no worker ever
touches a layer.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.io import read
from napari_dualgland.io.hpa import parse_name
from napari_dualgland.io.layer_masks import mask_from_layer
from napari_dualgland.io.layer_tag import id_of, tag_of
from napari_dualgland.io.layers import path_of
from napari_dualgland.io.retouched import in_memory, shows
from napari_dualgland.jobs.inputs import FileInput, LayerRef, LayersInput, Loaded
from napari_dualgland.mask import Mask
from napari_dualgland.results import Imputation
from napari_dualgland.stack import ROLES
from napari_dualgland.widgets.field.repaired import missing_of
from napari_dualgland.widgets.field.source import Source


def ref_of(layer: Any) -> LayerRef:
    """Return what a job calls a layer."""
    return LayerRef(id=id_of(layer), name=layer.name, path=path_of(layer))


def find_layer(layers: Iterable[Any], ref: LayerRef) -> Any:
    """Return the open layer that a job means: by its id, else the only one of its name.

    Parameters
    ----------
    layers : iterable of napari.layers.Layer
        What is open.
    ref : LayerRef
        What the job says.

    Returns
    -------
    napari.layers.Layer

    Raises
    ------
    DualglandError
        If it is not open.
    """
    layers = list(layers)
    same = [layer for layer in layers if id_of(layer) == ref.id]
    named = [layer for layer in layers if layer.name == ref.name]
    found = same or named
    if len(found) != 1:
        place = f"layer {ref.name!r}"
        raise DualglandError(
            Kind.NOT_THERE, place, "is not open in this viewer", way_out="open it first"
        )
    return found[0]


def layers_input(source: Source, layers: Iterable[Any]) -> LayersInput:
    """Return a field of view as the input of a job.

    Parameters
    ----------
    source : Source
        The chosen layers.
    layers : iterable of napari.layers.Layer
        What is open, among it what marks the estimates of an earlier run.

    Returns
    -------
    LayersInput
        With the file that gives the same, where there is one.
    """
    estimated = missing_of(layers, source)
    return LayersInput(
        layers={role: ref_of(layer) for role, layer in source.layers.items()},
        channel_axis=source.channel_axis,
        positions=dict(source.positions),
        file=_file_input(source, estimated),
        estimated=None if estimated is None else ref_of(estimated),
        pixel_size=source.pixel_size,
    )


def source_of(given: LayersInput, layers: Iterable[Any]) -> Source:
    """Return the open layers that a job means; the way back of :func:`layers_input`.

    Parameters
    ----------
    given : LayersInput
        The input of a job.
    layers : iterable of napari.layers.Layer
        What is open.

    Returns
    -------
    Source
    """
    layers = list(layers)
    found = {role: find_layer(layers, ref) for role, ref in given.layers.items()}
    return Source(found, given.channel_axis, given.positions, given.pixel_size)


def loaded(source: Source, estimated: Any = None, missing: Any = None, cells: Any = None) -> Loaded:
    """Return what a job works on, read from layers; to be called on the main thread.

    Parameters
    ----------
    source : Source
        The field of view.
    estimated : napari.layers.Labels, optional
        Marks what an earlier run has filled in.
    missing : napari.layers.Labels or napari.layers.Shapes, optional
        Marks what is missing; without it, that is found in the image.
    cells : napari.layers.Labels, optional
        Outlines the cells; without it, they are found in the image.

    Returns
    -------
    Loaded
        Lazy where the layers are.

    Raises
    ------
    DualglandError
        If one of them does not fit the field of view.
    """

    def mask(layer: Any) -> Mask | None:
        return layer and mask_from_layer(layer, source.layers, source.channel_axis)

    stack, estimates = source.stack(), mask(estimated)
    if estimates is not None:
        stack = Imputation.of(stack, estimates.fitted(stack))
    return Loaded(stack, mask(missing), mask(cells))


def _file_input(source: Source, estimated: Any) -> FileInput | None:
    """Return the file that gives the same field of view, None if there is none.

    Members of one Human Protein Atlas set stand for the set.
    """
    paths, channels = source.paths, _channels_in_file(source)
    if not paths or channels is None:
        return None
    named = [(path.parent, parse_name(path.name)) for path in paths]
    stems = {(folder, name.stem if name else None) for folder, name in named}
    if len(paths) > 1 and (len(stems) > 1 or not all(name for _, name in named)):
        return None
    file = FileInput(path=paths[0], channels=channels or None, pixel_size=source.pixel_size)
    changeable = [*source.distinct_layers, *([] if estimated is None else [estimated])]
    if not any(in_memory(layer) for layer in changeable):
        return file
    return file if _gives(file, loaded(source, estimated)) else None


def _gives(file: FileInput, work: Loaded) -> bool:
    """Tell whether a file gives what a job is to work on."""
    try:
        return shows(read(file.path, channels=file.channels), work.stack)
    except DualglandError:
        return False


def _channels_in_file(source: Source) -> dict[str, int | str] | None:
    """Return which channel of the file each layer is; empty where the file tells it itself.

    None where nothing says it.
    """
    if source.one_layer:
        return dict(source.positions)
    tags = {role: tag_of(layer) for role, layer in source.layers.items()}
    if set(tags) == set(ROLES) and all(tag.role == role for role, tag in tags.items()):
        return {}
    told = {role: t.channel if t.position is None else t.position for role, t in tags.items()}
    known = {role: key for role, key in told.items() if key not in (None, "")}
    return known if len(known) == len(told) else None
