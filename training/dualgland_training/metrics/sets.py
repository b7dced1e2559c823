"""Figures of whole sets of pictures, seen through our own judge.

torchmetrics computes what it has (Inception score, FID, KID, MS-SSIM) with the judge in
the place of its ImageNet network; the k-nearest-neighbour manifold it has not.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torchmetrics.functional.image import multiscale_structural_similarity_index_measure
from torchmetrics.image.fid import FrechetInceptionDistance
from torchmetrics.image.inception import InceptionScore
from torchmetrics.image.kid import KernelInceptionDistance

from dualgland_training.perceptual.judge import Judge
from napari_dualgland.errors import DualglandError, Kind

CHUNK = 32

SHORTEST = 176
"""Side in pixels from which five scales hold the 11 pixels of MS-SSIM's window."""


class _Embedding(nn.Module):
    """What torchmetrics asks of a feature network, given by a judge."""

    def __init__(self, judge: Judge) -> None:
        super().__init__()
        self.judge = judge
        self.num_features = judge.dimensions

    def forward(self, x: Tensor) -> Tensor:
        return self.judge.embed(x)


@torch.no_grad()
def embed(judge: Judge, pictures: Tensor) -> Tensor:
    """Return the embeddings (N, D) of (N, 4, H, W) pictures.

    Parameters
    ----------
    judge : Judge
        The one that keeps score, never the one of the loss.
    pictures : torch.Tensor
        (N, 4, H, W), normalised.

    Returns
    -------
    torch.Tensor
        (N, D).
    """
    return torch.cat([judge.embed(part) for part in pictures.split(CHUNK)])


@torch.no_grad()
def inception_score(judge: Judge, pictures: Tensor) -> float:
    """Return exp of the mean divergence of p(class | picture) from p(class), one split.

    Parameters
    ----------
    judge : Judge
        The one that keeps score, never the one of the loss.
    pictures : torch.Tensor
        (N, 4, H, W), normalised.

    Returns
    -------
    float
        1 to the number of classes.
    """
    score = InceptionScore(feature=judge, splits=1)
    for part in pictures.split(CHUNK):
        score.update(part)
    return float(score.compute()[0])


@torch.no_grad()
def frechet_distance(judge: Judge, real: Tensor, filled: Tensor) -> float:
    """Return the Fréchet distance between the embeddings of two sets.

    Parameters
    ----------
    judge : Judge
        The one that keeps score, never the one of the loss.
    real, filled : torch.Tensor
        (N, 4, H, W), normalised; as many of each as there are.

    Returns
    -------
    float
        0 and more; biased upwards for few pictures.
    """
    distance = FrechetInceptionDistance(feature=_Embedding(judge))
    for pictures, is_real in ((real, True), (filled, False)):
        for part in pictures.split(CHUNK):
            distance.update(part, real=is_real)
    return float(distance.compute())


@torch.no_grad()
def kernel_distance(judge: Judge, real: Tensor, filled: Tensor, seed: int = 0) -> float:
    """Return the kernel distance (polynomial, mean of 50 subsets of up to 50), seeded.

    Parameters
    ----------
    judge : Judge
        The one that keeps score, never the one of the loss.
    real, filled : torch.Tensor
        (N, 4, H, W), normalised; as many of each as there are.
    seed : int
        Of the subsets.

    Returns
    -------
    float
        About 0 for sets that are alike. Below it where one set is the other, filled: a picture
        finds its like in the other set and never in its own; then only differences tell something.
    """
    size = min(50, len(real), len(filled))
    distance = KernelInceptionDistance(feature=_Embedding(judge), subsets=50, subset_size=size)
    for pictures, is_real in ((real, True), (filled, False)):
        for part in pictures.split(CHUNK):
            distance.update(part, real=is_real)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return float(distance.compute()[0])


def _inside(manifold: Tensor, points: Tensor, k: int) -> float:
    """Return the share of points within the k-th neighbour's distance of a manifold point."""
    apart = torch.cdist(manifold, manifold)
    # The nearest of all is the point itself.
    radius = apart.kthvalue(k + 1, dim=1).values
    within = torch.cdist(points, manifold) <= radius[None]
    return float(within.any(1).float().mean())


def manifold_precision_recall(real: Tensor, filled: Tensor, k: int = 3) -> tuple[float, float]:
    """Return generative precision and recall of embeddings (Kynkäänniemi et al. 2019).

    Parameters
    ----------
    real, filled : torch.Tensor
        (N, D) embeddings.
    k : int
        Neighbours.

    Returns
    -------
    precision : float
        Share of fills on the manifold of real pictures.
    recall : float
        The reverse.

    Raises
    ------
    DualglandError
        If a set has no more than k pictures.
    """
    if min(len(real), len(filled)) <= k:
        raise DualglandError(
            Kind.LACKING,
            f"a manifold of {k} neighbours",
            f"{min(len(real), len(filled))} pictures",
            expected=f"more than {k}",
            way_out="evaluate more cells",
        )
    return _inside(real, filled, k), _inside(filled, real, k)


def pair_similarity(
    pictures: Tensor, labels: Tensor, pairs: int = 1000, seed: int = 0
) -> tuple[float, int]:
    """Return the mean MS-SSIM of pairs of one class, and how many distinct pairs there were.

    Parameters
    ----------
    pictures : torch.Tensor
        (N, 4, H, W) with sides of 176 pixels or more, from 0 to 1.
    labels : torch.Tensor
        (N,), the class of each.
    pairs : int
        At most so many, drawn without repetition.
    seed : int
        Of the draw.

    Returns
    -------
    similarity : float
        At most 1; NaN where no two are of one class.
    pairs : int
        Distinct pairs that it is the mean of.

    Raises
    ------
    DualglandError
        If the pictures are too small for MS-SSIM.
    """
    if min(pictures.shape[2:]) < SHORTEST:
        raise DualglandError(
            Kind.MISMATCH,
            "pictures for MS-SSIM",
            f"sides of {tuple(pictures.shape[2:])}",
            expected=f"sides of {SHORTEST} pixels or more",
        )
    first, second = torch.triu_indices(len(labels), len(labels), 1)
    same = labels[first] == labels[second]
    first, second = first[same], second[same]
    chosen = np.random.default_rng(seed).permutation(len(first))[:pairs]
    found = [
        float(
            multiscale_structural_similarity_index_measure(
                pictures[first[part]], pictures[second[part]], data_range=1.0
            )
        )
        * len(part)
        for part in np.array_split(chosen, max(1, len(chosen) // CHUNK))
        if len(part)
    ]
    return (sum(found) / len(chosen) if len(chosen) else float("nan")), len(chosen)
