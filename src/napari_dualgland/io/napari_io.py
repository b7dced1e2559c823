"""Stacks as napari layers and layers as stacks: what happens on drop and on *File > Save*.

Plain layer tuples in and out; napari is not imported. A reader that claims a file which is
not ours keeps napari from opening it, so everything whose channels cannot be told is
declined and left to the other readers.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from napari_dualgland.errors import DualglandError
from napari_dualgland.io import read
from napari_dualgland.io.channels import assign_roles
from napari_dualgland.io.hpa import (
    HpaSet,
    find_set,
    is_litter,
    list_sets,
    parse_name,
    read_member,
    read_set,
)
from napari_dualgland.io.layer_tuples import LayerTuple, layers_of, localization_layers
from napari_dualgland.io.tiff import is_tiff, look_at_tiff, read_pyramid, read_tiff

log = logging.getLogger(__name__)

Loader = Callable[[Any], list[LayerTuple]]


def get_reader(path: str | list[str]) -> Loader | None:
    """Return what loads a file, a folder or several files of ours; None where they are not.

    Claimed are files of an HPA set (each gives its one layer, a set or its folder gives a
    layer per channel) and TIFFs whose channels can be told apart. A photograph whose name
    happens to end in ``_red`` is not claimed, nor is a TIFF that leaves a doubt.
    """
    try:
        return _claimed(Path(path)) if isinstance(path, str) else _several([Path(p) for p in path])
    except DualglandError as error:
        log.info("left to other readers: %s", error)
        return None


def _claimed(file: Path) -> Loader | None:
    if file.is_dir():
        return _folder_loader(file) if list_sets(file) else None
    if not file.is_file():
        return None
    if parse_name(file.name):
        return _member_loader(file)
    if not is_tiff(file):
        return None
    stack = look_at_tiff(file)
    if stack.kind != "image":
        return lambda _: localization_layers(read_tiff(file), _pyramid(file))
    assign_roles(stack)
    return lambda _: layers_of(read(file), _pyramid(file))


def _folder_loader(folder: Path) -> Loader:
    return lambda _: layers_of(read_set(find_set(folder)))


def _member_loader(file: Path) -> Loader:
    member = read_member(file)
    return lambda _: layers_of(member)


def _several(files: Sequence[Path]) -> Loader | None:
    sets: dict[tuple[Path, str], dict[str, Path]] = {}
    for file in (file for file in files if not is_litter(file.name)):
        name = parse_name(file.name)
        if name is None or not file.is_file():
            return None
        members = sets.setdefault((file.parent, name.stem), {})
        if members.setdefault(name.role, file) is not file:
            return None  # one channel in two formats: no one field of view
    found = [HpaSet(stem, folder, members) for (folder, stem), members in sets.items()]
    if not found:
        return None
    several = len(found) > 1
    return lambda _: [
        layer for s in found for layer in layers_of(read_set(s), one_of_several=several)
    ]


def _pyramid(file: Path) -> list[Any]:
    return read_pyramid(file) if not file.name.lower().endswith(".gz") else []


def write_layers(path: str, layers: list[tuple[Any, Mapping[str, Any], str]]) -> list[str]:
    """Write image layers as the channels of one OME-TIFF, a layer ``missing`` as its mask.

    Parameters
    ----------
    path : str
        Of the OME-TIFF.
    layers : list of napari's full layer tuples
        As :func:`~napari_dualgland.io.layer_writing.stack_of_layers` takes them.

    Returns
    -------
    list of str
        The path that was written.

    Raises
    ------
    DualglandError
        If the layers are no one field of view: different shapes or dtypes, two layers of
        one role, RGB, or labels other than the mask.
    """
    from napari_dualgland.io.layer_writing import stack_of_layers
    from napari_dualgland.io.tiff_writing import write_ome_tiff

    return [str(write_ome_tiff(stack_of_layers(layers), Path(path)))]
