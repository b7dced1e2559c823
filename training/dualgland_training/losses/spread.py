"""How far plausible pictures should lie from each other: as far as from the truth.

After the regularisation of rcGAN (Bendel, Ahmad and Schniter 2023), which takes the
absolute error of an average of samples and rewards their spread, with a weight that has to
be tuned. Ours needs no tuning: with two samples a and b of a truth x,

    ½ (|a − x| + |b − x|) − ½ |a − b|

is the fair estimate of the continuous ranked probability score (Gneiting and Raftery 2007;
Ferro 2014). It is smallest when samples are distributed as the truth is, neither bolder nor
more timid. Taken over means of s × s pixels for several s it holds for coarse structure
too, and so for how far the deviations reach.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from dualgland_training.losses.means import weighted
from dualgland_training.losses.shapes import check_alike

SCALES = (1, 2, 4, 8)


def spread_loss(first: Tensor, second: Tensor, target: Tensor, missing: Tensor) -> Tensor:
    """Return the multi-scale ranked probability score of two samples.

    Parameters
    ----------
    first, second, target : torch.Tensor
        (B, C, H, W), normalised; outside the hole all alike.
    missing : torch.Tensor
        (B, C, H, W), boolean.

    Returns
    -------
    torch.Tensor
        Scalar: mean over scales, images, and missing pixels of an image. May be negative
        by chance; at best it is half of what two samples differ by on average.

    Raises
    ------
    ValueError
        If the shapes are others.
    """
    check_alike("B C H W", first=first, second=second, target=target, missing=missing)
    hole = missing.to(first.dtype)
    terms = []
    for side in SCALES:
        a, b, x, share = (F.avg_pool2d(t * hole, side) for t in (first, second, target, hole))
        # Back to means over the missing pixels; a mean of n has 1/√n of the spread, and
        # without the factor the finest scale would drown the others.
        score = ((a - x).abs() + (b - x).abs() - (a - b).abs()) / 2
        terms.append(side * weighted(score / share.clamp_min(1e-6), share) / len(SCALES))
    return torch.stack(terms).sum()
