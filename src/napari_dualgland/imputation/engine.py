"""Impute: fill what is missing of a stack, and nothing else.

The engine is a generator of progress events that knows nothing of who is listening. It
looks over the stack once (exposure, couplings), then goes through the frames and, in each,
through the tiles that hold missing pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.imputation import costs
from napari_dualgland.imputation.kept import Shelf
from napari_dualgland.imputation.params import ImputeParams
from napari_dualgland.imputation.run import ImputationRun
from napari_dualgland.mask import as_mask
from napari_dualgland.memory import refused_where_memory_runs_out
from napari_dualgland.model.device import choose_device
from napari_dualgland.model.filler import load_filler
from napari_dualgland.progress import Cancelled, Progress, finish
from napari_dualgland.results import PLAUSIBLE, Imputation
from napari_dualgland.stack import Stack


def impute(
    stack: Stack,
    missing: Any = None,
    params: ImputeParams | None = None,
    progress: Callable[[Progress], None] | None = None,
    *,
    both: bool = False,
    **options: Any,
) -> Imputation:
    """Fill the missing pixels of a stack.

    Parameters
    ----------
    stack : Stack
        Any axes, any real dtype; lazy data stay lazy.
    missing : array_like or Mask, optional
        Boolean or number, non-zero = missing: (Y, X) for all channels, (C, Y, X), or the
        shape of ``stack.data``. Found by :func:`napari_dualgland.find_missing` if left out.
    params : ImputeParams, optional
        The options; or give them one by one as keywords.
    progress : callable, optional
        Called with every :class:`~napari_dualgland.progress.Progress`.
    both : bool
        Whether to make both fills, the estimate and a plausible picture, where the model can:
        :meth:`~napari_dualgland.results.Imputation.flipped` changes one for the other. Where
        nothing is rehearsed, the picture costs a rehearsal, too.
    **options
        Fields of :class:`ImputeParams` that replace those of ``params``.

    Returns
    -------
    Imputation
        Observed pixels are the source's own bits; what was filled is marked.

    Raises
    ------
    DualglandError
        If everything is missing, no channel has a role, model or device do not exist, or memory
        does not suffice.
    """
    chosen = (params or ImputeParams()).model_dump() | options
    return finish(impute_steps(stack, missing, ImputeParams(**chosen), both=both), progress)


def impute_steps(
    stack: Stack,
    missing: Any = None,
    params: ImputeParams | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    shelf: Shelf | None = None,
    both: bool = False,
) -> Generator[Progress, None, Imputation]:
    """Fill the missing pixels of a stack, saying after each tile how far it is.

    Parameters
    ----------
    stack, missing, params
        As for :func:`impute`.
    should_stop : callable
        Asked between frames, windows and tiles.
    shelf : Shelf, optional
        Keeps estimates, for the same run to go on with if this one is cut off.
    both : bool
        As for :func:`impute`.

    Yields
    ------
    Progress
        Each step forward.

    Returns
    -------
    Imputation
        The return value of the generator, as that of :func:`impute`.

    Raises
    ------
    DualglandError
        As for :func:`impute`.
    Cancelled
        If ``should_stop`` returned true.
    """
    with refused_where_memory_runs_out(stack.where):
        chosen = params or ImputeParams()
        return (yield from _impute_steps(stack, missing, chosen, should_stop, shelf, both))


def _impute_steps(
    stack: Stack,
    missing: Any,
    params: ImputeParams,
    should_stop: Callable[[], bool],
    shelf: Shelf | None,
    both: bool,
) -> Generator[Progress, None, Imputation]:
    if not stack.roles:
        raise DualglandError(
            Kind.LACKING,
            stack.where,
            "no channel has a role",
            way_out="say which is which, e.g. --channels microtubules=0,protein=1,nucleus=2,er=3",
        )
    filler = load_filler(params.model, choose_device(params.device), params.precision)
    if (params.samples or params.plausible) and not filler.draws:
        raise DualglandError(
            Kind.UNSUPPORTED,
            "samples" if params.samples else "plausible",
            f"the model {filler.card.name} draws no plausible pictures",
            way_out="choose another one, or ask for the estimate alone",
        )
    course = costs.of_engine(stack.shape, params, missing is not None)
    yield Progress(0, 0, "looking for missing pixels", share=course.at("looking"))
    given = None if missing is None else as_mask(missing)
    run = ImputationRun(stack, given, filler, params, both)
    frames = len(run.frames)
    for number, _ in enumerate(run.read_masks(should_stop), 1):
        if should_stop():
            raise Cancelled.run()
        if frames > 1:
            words = f"looking for missing pixels, frame {number}/{frames}"
            yield Progress(0, 0, words, share=course.at("looking", number / frames))
    if run.filling.total == 0:
        return run.unchanged()
    if params.plausible:
        run.notes.add(PLAUSIBLE)
    run.refuse_if_nothing_is_observed()
    total = run.filling.total
    course.costs["filling"] = costs.filling(total, params)
    yield Progress(0, total, "measuring exposure", share=course.at("measuring"))
    for message, done in run.calibrate(should_stop):
        yield Progress(0, total, message, share=course.at("calibrating", done))
        if should_stop():
            raise Cancelled.run()
    kept = "" if shelf is None else run.keep_on(shelf)
    yield Progress(0, total, kept, share=course.at("filling"))
    for patch in run.fill(should_stop):
        done, total = run.filling.done, run.filling.total
        share = course.at("filling", run.filling.share)
        yield Progress(done, total, run.notes.news(), patch, share=share)
    return run.result()
