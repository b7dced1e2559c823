"""One process or several: who draws what, and how their gradients become one.

Under ``torchrun`` every process draws its slice of the joined batch and gradients are
averaged, so that several processes with a part each are one process with the whole. Left
alone, all of this does nothing.
"""

from __future__ import annotations

import contextlib
import importlib
import os
from collections.abc import Iterable, Iterator

import torch
import torch.distributed as dist
from torch import Tensor

from napari_dualgland.errors import DualglandError, Kind

_apart = False


def joined() -> bool:
    """Return whether other processes train along."""
    return dist.is_available() and dist.is_initialized() and not _apart


@contextlib.contextmanager
def apart() -> Iterator[None]:
    """Compute alone for a while: nothing inside waits for the other processes."""
    global _apart  # noqa: PLW0603 - as the process group itself, one for the process
    before, _apart = _apart, True
    try:
        yield
    finally:
        _apart = before


def rank() -> int:
    """Return the number of this process; 0 where it is alone."""
    return dist.get_rank() if joined() else 0


def world() -> int:
    """Return the number of processes; 1 where there is one alone."""
    return dist.get_world_size() if joined() else 1


def local_rank() -> int:
    """Return the number of this process on its own machine, as ``torchrun`` says."""
    return int(os.environ.get("LOCAL_RANK", "0"))


def started_by_torchrun() -> bool:
    """Return whether ``torchrun`` (or SLURM through it) has started several processes."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


def own_device(device: torch.device) -> torch.device:
    """Return the device of this process: among several on a machine, a GPU for each.

    Raises
    ------
    DualglandError
        If there are more processes on this machine than GPUs.
    """
    if device.type != "cuda":
        return device
    if started_by_torchrun():
        count = torch.cuda.device_count()
        if local_rank() >= count:
            raise DualglandError(
                Kind.NO_DEVICE,
                f"process {local_rank() + 1} of this machine",
                f"has no GPU to itself, there are {count}",
                way_out=f"give torchrun --nproc-per-node {count}",
            )
        device = torch.device("cuda", local_rank())
    torch.cuda.set_device(device)
    return device


def join(device: torch.device) -> None:
    """Meet the other processes that ``torchrun`` started, if it did."""
    if started_by_torchrun() and not joined():
        # Optimisers import this module, and its functions have the group of the moment as their
        # default. Held by them, the group outlives leave(), and its threads may then meet the
        # end of Python and abort the process: import it while there is none.
        importlib.import_module("torch.distributed.nn.functional")
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")


def same(number: int, device: torch.device) -> bool:
    """Return whether all processes have the same number.

    Parameters
    ----------
    number : int
        Of this process.
    device : torch.device
        Over which they speak.

    Returns
    -------
    bool
        True where alone.
    """
    if not joined():
        return True
    bounds = torch.tensor([number, -number], device=device)
    dist.all_reduce(bounds, dist.ReduceOp.MAX)
    return bool((bounds[0] == -bounds[1]).item())


def leave() -> None:
    """Part from the other processes."""
    if joined():
        dist.destroy_process_group()


def mean(value: Tensor) -> Tensor:
    """Return the mean of a tensor over all processes; the tensor itself where alone."""
    if not joined():
        return value
    total = value.detach().clone()
    dist.all_reduce(total)
    return total / world()


def average_gradients(parameters: Iterable[torch.nn.Parameter]) -> None:
    """Set every gradient to its mean over all processes, in one message.

    A gradient that is lacking counts as zero, for another process may have one.
    """
    if not joined():
        return
    learned = [p for p in parameters if p.requires_grad]
    grads = [torch.zeros_like(p) if p.grad is None else p.grad for p in learned]
    joint = torch.cat([g.float().flatten() for g in grads])
    dist.all_reduce(joint)
    joint /= world()
    parts = joint.split([g.numel() for g in grads])
    for parameter, grad, part in zip(learned, grads, parts, strict=True):
        parameter.grad = part.view_as(grad).to(grad.dtype)


def agree(tensors: Iterable[Tensor]) -> None:
    """Give every process the tensors of the first."""
    if joined():
        for tensor in tensors:
            dist.broadcast(tensor, 0)


def any_of(flag: bool, device: torch.device) -> bool:
    """Return whether a flag is raised in any process; all must ask at the same step.

    Parameters
    ----------
    flag : bool
        Of this process.
    device : torch.device
        Over which they speak.

    Returns
    -------
    bool
        The flag itself where alone.
    """
    if not joined():
        return flag
    raised = torch.tensor(float(flag), device=device)
    dist.all_reduce(raised, dist.ReduceOp.MAX)
    return bool(raised.item())
