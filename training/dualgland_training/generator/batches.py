"""Batches: crops of a few sources, damaged, with what is known of their missing pixels.

What is known (priors, couplings, depth of the holes, compartments) costs as much as a pass
of the network and depends on crops and damage alone. So what was drawn is *reused*: each draw
comes up ``reuse`` times, many steps apart, and each time turned, mirrored and exposed anew;
all of these commute with what was laid out. A batch is a function of seed and step alone: a
resumed run, several processes and drawing ahead all meet the same batches.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import torch

from dualgland_training.data.crops import Image, Rng, draw_channels, draw_crops
from dualgland_training.data.damage import draw_damage
from dualgland_training.data.source import Source
from dualgland_training.generator.batch import Batch, Drawn, lay_out, turned
from dualgland_training.generator.recipe import TrainConfig
from dualgland_training.losses.salivary import distance_to_observed
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.typing import AnyArray

SPAN = 4
"""Between two uses of a draw lie so many others, each used in turn: with the default reuse 17
steps, longer than the optimiser's momentum lasts."""

CPU = torch.device("cpu")

USE = 0x757365
"""Tells the seed of how something is turned from that of how it was drawn."""


class Batches:
    """Draws the batch of any step from training sources.

    Parameters
    ----------
    sources : sequence of Source
        For training.
    config : TrainConfig
        The resolved recipe.
    rank, world : int
        This process and their number; it draws its slice of the joined batch.
    device : torch.device
        Where what is known of the holes is laid out and kept.

    Attributes
    ----------
    places : range
        Of the joined batch, those of this process.

    Raises
    ------
    DualglandError
        If the sources of a batch cannot be shared among the processes.
    """

    def __init__(
        self,
        sources: tuple[Source, ...],
        config: TrainConfig,
        rank: int = 0,
        world: int = 1,
        device: torch.device = CPU,
    ) -> None:
        if config.sources % world:
            raise DualglandError(
                Kind.BAD_VALUE,
                "sources",
                f"a batch of {config.sources} cannot be shared among {world} processes",
                expected=f"a multiple of {world}",
            )
        self.config, self.device = config, device
        share = config.sources // world
        self.places = range(rank * share, (rank + 1) * share)
        shares = config.data.shares
        self.by_kind: dict[str, list[Source]] = {
            k: [s for s in sources if s.kind == k and any(s.known)] for k in shares
        }
        self.kinds = [k for k in shares if self.by_kind[k] and shares[k] > 0]
        if not self.kinds:
            raise DualglandError(
                Kind.BAD_VALUE, "data.shares", "0 for every kind of image that there is"
            )
        weights = np.array([shares[k] for k in self.kinds])
        self.weights = weights / weights.sum()

    def _image(self, rng: Rng) -> Image:
        pool = self.by_kind[str(rng.choice(self.kinds, p=self.weights))]
        source = pool[rng.integers(len(pool))]
        return source.images[rng.integers(len(source.images))], np.array(source.known)

    def number(self, step: int) -> tuple[int, bool]:
        """Return which draw a step uses, and whether it is the last use of it."""
        number, use = divmod(step, self.config.reuse)
        left = self.config.reuse - 1 - use
        return number + left * SPAN, left == 0

    def needed(self, steps: Iterable[int]) -> Iterator[int]:
        """Yield the draws that some steps in a row need, each once, in the order of need."""
        held: set[int] = set()
        for number, last in map(self.number, steps):
            if number not in held:
                held.add(number)
                yield number
            if last:
                held.remove(number)

    def _source(self, number: int, place: int) -> tuple[AnyArray, ...]:
        """Return crops, what they lost, their seeds and known channels, of one source."""
        config = self.config
        rng = np.random.default_rng([config.seed, number, place])
        crops, side = config.crops_per_source, config.crop
        target, known = draw_crops(self._image, rng, crops, side, config.augment)
        names = list(config.damage.families)
        weights = np.array([config.damage.families[n] for n in names])
        missing = np.zeros(target.shape, bool)
        for crop, hole in zip(target, missing, strict=True):
            family = str(rng.choice(names, p=weights / weights.sum()))
            channels = draw_channels(rng, config.damage, family, known)
            scale = rng.uniform(*config.damage.scale)
            hole[:] = draw_damage(crop, family, rng, channels, scale)
        target[:, ~known] = 0
        missing[:, ~known] = True
        seeds = rng.integers(2**62, size=len(target))
        return target, missing, seeds, np.tile(known, (len(target), 1))

    def draw_one(self, number: int) -> Drawn:
        """Draw crops of this process's sources and damage them."""
        drawn = [self._source(number, place) for place in self.places]
        parts = [torch.from_numpy(np.concatenate(part)) for part in zip(*drawn, strict=True)]
        target, missing, seed, known = parts
        return Drawn(target, missing, seed, known, distance_to_observed(missing))

    def _laid_out(self, drawn: Drawn) -> Batch:
        there = Drawn(*(part.to(self.device, non_blocking=True) for part in drawn))
        return lay_out(there, self.config.crops_per_source)

    def _used(self, drawn: Batch, step: int) -> Batch:
        """Return a draw as a step sees it: crops turned, and each source exposed by itself."""
        config = self.config
        each, gains, ways = config.crops_per_source, [], []
        for place in self.places:
            rng = np.random.default_rng([config.seed, step, place, USE])
            gains.append(np.exp(rng.normal(0, config.augment.gain, 4)))
            ways += [(int(rng.integers(4)), bool(rng.integers(2))) for _ in range(each)]
        quarters, mirrored = np.array(ways).T
        gain = torch.from_numpy(np.repeat(gains, each, 0)).float()
        seen = turned(drawn, quarters, mirrored.astype(bool), gain)
        return seen._replace(seed=seen.seed ^ step)

    def joined(self, steps: range, drawn: Iterator[Drawn]) -> Iterator[Batch]:
        """Yield the batch of every step.

        Parameters
        ----------
        steps : range
            In a row.
        drawn : iterator of Drawn
            What is drawn in the order of :meth:`needed`.

        Yields
        ------
        Batch
            Of each step.
        """
        bank: dict[int, Batch] = {}
        for step in steps:
            number, last = self.number(step)
            if number not in bank:
                bank[number] = self._laid_out(next(drawn))
            yield self._used(bank[number], step)
            if last:
                del bank[number]

    def draw(self, step: int) -> Batch:
        """Return this process's slice of the batch of a step."""
        number, _ = self.number(step)
        return self._used(self._laid_out(self.draw_one(number)), step)
