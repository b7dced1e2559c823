"""Boundaries: name the compartments of every cell, and tell which are out of balance.

The engine is a generator of progress events that knows nothing of who is listening.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from napari_dualgland.compartments.engine import BoundariesRun
from napari_dualgland.compartments.location import location_named
from napari_dualgland.compartments.params import FOUND, BoundariesParams
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.localization.frames import Frames
from napari_dualgland.localization.given import given_planes
from napari_dualgland.localization.params import LocalizeParams
from napari_dualgland.localization.predict import localize_steps
from napari_dualgland.memory import refused_where_memory_runs_out
from napari_dualgland.progress import Cancelled, Progress, finish
from napari_dualgland.results import Boundaries, Localization
from napari_dualgland.stack import Stack


def boundaries(
    stack: Stack,
    cells: Any = None,
    params: BoundariesParams | None = None,
    missing: Any = None,
    progress: Callable[[Progress], None] | None = None,
    **options: Any,
) -> Boundaries:
    """Name the compartments of every cell, draw their boundaries and measure their balance.

    Parameters
    ----------
    stack : Stack
        Any axes, any real dtype, at least one landmark; lazy data are read frame by frame. Of
        an :class:`~napari_dualgland.results.Imputation` it is known which pixels are
        estimates: they are left out of the set points.
    cells : array_like or Mask, optional
        Labels, integers, 0 for background: (Y, X) for all frames, or the shape of the stack
        without ``C``. They keep their numbers. Found in the image if left out.
    params : BoundariesParams, optional
        The options; or give them one by one as keywords.
    missing : array_like or Mask, optional
        As for :func:`napari_dualgland.impute`: which pixels are damaged. Found by
        :func:`napari_dualgland.find_missing` if left out.
    progress : callable, optional
        Called with every :class:`~napari_dualgland.progress.Progress`.
    **options
        Fields of :class:`BoundariesParams` that replace those of ``params``.

    Returns
    -------
    Boundaries

    Raises
    ------
    DualglandError
        If no channel is a landmark, the location is not known, cells or mask do not fit the
        stack, model or device do not exist, or memory does not suffice.
    """
    chosen = (params or BoundariesParams()).model_dump() | options
    return finish(boundaries_steps(stack, cells, BoundariesParams(**chosen), missing), progress)


def boundaries_steps(
    stack: Stack,
    cells: Any = None,
    params: BoundariesParams | None = None,
    missing: Any = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Generator[Progress, None, Boundaries]:
    """Do what :func:`boundaries` does, plane by plane, and say how far it is.

    Parameters
    ----------
    stack, cells, params, missing
        As for :func:`boundaries`.
    should_stop : callable
        Asked at every step.

    Yields
    ------
    Progress

    Returns
    -------
    Boundaries

    Raises
    ------
    Cancelled
        If ``should_stop`` returned true.
    DualglandError
        As :func:`boundaries`.
    """
    chosen = params or BoundariesParams()
    chosen = chosen.model_copy(update={"location": location_named(chosen.location)})
    with refused_where_memory_runs_out(stack.where):
        return (yield from _steps(stack, cells, chosen, missing, should_stop))


def _steps(
    stack: Stack,
    cells: Any,
    params: BoundariesParams,
    missing: Any,
    should_stop: Callable[[], bool],
) -> Generator[Progress, None, Boundaries]:
    if not {"microtubules", "nucleus", "er"} & {*stack.roles}:
        raise DualglandError(
            Kind.LACKING,
            stack.where,
            "no channel is a landmark (microtubules, nucleus or er), so no compartment can be told",
            part="landmarks",
            way_out="say which channel is which, e.g. --channels microtubules=0,nucleus=2,er=3",
        )
    found: Localization | None = None
    if params.location == FOUND:
        sizes = {k: getattr(params, k) for k in ("device", "nucleus_um", "smallest_um2")}
        how = LocalizeParams(**sizes)
        found = yield from localize_steps(stack, cells, how, missing, should_stop)
        cells = found.cells
    given = None if cells is None else given_planes(cells, stack)
    run = BoundariesRun(Frames(stack, missing), given, params, found)
    for event in run.steps():
        yield event
        if should_stop():
            raise Cancelled.run()
    return run.result()
