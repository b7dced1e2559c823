"""The mean that every loss takes: per image first, then over the images of a batch.

No image counts for more because another has a larger hole, and the losses of two halves of
a batch, on two processes, average to that of the whole.
"""

from __future__ import annotations

from torch import Tensor


def weighted(values: Tensor, weights: Tensor) -> Tensor:
    """Return the weighted mean of values per image, then over images.

    Parameters
    ----------
    values, weights : torch.Tensor
        (B, …), of one shape.

    Returns
    -------
    torch.Tensor
        Scalar; an image without any weight counts 0.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    if values.shape != weights.shape:
        raise ValueError(
            f"values {tuple(values.shape)} and weights {tuple(weights.shape)} must be of one shape"
        )
    total = (values * weights).flatten(1).sum(1)
    return (total / weights.flatten(1).sum(1).clamp_min(1e-6)).mean()


def magnitude(x: Tensor) -> Tensor:
    """Return φ(x) = √(x² + 10⁻⁶): the absolute value, smooth at 0."""
    return (x.square() + 1e-6).sqrt()
