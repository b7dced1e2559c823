"""What a folder of results holds, read off the main thread: a batch, the layers of a stack."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

from napari.layers import Layer
from qtpy.QtCore import QTimer

from napari_dualgland.batch import BatchRequest, StackState, request_of
from napari_dualgland.batch.queue import QUEUE, load_batch
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.io.localization_writing import CELLS_TIF, MAPS_TIF
from napari_dualgland.io.napari_io import get_reader
from napari_dualgland.progress import Cancelled, Progress
from napari_dualgland.widgets.layers.warm import Warming

_READ = (".tif", ".tiff")
_IMPUTED = "_imputed.ome.tif"


def earlier_steps(folder: Path) -> Generator[Progress, None, BatchRequest]:
    """Read the batch that a folder holds; it goes on in that folder."""
    yield Progress(0, 0, "Reading the batch")
    return request_of(load_batch(folder / QUEUE)).model_copy(update={"output": folder})


def reading_steps(
    state: StackState, should_stop: Callable[[], bool]
) -> Generator[Progress, None, list[Any]]:
    """Read the results of a stack as napari's layer tuples.

    Parameters
    ----------
    state : StackState
    should_stop : callable
        Asked between files.

    Returns
    -------
    list of layer tuples

    Yields
    ------
    Progress

    Raises
    ------
    DualglandError
        If none of them can be opened any more.
    Cancelled
        If ``should_stop`` returned true.
    """
    # Nineteen layers of probabilities would bury all others: whoever wants them drops the file.
    files = [path for path in state.results if path.name.lower().endswith(_READ)]
    files = [path for path in files if path.name != MAPS_TIF]
    found: list[Any] = []
    for path in _with_source(state, files):
        if should_stop():
            raise Cancelled.run()
        yield Progress(0, 0, f"reading {path.name}")
        reader = get_reader(str(path))
        layers = reader(str(path)) if reader is not None else []
        found += [_outlined(layer) for layer in layers] if path.name == CELLS_TIF else layers
    if not found:
        place = files[0] if files else state.source
        way_out = "work on the stack again"
        raise DualglandError(Kind.NOT_THERE, place, "the result is gone", way_out=way_out)
    for data in (data for data, _, kind in found if kind == "labels"):
        finest = data[0] if isinstance(data, list) else data
        Warming(str(finest.dtype)).wait()
    return found


def _outlined(layer: Any) -> Any:
    """Return the layer of cells as outlines, so that it does not hide what is in them."""
    data, options, kind = layer
    return data, {**options, "contour": 1, "opacity": 0.8}, kind


def _with_source(state: StackState, files: list[Path]) -> list[Path]:
    """Return what is opened: results alone lie over nothing where no image is among them."""
    # By its end: a result over an earlier imputed input has the word within its name.
    if any(path.name.endswith(_IMPUTED) for path in files):
        return files
    if state.source.exists():
        return [state.source, *files]
    return [*sorted(state.source.parent.glob(f"{state.source.name}_*")), *files]


def add_one_by_one(layers: Any, tuples: list[Any]) -> None:
    """Add layers, each in a turn of Qt's loop of its own, so that nobody waits for all.

    Parameters
    ----------
    layers : napari.components.LayerList
    tuples : list of layer tuples
    """
    if tuples:
        layers.append(Layer.create(*tuples[0]))
        QTimer.singleShot(0, lambda: add_one_by_one(layers, tuples[1:]))
