"""How far the generator is ahead of its prior, family by family, on images kept apart.

The same crops with the same holes at every look, set by set: cells and fields kept for
validation, by which a model is chosen, and whatever else the recipe wants watched.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from dualgland_training.data.crops import draw_crop
from dualgland_training.data.damage import draw_damage
from dualgland_training.data.source import Source, Split
from dualgland_training.generator.recipe import TrainConfig
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
    """Draw the same crops for every case, and damage each.

    Parameters
    ----------
    sources : tuple of Source
        Images with all four channels.
    count, size : int
        Crops, and their side in pixels.
    seed : int
        Of all draws.

    Returns
    -------
    dict
        Case → target and missing, (B, 4, H, W) each.
    """
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
    """Return the PSNR inside the hole of each hurt channel, of range 1.

    Parameters
    ----------
    fill, target : torch.Tensor
        (B, 4, H, W), normalised.
    missing : torch.Tensor
        (B, 4, H, W), boolean.

    Returns
    -------
    torch.Tensor
        Flat, dB.
    """
    hurt = missing.flatten(2).any(2)
    return -10 * torch.log10(squared_error(fill, target, missing)[hurt] + FLOOR)


@torch.no_grad()
def estimate(
    model: Generator, target: Tensor, missing: Tensor, chunk: int = 12
) -> tuple[Evidence, Estimate]:
    """Run the generator over many crops, a chunk at a time, in full precision.

    Parameters
    ----------
    model : Generator
        In evaluation mode.
    target : torch.Tensor
        (B, 4, H, W), normalised.
    missing : torch.Tensor
        (B, 4, H, W), boolean.
    chunk : int
        Crops at a time.

    Returns
    -------
    evidence : Evidence
        What is known of the missing pixels.
    said : Estimate
        What the generator says.
    """
    parts = [
        gather_evidence(image, hole)
        for image, hole in zip(target.split(chunk), missing.split(chunk), strict=True)
    ]
    evidence = Evidence(*(torch.cat(part) for part in zip(*parts, strict=True)))
    return evidence, run_generator(model, evidence, chunk)


@torch.no_grad()
def run_generator(model: Generator, evidence: Evidence, chunk: int = 12) -> Estimate:
    """Run the generator on what is known already, a chunk at a time, in full precision.

    Parameters
    ----------
    model : Generator
        In evaluation mode.
    evidence : Evidence
        Of B crops.
    chunk : int
        Crops at a time.

    Returns
    -------
    Estimate
        Of all crops.
    """
    pieces = zip(*(part.split(chunk) for part in evidence), strict=True)
    said = [model(Evidence(*piece)) for piece in pieces]
    return Estimate(
        torch.cat([part.mean for part in said]),
        torch.cat([part.log_sigma for part in said]),
        torch.cat([part.features for part in said]),
    )


class Watched(NamedTuple):
    """Crops with their holes, and what is known of these: ``target`` is (B, 4, H, W)."""

    target: Tensor
    evidence: Evidence


Figures = dict[str, dict[str, Any]]
"""By case, then by name: ``prior``, ``guided``, ``generator`` (mean PSNR), ``z`` (root mean
square of error over stated standard deviation: 1 if honest), ``salivary`` (the loss by which
convergence is defined), and ``reference`` where there is a model to compare with."""


def watched_sources(split: Split, config: TrainConfig) -> dict[str, tuple[Source, ...]]:
    """Return what is looked at while training; images with all four channels.

    Fields of which one channel each is known are laid four to a stack: no images of anything,
    and not looked at.

    Parameters
    ----------
    split : Split
        All images.
    config : TrainConfig
        Says which parts are watched.

    Returns
    -------
    dict
        Sources by part and kind.
    """
    sets: dict[str, list[Source]] = {}
    for part in config.data.watched:
        for source in getattr(split, part):
            if all(source.known) and source.kind != "singles":
                sets.setdefault(f"{part}, {source.kind}", []).append(source)
    return {name: tuple(sources) for name, sources in sets.items()}


class Validation:
    """Fixed crops of some sets of images, damaged in every way, and what is known of them.

    Parameters
    ----------
    sets : dict
        Name → sources, from :func:`watched_sources`.
    count, size : int
        Crops of each set, and their side in pixels.
    device : torch.device
        Where the model is that will be looked at.
    """

    def __init__(
        self, sets: dict[str, tuple[Source, ...]], count: int, size: int, device: torch.device
    ) -> None:
        self.sets: dict[str, dict[str, Watched]] = {}
        self.reference: dict[str, dict[str, float]] = {}
        for name, sources in sets.items():
            drawn = {
                case: tuple(part.to(device) for part in pair)
                for case, pair in draw_validation(sources, count, size, seed=1).items()
            }
            self.sets[name] = {
                case: Watched(target, gather_evidence(target, missing))
                for case, (target, missing) in drawn.items()
            }

    def refer(self, model: Generator) -> None:
        """Look at a model once, to have its figures beside those of every later one."""
        self.reference = {
            name: {case: row["generator"] for case, row in figures.items()}
            for name, figures in self.look(model).items()
        }

    def look(self, model: Generator) -> dict[str, Figures]:
        """Return the figures of a model, set by set."""
        model.eval()
        table = {}
        for name, cases in self.sets.items():
            table[name] = {case: self._row(model, seen) for case, seen in cases.items()}
            for case, psnr in self.reference.get(name, {}).items():
                table[name][case]["reference"] = psnr
        model.train()
        return table

    @torch.no_grad()
    def _row(self, model: Generator, seen: Watched) -> dict[str, float]:
        target, evidence = seen.target, seen.evidence
        missing, said = evidence.missing, run_generator(model, evidence)
        error = ((said.mean - target) / said.log_sigma.exp())[missing]
        fill = torch.where(missing, said.mean, target)
        return {
            "prior": float(decibels(evidence.prior, target, missing).mean()),
            "guided": float(decibels(evidence.guided, target, missing).mean()),
            "generator": float(decibels(said.mean, target, missing).mean()),
            "z": float(error.square().mean().sqrt()),
            "salivary": float(salivary_loss(fill, target, missing)),
        }


def pooled(table: dict[str, Figures]) -> Figures:
    """Return by case the mean over the sets by which a model is chosen: those of validation.

    What else is watched is told and never chosen by.
    """
    chosen = [figures for name, figures in table.items() if name.startswith("validation")]
    if not chosen:
        return {}
    return {
        case: {key: float(np.mean([f[case][key] for f in chosen])) for key in row}
        for case, row in chosen[0].items()
    }
