"""What the stages of a run are expected to cost, so that progress can be told from the start.

In seconds of one processor, as measured with the shipped generator on the bundled sample. Only how
the stages compare with each other matters: what is left is extrapolated from what has been done.
Before the missing pixels are known, a quarter of the field is taken for damaged.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from math import prod

from napari_dualgland.imputation.params import ImputeParams
from napari_dualgland.progress import Course

LOADING = 3.5
"""Of torch, once in the life of a process."""

LOOKING = 0.45
"""For what is missing, of a million pixels of a field."""

READING = 0.02
"""A mask that is given, of a million pixels."""

MEASURING = 0.5
CHECKING = 1.8
"""Windows that are rehearsed to be checked, or for their texture alone."""

REHEARSING = 15.0
"""Windows that are learned from too."""

LEARNING = 1.1
"""Of a channel."""

FILLING = 2.5
"""Of a million pixels of tiles."""


def of_job(shape: Sequence[int], params: ImputeParams) -> Course:
    """Return the stages of a job: ``loading``, ``looking``, ``imputing``.

    Parameters
    ----------
    shape : sequence of int
        Of the stack.
    params : ImputeParams

    Returns
    -------
    Course
    """
    million = prod(shape) / 4e6
    return Course(
        loading=0.1 if "torch" in sys.modules else LOADING,
        looking=LOOKING * million,
        imputing=MEASURING + calibrating(params) + FILLING * million / 4,
    )


def of_engine(shape: Sequence[int], params: ImputeParams, given: bool) -> Course:
    """Return the stages of the engine: ``looking``, ``measuring``, ``calibrating``, ``filling``.

    Parameters
    ----------
    shape : sequence of int
        Of the stack.
    params : ImputeParams
    given : bool
        Whether the mask is given.

    Returns
    -------
    Course
    """
    million = prod(shape) / 4e6
    return Course(
        looking=(READING if given else LOOKING) * million,
        measuring=MEASURING,
        calibrating=calibrating(params),
        filling=FILLING * million / 4,
    )


def calibrating(params: ImputeParams) -> float:
    """Return what is spent on the image before anything is filled."""
    if not (params.rehearse or params.plausible or params.samples):
        return 0.01
    learning = 4 * LEARNING if params.adapt and params.rehearse else 0.0
    return rehearsing(params) + learning


def rehearsing(params: ImputeParams) -> float:
    """Return what is spent on filling held-out pixels: more where they are learned from."""
    return REHEARSING if params.adapt and params.rehearse else CHECKING


def filling(tiles: int, params: ImputeParams) -> float:
    """Return what tiles cost.

    Parameters
    ----------
    tiles : int
        How many.
    params : ImputeParams

    Returns
    -------
    float
    """
    return FILLING * tiles * params.tile**2 / 1e6
