"""Stacks as napari layers and layers as stacks: what happens on drop and on *File > Save*.

Plain layer tuples in and out; napari is not imported. A reader that claims a file which is
not ours keeps napari from opening it, so everything whose channels cannot be told is
declined and left to the other readers.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
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
from napari_dualgland.io.hpa_record import info_of, read_recorded, record_of
from napari_dualgland.io.layer_tuples import LayerTuple, layers_of, localization_layers
from napari_dualgland.io.tiff import is_tiff, look_at_tiff, read_pyramid, read_tiff
from napari_dualgland.io.zarr import is_ome_zarr, read_ome_zarr

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
    if file.is_dir() and not is_ome_zarr(file):
        return _folder_loader(file) if list_sets(file) else None
    if is_ome_zarr(file):
        assign_roles(read_ome_zarr(file))
        return lambda _: layers_of(read(file))
    if not file.is_file():
        return None
    name = parse_name(file.name)
    if name is not None:
        return _member_loader(HpaSet(name.stem, file.parent, {name.role: file}))
    if not is_tiff(file):
        return None
    stack = look_at_tiff(file)
    if stack.kind != "image":
        return lambda _: localization_layers(read_tiff(file), _pyramid(file))
    assign_roles(stack)
    return lambda _: layers_of(read(file), _pyramid(file))


def _folder_loader(folder: Path) -> Loader:
    return lambda _: layers_of(read_set(find_set(folder)))


def _member_loader(one: HpaSet) -> Loader:
    (file,) = one.files.values()
    # A picture that this program has written comes with its mask.
    member = read_recorded(one.folder, one.stem, [file.name]) or read_member(file)
    return lambda _: layers_of(member)


def _several(files: Sequence[Path]) -> Loader | None:
    sets: dict[tuple[Path, str], dict[str, Path]] = {}
    beside = {path for file in files for path in _beside(file)}
    for file in (file for file in files if not (is_litter(file.name) or file in beside)):
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


def _beside(file: Path) -> Iterator[Path]:
    """Yield what this program has written beside a file of a set: it comes with the set."""
    name = parse_name(file.name)
    record = record_of(file.parent, name.stem) if name is not None else None
    if name is not None and record is not None:
        yield info_of(file.parent, name.stem)
        for what, names in record.files.items():
            yield from (file.with_name(n) for n in names if what != "image")


def _pyramid(file: Path) -> list[Any]:
    return read_pyramid(file) if not file.name.lower().endswith(".gz") else []


def write_layers(path: str, layers: list[tuple[Any, Mapping[str, Any], str]]) -> list[str]:
    """Write image layers as the channels of one field, a layer ``missing`` as its mask.

    Parameters
    ----------
    path : str
        Its ending says the format.
    layers : list of napari's full layer tuples
        As :func:`~napari_dualgland.io.layer_writing.stack_of_layers` takes them.

    Returns
    -------
    list of str
        The files that were written.

    Raises
    ------
    DualglandError
        If the layers are no one field of view: different shapes or dtypes, two layers of
        one role, RGB, or labels other than the mask.
    """
    from napari_dualgland.io.layer_writing import stack_of_layers
    from napari_dualgland.io.writing import write_result

    written = write_result(stack_of_layers(layers), Path(path))
    return [str(file.path) for file in written.files]


def write_cells(path: str, data: Any, looks: Mapping[str, Any]) -> list[str]:
    """Write the cells of a Labels layer as CSV.

    Parameters
    ----------
    path : str
        Of the CSV.
    data : array
        Labels.
    looks : mapping
        Of napari's full layer tuple.

    Returns
    -------
    list of str
        The path that was written.

    Raises
    ------
    DualglandError
        If no cell is labelled, or the file cannot be written.
    """
    from napari_dualgland.io.cell_table import table_of_labels
    from napari_dualgland.io.layer_writing import as_layer
    from napari_dualgland.io.localization_writing import write_table

    found = table_of_labels(as_layer(data, looks, "labels"))
    write_table(found.table, Path(path), found.files)
    return [path]
