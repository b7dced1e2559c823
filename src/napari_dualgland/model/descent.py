"""Descent on the squared Laplacian of missing pixels, from observed ones that stay as they are.

On a processor the missing pixels alone are solved for, as a sparse system of the 13 pixels
that a step looks at, so that work grows with what is missing. Where most is missing, and on
other devices, whole images are shifted and added instead.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from napari_dualgland.typing import BoolArray, Float32Array

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


def laplacian(image: Tensor, out: Tensor | None = None) -> Tensor:
    """Return the 5-point Laplacian of (…, H, W) with mirrored borders (self-adjoint).

    With ``out`` nothing is allocated; on a CPU that is most of the time.
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


def relax(image: Tensor, missing: Tensor, steps: int) -> Tensor:
    """Take Nesterov steps on |Δy|² over the missing pixels; observed ones stay as they are.

    Parameters
    ----------
    image : torch.Tensor
        (B, C, H, W), floating point: where the descent starts.
    missing : torch.Tensor
        (B, C, H, W), boolean.
    steps : int
        How many.

    Returns
    -------
    torch.Tensor
        (B, C, H, W), a new one. By either way the same, up to rounding.
    """
    small = min(image.shape[-2:]) < REACH
    if image.device.type != "cpu" or small or float(missing.float().mean()) > CROWDED:
        return _relax_images(image, missing, steps)
    out = image.clone()
    planes = out.flatten(0, 1).numpy()
    for plane, hole in zip(planes, missing.flatten(0, 1).numpy(), strict=True):
        if hole.any():
            plane[hole] = _relax_pixels(plane, hole, steps)
    return out


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


def _relax_pixels(plane: Float32Array, hole: BoolArray, steps: int) -> Float32Array:
    """Return the (N,) missing pixels of a (H, W) plane after some steps."""
    system, fixed = _system(plane, hole)
    step = plane.dtype.type(STEP)
    current: Float32Array = plane[hole]
    previous, ahead = current, current
    for k in range(steps):
        current = system @ ahead
        current += fixed
        current *= -step
        current += ahead
        ahead = (current - previous) * plane.dtype.type(k / (k + 3))
        ahead += current
        previous = current
    return current


def _system(plane: Float32Array, hole: BoolArray) -> tuple[sparse.csr_matrix, Float32Array]:
    """Return the stencil between missing pixels, (N, N), and what observed ones add, (N,)."""
    count = int(np.count_nonzero(hole))
    number = np.full(hole.shape, -1, np.int32)
    number[hole] = np.arange(count, dtype=np.int32)
    # Mirrored borders: a mirrored image has a mirrored Laplacian, twice over too.
    number = np.pad(number, REACH, mode="symmetric")
    padded = np.pad(plane, REACH, mode="symmetric")
    wide = padded.shape[1]
    rows, columns = np.nonzero(hole)
    here = ((rows + REACH) * wide + columns + REACH).astype(np.int32)
    offsets = np.array([dy * wide + dx for dy, dx in STENCIL], np.int32)
    seen = here[:, None] + offsets
    weights = np.broadcast_to(np.array([*STENCIL.values()], plane.dtype), seen.shape)
    unknown = number.ravel()[seen]
    inside = unknown >= 0
    known = np.where(inside, 0, padded.ravel()[seen]) * weights
    ends = np.concatenate([[0], np.cumsum(np.count_nonzero(inside, axis=1))]).astype(np.int32)
    system = sparse.csr_matrix((weights[inside], unknown[inside], ends), shape=(count, count))
    return system, known.sum(1, dtype=plane.dtype)
