"""Many fields of view: found in folders and tables, worked on in processes, resumed, reported.

A batch is a value: a list of stacks, each with the jobs that are done for it. What is found
becomes one by :func:`make_batch`; :func:`run_batch` does it, as a generator of progress. An error
costs its stack alone, and a batch that was killed goes on where it was.

>>> from napari_dualgland.batch import find_stacks, make_batch, run_batch
>>> from napari_dualgland.imputation.params import ImputeParams
>>> stacks = find_stacks(["fields"])  # doctest: +SKIP
>>> batch = make_batch(stacks, "repaired", {"impute": ImputeParams()})  # doctest: +SKIP
>>> for step in run_batch(batch):  # doctest: +SKIP
...     show(step)
"""

from napari_dualgland.batch.finding import find_stacks, find_steps
from napari_dualgland.batch.making import KINDS, make_batch
from napari_dualgland.batch.queue import Batch, StackJobs
from napari_dualgland.batch.request import BatchRequest, request_of
from napari_dualgland.batch.run import run_batch
from napari_dualgland.batch.stacks import FoundStack, StackOptions
from napari_dualgland.batch.state import BatchProgress, StackState, Status

__all__ = [
    "KINDS",
    "Batch",
    "BatchProgress",
    "BatchRequest",
    "FoundStack",
    "StackJobs",
    "StackOptions",
    "StackState",
    "Status",
    "find_stacks",
    "find_steps",
    "make_batch",
    "request_of",
    "run_batch",
]
