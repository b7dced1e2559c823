"""Batches: crops of a few sources, shaken, and damaged on the fly.

The crops of one source share their gains, so that couplings between channels can be
measured over all of them, as the plugin measures them over a whole field. Source i of step
s is drawn from the seed (run, s, i) and from nothing before it: a resumed run, several
processes and drawing ahead all meet the same batches.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from dualgland_training.config import AugmentOptions, DamageOptions, TrainConfig
from dualgland_training.damage import draw_damage
from dualgland_training.data import Source
from napari_dualgland.errors import DualglandError

Rng = np.random.Generator
Mask = npt.NDArray[np.bool_]


class Batch(NamedTuple):
    """Intact crops and what they lost.

    Attributes
    ----------
    target : torch.Tensor
        (B, 4, H, W), normalised.
    missing : torch.Tensor
        (B, 4, H, W), boolean. A channel that the image does not have is missing all over.
    group : torch.Tensor
        (B,), the number of the source that a crop was cut from; from 0 in every batch.
    seed : torch.Tensor
        (B,), int64: a seed for each crop, the same in any number of processes.
    known : torch.Tensor
        (B, 4), boolean: whether there is a truth for the channel at all.
    """

    target: Tensor
    missing: Tensor
    group: Tensor
    seed: Tensor
    known: Tensor

    @property
    def scored(self) -> Tensor:
        """Missing pixels whose truth is known, (B, 4, H, W): what losses may look at."""
        return self.missing & self.known[:, :, None, None]

    def to(self, device: torch.device) -> Batch:
        """Return this batch on another device."""
        return Batch(*(part.to(device, non_blocking=True) for part in self))


def draw_noise(batch: Batch, channels: int, salt: int = 0) -> Tensor:
    """Draw (B, channels, H, W) standard normal noise, each crop from its own seed.

    ``salt`` tells several draws for the same batch apart. The noise is drawn on the CPU, so
    that it is the same on every device and in any number of processes.
    """
    shape = (channels, *batch.target.shape[2:])
    planes = [
        torch.randn(shape, generator=torch.Generator().manual_seed((int(seed) + salt) % 2**63))
        for seed in batch.seed.tolist()
    ]
    return torch.stack(planes).to(batch.target)


def draw_crop(image: npt.NDArray[Any], size: int, rng: Rng, tries: int = 4) -> npt.NDArray[Any]:
    """Cut a (C, size, size) crop that holds some signal, mirrored where the image ends."""
    short = [max(0, size - s) for s in image.shape[1:]]
    if any(short):
        image = np.pad(image, [(0, 0), (0, short[0]), (0, short[1])], mode="symmetric")
    for _ in range(tries):
        y, x = (rng.integers(0, s - size + 1) for s in image.shape[1:])
        crop = image[:, y : y + size, x : x + size]
        if crop[:, ::4, ::4].astype(np.float32).mean() > 0.05:
            break
    return crop


def draw_channels(
    rng: Rng, options: DamageOptions, family: str, known: Mask
) -> tuple[int, ...] | None:
    """Draw which channels are hurt, a known one among them; None for all of them."""
    if family == "channel":
        return (int(rng.choice(np.flatnonzero(known))),)
    if rng.random() < options.all_channels:
        return None
    count = rng.choice([1, 2, 3], p=[0.75, 0.15, 0.1])
    # The antibody is what is most often lost alone, and what matters most.
    weights = np.array([0.2, 0.4, 0.2, 0.2])
    hurt = tuple(int(c) for c in rng.choice(4, count, replace=False, p=weights))
    return hurt if known[list(hurt)].any() else (int(rng.choice(np.flatnonzero(known))),)


def shake(crops: npt.NDArray[np.float32], rng: Rng, options: AugmentOptions) -> npt.NDArray[Any]:
    """Change gain and gamma per channel, alike for all (B, C, H, W) crops."""
    gain = np.exp(rng.normal(0, options.gain, (1, 4, 1, 1))).astype(np.float32)
    gamma = np.exp(rng.normal(0, options.gamma, (1, 4, 1, 1))).astype(np.float32)
    return gain * np.sign(crops) * np.abs(crops) ** gamma


class Batches:
    """Draws the batch of any step from training sources.

    Parameters
    ----------
    sources : sequence of Source
    config : TrainConfig
    rank, world : int
        This process and their number; it draws its slice of the joined batch.

    Raises
    ------
    DualglandError
        If the sources of a batch cannot be shared among the processes.
    """

    def __init__(
        self, sources: tuple[Source, ...], config: TrainConfig, rank: int = 0, world: int = 1
    ) -> None:
        if config.sources % world:
            raise DualglandError(
                f"a batch of {config.sources} sources cannot be shared among {world} processes; "
                f"set sources: to a multiple of {world}"
            )
        self.config = config
        share = config.sources // world
        self.items = range(rank * share, (rank + 1) * share)
        shares = config.data.shares
        self.by_kind: dict[str, list[Source]] = {
            k: [s for s in sources if s.kind == k and any(s.known)] for k in shares
        }
        self.kinds = [k for k in shares if self.by_kind[k] and shares[k] > 0]
        if not self.kinds:
            raise DualglandError(
                "nothing to draw from: data: shares: is 0 for every kind of image that there is"
            )
        weights = np.array([shares[k] for k in self.kinds])
        self.weights = weights / weights.sum()

    def _image(self, rng: Rng) -> tuple[npt.NDArray[np.float16], Mask]:
        """Return an image of a source and which of its channels are known."""
        pool = self.by_kind[str(rng.choice(self.kinds, p=self.weights))]
        source = pool[rng.integers(len(pool))]
        return source.images[rng.integers(len(source.images))], np.array(source.known)

    def _crops(self, rng: Rng) -> tuple[npt.NDArray[np.float32], Mask]:
        """Return the shaken crops of one source, (crops_per_source, 4, crop, crop).

        With them, which of the four channels are known.
        """
        config = self.config
        image, known = self._image(rng)
        zoom = rng.uniform(*config.augment.zoom) if rng.random() < 0.5 else 1.0
        side = round(config.crop / zoom)
        crops = np.stack([draw_crop(image, side, rng) for _ in range(config.crops_per_source)])
        if rng.random() < config.augment.decouple:
            stranger, has = self._image(rng)
            channel = rng.integers(4)
            if has[channel]:
                known[channel] = True
                for crop in crops:
                    crop[channel] = draw_crop(stranger, side, rng)[channel]
        if rng.random() < config.augment.permute:
            order = rng.permutation(4)
            crops, known = crops[:, order], known[order]
        crops = crops.astype(np.float32)
        if side != config.crop:
            crops = F.interpolate(
                torch.from_numpy(crops),
                (config.crop, config.crop),
                mode="bilinear",
                antialias=True,
                align_corners=False,
            ).numpy()
        crops = shake(crops, rng, config.augment)
        if rng.random() < 0.3:
            sigma = rng.uniform(0, config.augment.noise)
            crops = crops + rng.normal(0, sigma, crops.shape).astype(np.float32)
        turned = [np.rot90(crop, int(rng.integers(4)), (1, 2)) for crop in crops]
        turned = [t[:, :, ::-1] if rng.random() < 0.5 else t for t in turned]
        return np.ascontiguousarray(np.stack(turned), dtype=np.float32), known

    def _item(self, step: int, item: int) -> tuple[npt.NDArray[Any], ...]:
        """Return crops, what they lost, their seeds and known channels, of one source."""
        config = self.config
        rng = np.random.default_rng([config.seed, step, item])
        targets, known = self._crops(rng)
        names = list(config.damage.families)
        weights = np.array([config.damage.families[n] for n in names])
        missing = np.zeros(targets.shape, bool)
        for target, hole in zip(targets, missing, strict=True):
            family = str(rng.choice(names, p=weights / weights.sum()))
            channels = draw_channels(rng, config.damage, family, known)
            scale = rng.uniform(*config.damage.scale)
            hole[:] = draw_damage(target, family, rng, channels, scale)
        targets[:, ~known] = 0
        missing[:, ~known] = True
        seeds = rng.integers(2**62, size=len(targets))
        return targets, missing, seeds, np.tile(known, (len(targets), 1))

    def draw(self, step: int) -> Batch:
        """Return this process's slice of the batch of a step."""
        drawn = [self._item(step, item) for item in self.items]
        targets, missing, seeds, known = (
            torch.from_numpy(np.concatenate(parts)) for parts in zip(*drawn, strict=True)
        )
        group = torch.arange(len(self.items)).repeat_interleave(self.config.crops_per_source)
        return Batch(targets, missing, group, seeds, known)
