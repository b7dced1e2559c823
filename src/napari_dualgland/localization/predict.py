"""Localize: say of every cell, and of every pixel in it, where its protein is.

The engine is a generator of progress events that knows nothing of who is listening.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from napari_dualgland.localization.engine import LocalizeRun
from napari_dualgland.localization.frames import Frames, stack_of
from napari_dualgland.localization.given import given_planes
from napari_dualgland.localization.params import LocalizeParams
from napari_dualgland.memory import refused_where_memory_runs_out
from napari_dualgland.model.calibrated_localizer import load_localizer
from napari_dualgland.model.device import choose_device
from napari_dualgland.progress import Cancelled, Progress, finish
from napari_dualgland.results import Localization
from napari_dualgland.stack import Stack


def localize(
    stack: Stack,
    cells: Any = None,
    params: LocalizeParams | None = None,
    missing: Any = None,
    progress: Callable[[Progress], None] | None = None,
    **options: Any,
) -> Localization:
    """Say where in each cell the protein is.

    Parameters
    ----------
    stack : Stack
        Any axes, any real dtype; lazy data are read frame by frame. Pixels that were imputed
        are looked at, and counted: they make the result less sure.
    cells : array_like or Mask, optional
        Labels, integers, 0 for background: (Y, X) for all frames, or the shape of the stack
        without ``C``. They keep their numbers. Found in the image if left out.
    params : LocalizeParams, optional
        The options; or give them one by one as keywords.
    missing : array_like or Mask, optional
        As for :func:`napari_dualgland.impute`: which pixels are damaged. Found by
        :func:`napari_dualgland.find_missing` if left out.
    progress : callable, optional
        Called with every :class:`~napari_dualgland.progress.Progress`.
    **options
        Fields of :class:`LocalizeParams` that replace those of ``params``.

    Returns
    -------
    Localization
        The same for the same input, whatever the batch: probabilities agree to 1e-4.

    Raises
    ------
    DualglandError
        If no channel is the protein, cells or mask do not fit the stack, model or device do not
        exist, or memory does not suffice.
    """
    chosen = (params or LocalizeParams()).model_dump() | options
    return finish(localize_steps(stack, cells, LocalizeParams(**chosen), missing), progress)


def localize_steps(
    stack: Stack,
    cells: Any = None,
    params: LocalizeParams | None = None,
    missing: Any = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Generator[Progress, None, Localization]:
    """Say where in each cell the protein is, and after each batch of cells how far it is.

    As :func:`localize`, but a generator whose return value is the :class:`Localization`.

    Parameters
    ----------
    stack, cells, params, missing
        As for :func:`localize`.
    should_stop : callable
        Asked between batches.

    Yields
    ------
    Progress
        Cells done, of how many.

    Raises
    ------
    Cancelled
        If ``should_stop`` returned true.
    """
    with refused_where_memory_runs_out(stack.where):
        return (
            yield from _localize_steps(
                stack, cells, params or LocalizeParams(), missing, should_stop
            )
        )


def _localize_steps(
    stack: Stack,
    cells: Any,
    params: LocalizeParams,
    missing: Any,
    should_stop: Callable[[], bool],
) -> Generator[Progress, None, Localization]:
    looked_at = stack_of(stack)
    given = None if cells is None else given_planes(cells, looked_at)
    frames = Frames(looked_at, missing)
    localizer = load_localizer(params.model, choose_device(params.device))
    run = LocalizeRun(frames, given, localizer, params)
    for event in run.steps():
        yield event
        if should_stop():
            raise Cancelled.run()
    return run.result()
