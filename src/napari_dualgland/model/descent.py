"""Descent on the squared Laplacian of missing pixels, from observed ones that stay as they are.

On a processor the missing pixels alone are solved for, as a sparse system of the 13 pixels
that a step looks at, so that work grows with what is missing. Where most is missing, and on
other devices, whole images are shifted and added instead, on a GPU by one kernel if there is one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from napari_dualgland.typing import BoolArray, FloatArray

STEP = 1 / 64
"""Step size of the descent: just inside its stability limit (the largest eigenvalue of
the squared Laplacian is 64)."""

CROWDED = 0.35
"""Share of missing pixels above which whole images are faster than a sparse system."""

STENCIL = {
    (0, 0): 20,
    **dict.fromkeys([(-1, 0), (1, 0), (0, -1), (0, 1)], -8),
    **dict.fromkeys([(-1, -1), (-1, 1), (1, -1), (1, 1)], 2),
    **dict.fromkeys([(-2, 0), (2, 0), (0, -2), (0, 2)], 1),
}
"""The squared 5-point Laplacian: weight by offset in rows and columns."""

REACH = 2
"""Pixels that the stencil reaches."""

AT_ONCE = 16384
"""Missing pixels of one system: few calls, and it stays in the processor's cache."""


def laplacian(image: Tensor, out: Tensor | None = None) -> Tensor:
    """Return the 5-point Laplacian with mirrored borders (self-adjoint).

    Parameters
    ----------
    image : torch.Tensor
        (…, H, W).
    out : torch.Tensor, optional
        Where to put it: then nothing is allocated, which on a CPU is most of the time.

    Returns
    -------
    torch.Tensor
        (…, H, W).
    """
    out = torch.mul(image, -4, out=out) if out is not None else image * -4
    out[..., 1:, :] += image[..., :-1, :]
    out[..., :-1, :] += image[..., 1:, :]
    out[..., :, 1:] += image[..., :, :-1]
    out[..., :, :-1] += image[..., :, 1:]
    out[..., 0, :] += image[..., 0, :]
    out[..., -1, :] += image[..., -1, :]
    out[..., :, 0] += image[..., :, 0]
    out[..., :, -1] += image[..., :, -1]
    return out


_without_windows = False


def expect_no_window() -> None:
    """Let GPUs take the steps by their kernel, in a process that never opens a window.

    Triton's LLVM and that of Mesa, which may draw it, cannot live in one process; whoever imputes
    in a script may well look at the result in napari afterwards.
    """
    global _without_windows  # noqa: PLW0603 - what is loaded is the process's, too
    _without_windows = True


def fused_on(device: torch.device) -> Callable[[Tensor, Tensor, int, float], Tensor] | None:
    """Return the kernel that takes the steps on a device; None where none is, or may be used."""
    return _kernel(device) if _without_windows and device.type == "cuda" else None


@cache
def _kernel(device: torch.device) -> Callable[[Tensor, Tensor, int, float], Tensor] | None:
    """Return the kernel if it works on a device; it is tried once."""
    try:
        from napari_dualgland.model.descent_gpu import relax_fused

        with torch.cuda.device(device):
            tried = torch.zeros((1, 1, 4, 4), device=device)
            relax_fused(tried, tried == 0, 1, STEP)
    except Exception:  # not installed, no compiler, an old card: all say the same
        return None
    return relax_fused


def relax(images: Sequence[Tensor], missing: Sequence[Tensor], steps: int) -> list[Tensor]:
    """Take Nesterov steps on |Δy|² over the missing pixels; observed ones stay as they are.

    Parameters
    ----------
    images : sequence of torch.Tensor
        (B, C, H, W) each, of any sizes, floating point: where the descent starts.
    missing : sequence of torch.Tensor
        (B, C, H, W) each, boolean.
    steps : int
        How many.

    Returns
    -------
    list of torch.Tensor
        (B, C, H, W) each, new ones. By either way the same, up to rounding.
    """
    relaxed, systems = [], _Systems(steps)
    for image, hole in zip(images, missing, strict=True):
        small = min(image.shape[-2:]) < REACH
        fused = None if small or image.dtype != torch.float32 else fused_on(image.device)
        if fused is not None:
            relaxed.append(fused(image, hole, steps, STEP))
            continue
        if image.device.type != "cpu" or small or float(hole.float().mean()) > CROWDED:
            relaxed.append(_relax_images(image, hole, steps))
            continue
        relaxed.append(image.clone())
        systems.add(relaxed[-1].flatten(0, 1).numpy(), hole.flatten(0, 1).numpy())
    systems.solve()
    return relaxed


def _relax_images(image: Tensor, missing: Tensor, steps: int) -> Tensor:
    gain = STEP * missing.to(image.dtype)
    previous, current, ahead = image.clone(), image.clone(), image.clone()
    first, second = torch.empty_like(image), torch.empty_like(image)
    for k in range(steps):
        laplacian(laplacian(ahead, first), second)
        torch.addcmul(ahead, gain, second, value=-1, out=current)
        torch.sub(current, previous, out=ahead)
        ahead.mul_(k / (k + 3)).add_(current)
        previous, current = current, previous
    return previous


class _Systems:
    """The missing pixels of many planes, relaxed side by side in one sparse system.

    Parameters
    ----------
    steps : int
        How many steps are taken.
    """

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.planes: list[tuple[FloatArray, BoolArray]] = []
        self.systems: list[sparse.csr_matrix] = []
        self.fixed: list[FloatArray] = []

    def add(self, planes: FloatArray, holes: BoolArray) -> None:
        """Take (P, H, W) pixels, of which the missing ones are to be replaced."""
        counts = np.count_nonzero(holes, axis=(1, 2))
        first = 0
        for last in [*np.flatnonzero(np.diff(np.cumsum(counts) // AT_ONCE)) + 1, len(planes)]:
            plane, hole = planes[first:last], holes[first:last]
            first = last
            if not hole.any():
                continue
            system, fixed = _system(plane, hole)
            if self.fixed and sum(map(len, self.fixed)) + len(fixed) > AT_ONCE:
                self.solve()
            self.planes.append((plane, hole))
            self.systems.append(system)
            self.fixed.append(fixed)

    def solve(self) -> None:
        """Replace the missing pixels of all planes that were taken."""
        if not self.planes:
            return
        start = np.concatenate([plane[hole] for plane, hole in self.planes])
        done = _descend(_joined(self.systems), np.concatenate(self.fixed), start, self.steps)
        ends = np.cumsum([len(fixed) for fixed in self.fixed])[:-1]
        for (plane, hole), values in zip(self.planes, np.split(done, ends), strict=True):
            plane[hole] = values
        self.planes, self.systems, self.fixed = [], [], []


def _joined(systems: Sequence[sparse.csr_matrix]) -> sparse.csr_matrix:
    """Return systems as one, block by block."""
    rows = np.cumsum([0, *(s.shape[0] for s in systems)], dtype=np.int32)
    entries = np.cumsum([0, *(s.nnz for s in systems)], dtype=np.int32)
    data = np.concatenate([s.data for s in systems])
    columns = np.concatenate([s.indices + first for s, first in zip(systems, rows, strict=False)])
    ends = [s.indptr[1:] + first for s, first in zip(systems, entries, strict=False)]
    pointers = np.concatenate([rows[:1], *ends])
    return sparse.csr_matrix((data, columns, pointers), shape=(rows[-1], rows[-1]))


def _descend(
    system: sparse.csr_matrix, fixed: FloatArray, start: FloatArray, steps: int
) -> FloatArray:
    """Return the (N,) missing pixels after some steps."""
    number = start.dtype.type
    previous, ahead = start, start
    for k in range(steps):
        current = system @ ahead
        current += fixed
        current *= number(-STEP)
        current += ahead
        ahead = current - previous
        ahead *= number(k / (k + 3))
        ahead += current
        previous = current
    return previous


def _system(planes: FloatArray, hole: BoolArray) -> tuple[sparse.csr_matrix, FloatArray]:
    """Return the stencil between missing pixels, (N, N), and what observed ones add, (N,)."""
    plane, row, column = np.nonzero(hole)
    number = np.full(hole.shape, -1, np.int32)
    number[plane, row, column] = np.arange(len(row), dtype=np.int32)
    # Mirrored borders: a mirrored image has a mirrored Laplacian, twice over too.
    rim = [(0, 0), (REACH, REACH), (REACH, REACH)]
    numbers, padded = (np.pad(x, rim, mode="symmetric") for x in (number, planes))
    _, height, width = padded.shape
    here = ((plane * height + row + REACH) * width + column + REACH).astype(np.int32)
    seen = here[:, None] + np.array([dy * width + dx for dy, dx in STENCIL], np.int32)
    weights = np.broadcast_to(np.array([*STENCIL.values()], planes.dtype), seen.shape)
    unknown = numbers.ravel()[seen]
    inside = unknown >= 0
    known = np.where(inside, 0, padded.ravel()[seen]) * weights
    ends = np.concatenate([[0], np.cumsum(np.count_nonzero(inside, axis=1))]).astype(np.int32)
    shape = (len(row), len(row))
    system = sparse.csr_matrix((weights[inside], unknown[inside], ends), shape=shape)
    return system, known.sum(1, dtype=planes.dtype)
