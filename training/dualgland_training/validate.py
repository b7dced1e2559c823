"""How far the generator is ahead of its prior, family by family, on images kept apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from dualgland_training.batches import draw_crop
from dualgland_training.damage import draw_damage
from dualgland_training.data import Source
from dualgland_training.losses import salivary_loss
from dualgland_training.losses.reconstruction import squared_error
from napari_dualgland.model.evidence import Evidence, gather_evidence
from napari_dualgland.model.generator import Estimate, Generator

FLOOR = 1e-4
"""Mean squared error below which PSNR is no longer told apart (40 dB)."""

CASES: dict[str, tuple[str, tuple[int, ...] | None]] = {
    "box, all channels": ("box", None),
    "thin, all channels": ("thin", None),
    "thick, all channels": ("thick", None),
    "random, all channels": ("random", None),
    "saturated, all channels": ("saturated", None),
    "box, protein only": ("box", (1,)),
    "thin, protein only": ("thin", (1,)),
    "thick, protein only": ("thick", (1,)),
    "random, protein only": ("random", (1,)),
    "box, microtubules only": ("box", (0,)),
    "box, nucleus only": ("box", (2,)),
    "box, er only": ("box", (3,)),
    "channel, protein": ("channel", (1,)),
}
"""Families of damage as they are reported: the family and the channels that are hurt."""


def draw_validation(
    sources: tuple[Source, ...], count: int, size: int, seed: int
) -> dict[str, tuple[Tensor, Tensor]]:
    """Draw the same crops for every case and damage each: case → (target, missing)."""
    rng = np.random.default_rng(seed)
    crops = []
    for number in range(count):
        images = sources[number * len(sources) // count].images
        crops.append(draw_crop(images[number % len(images)], size, rng))
    target = np.stack(crops).astype(np.float32)
    drawn = {}
    for case, (family, channels) in CASES.items():
        missing = np.stack([draw_damage(t, family, rng, channels, 0.8) for t in target])
        drawn[case] = (torch.from_numpy(target), torch.from_numpy(missing))
    return drawn


def decibels(fill: Tensor, target: Tensor, missing: Tensor) -> Tensor:
    """Return the PSNR inside the hole of each hurt channel, range 1, as a flat tensor."""
    hurt = missing.flatten(2).any(2)
    return -10 * torch.log10(squared_error(fill, target, missing)[hurt] + FLOOR)


@torch.no_grad()
def estimate(
    model: Generator, target: Tensor, missing: Tensor, chunk: int = 12
) -> tuple[Evidence, Estimate]:
    """Run the generator over many crops, a chunk at a time, in full precision."""
    evidences, estimates = [], []
    for image, hole in zip(target.split(chunk), missing.split(chunk), strict=True):
        evidence = gather_evidence(image, hole)
        evidences.append(evidence)
        estimates.append(model(evidence))
    return (
        Evidence(*(torch.cat(parts) for parts in zip(*evidences, strict=True))),
        Estimate(
            torch.cat([part.mean for part in estimates]),
            torch.cat([part.log_sigma for part in estimates]),
            torch.cat([part.features for part in estimates]),
        ),
    )


def compare(model: Generator, drawn: dict[str, tuple[Tensor, Tensor]]) -> dict[str, Any]:
    """Return mean PSNR of prior, guided prior and generator per case, and calibration.

    ``z`` is the root mean square of error over stated standard deviation: 1 if honest;
    ``salivary`` the salivary loss, by which convergence is defined.
    """
    model.eval()
    table: dict[str, Any] = {}
    for case, (target, missing) in drawn.items():
        evidence, said = estimate(model, target, missing)
        error = ((said.mean - target) / said.log_sigma.exp())[missing]
        table[case] = {
            "prior": float(decibels(evidence.prior, target, missing).mean()),
            "guided": float(decibels(evidence.guided, target, missing).mean()),
            "generator": float(decibels(said.mean, target, missing).mean()),
            "z": float(error.square().mean().sqrt()),
            "salivary": float(
                salivary_loss(torch.where(missing, said.mean, target), target, missing)
            ),
        }
    model.train()
    return table
