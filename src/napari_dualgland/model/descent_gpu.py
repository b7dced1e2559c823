"""A step of the descent as one kernel: on a GPU, hundreds of steps are mostly launches.

Whole images shifted and added take some 23 launches a step, and the prior of a nucleus takes 1,700
steps. Triton comes with torch on Linux alone; who imports this must be ready for its lack.
"""

# mypy: disable-error-code="no-untyped-call,no-untyped-def,arg-type,untyped-decorator"

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

BLOCK = 512
"""Pixels of one program."""


@triton.jit
def _mirrored(place, size):
    """Return indices beyond the borders mirrored at them, the border pixel twice."""
    place = tl.where(place < 0, -1 - place, place)
    return tl.where(place >= size, 2 * size - 1 - place, place)


@triton.jit(do_not_specialize=["height", "width", "total"])
def _step(ahead, previous, missing, out, carried, total, height, width, step, block: tl.constexpr):
    """Write the next ``ahead`` to ``out`` and the step itself over ``previous``."""
    here = tl.program_id(0) * block + tl.arange(0, block)
    there = here < total
    x, y = here % width, (here // width) % height
    plane = here - y * width - x
    hole = there & (tl.load(missing + here, mask=there, other=0) != 0)
    now = tl.load(ahead + here, mask=there, other=0.0)
    up, down = _mirrored(y - 1, height) * width, _mirrored(y + 1, height) * width
    up2, down2 = _mirrored(y - 2, height) * width, _mirrored(y + 2, height) * width
    left, right = _mirrored(x - 1, width), _mirrored(x + 1, width)
    left2, right2 = _mirrored(x - 2, width), _mirrored(x + 2, width)
    at = ahead + plane
    middle = y * width
    beside = (
        tl.load(at + up + x, mask=hole, other=0.0)
        + tl.load(at + down + x, mask=hole, other=0.0)
        + tl.load(at + middle + left, mask=hole, other=0.0)
        + tl.load(at + middle + right, mask=hole, other=0.0)
    )
    across = (
        tl.load(at + up + left, mask=hole, other=0.0)
        + tl.load(at + up + right, mask=hole, other=0.0)
        + tl.load(at + down + left, mask=hole, other=0.0)
        + tl.load(at + down + right, mask=hole, other=0.0)
    )
    beyond = (
        tl.load(at + up2 + x, mask=hole, other=0.0)
        + tl.load(at + down2 + x, mask=hole, other=0.0)
        + tl.load(at + middle + left2, mask=hole, other=0.0)
        + tl.load(at + middle + right2, mask=hole, other=0.0)
    )
    slope = 20 * now - 8 * beside + 2 * across + beyond
    current = tl.where(hole, now - step * slope, now)
    before = tl.load(previous + here, mask=there, other=0.0)
    tl.store(out + here, current + carried * (current - before), mask=there)
    tl.store(previous + here, current, mask=there)


def relax_fused(image: Tensor, missing: Tensor, steps: int, size: float) -> Tensor:
    """Take Nesterov steps on |Δy|² over the missing pixels, each in one launch.

    Parameters
    ----------
    image : torch.Tensor
        (B, C, H, W), float32, sides of at least 2: where the descent starts.
    missing : torch.Tensor
        (B, C, H, W), boolean.
    steps : int
        How many.
    size : float
        Of a step.

    Returns
    -------
    torch.Tensor
        (B, C, H, W): as :func:`~napari_dualgland.model.descent.relax`, up to rounding.
    """
    ahead, hole = image.contiguous().clone(), missing.contiguous().view(torch.uint8)
    previous, out = ahead.clone(), torch.empty_like(ahead)
    height, width = image.shape[-2:]
    grid = (triton.cdiv(ahead.numel(), BLOCK),)
    for k in range(steps):
        carried = k / (k + 3)
        _step[grid](
            ahead, previous, hole, out, carried, ahead.numel(), height, width, size, block=BLOCK
        )
        ahead, out = out, ahead
    return previous
