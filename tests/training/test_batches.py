"""Batches: what is drawn once and used several times is what it would be if drawn anew."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

import numpy as np
import pytest
import torch
from small_runs import RECIPE, assert_spawned_workers_draw_the_same

from dualgland_training.data.source import Source
from dualgland_training.data.split import read_split
from dualgland_training.generator.batch import Drawn, lay_out, turned
from dualgland_training.generator.batches import Batches
from dualgland_training.generator.objective import GeneratorObjective
from dualgland_training.generator.recipe import TrainConfig
from dualgland_training.losses.salivary import distance_to_observed
from dualgland_training.trainer.prefetch import draw_ahead


@pytest.fixture(scope="module")
def sources() -> tuple[Source, ...]:
    return read_split(TrainConfig.model_validate(RECIPE), lambda _: None).train


def batches_of(images: tuple[Source, ...], **options: object) -> Batches:
    return Batches(images, TrainConfig.model_validate(RECIPE | options))


@pytest.mark.parametrize("reuse", [1, 3, 4])
def test_everything_is_used_as_often_as_was_asked_and_far_apart(
    sources: tuple[Source, ...], reuse: int
) -> None:
    batches = batches_of(sources, reuse=reuse)
    used: dict[int, list[int]] = defaultdict(list)
    for step in range(400):
        number, last = batches.number(step)
        used[number].append(step)
        assert last == (len(used[number]) == reuse) or step < 80
    settled = [steps for steps in used.values() if steps[0] >= 80 and steps[-1] < 300]
    assert settled
    for steps in settled:
        assert len(steps) == reuse
        assert all(later - earlier > 3 * reuse for earlier, later in pairwise(steps))
    needed = list(batches.needed(range(400)))
    assert len(needed) == len(set(needed))
    assert set(needed) == set(used)


def test_what_was_laid_out_commutes_with_turning_and_exposure(
    sources: tuple[Source, ...],
) -> None:
    batches = batches_of(sources, crop=64, crops_per_source=3)
    for number in range(4):
        rng = np.random.default_rng(number)
        drawn = lay_out(Drawn(*(part[:3] for part in batches.draw_one(number))), each=3)
        gain = torch.from_numpy(np.exp(rng.normal(0, 0.3, (1, 4)))).float().expand(3, 4)
        seen = turned(drawn, rng.integers(1, 4, 3), rng.random(3) < 0.5, gain)
        assert not torch.equal(seen.target, drawn.target)
        assert seen.missing.sum() == drawn.missing.sum()
        depth = distance_to_observed(seen.missing)
        anew = lay_out(Drawn(seen.target, seen.missing, seen.seed, seen.known, depth), each=3)
        for name in ("prior", "smooth", "detail", "distance"):
            torch.testing.assert_close(
                getattr(seen, name), getattr(anew, name), rtol=1e-3, atol=1e-3, msg=name
            )
        # Thresholds fall into bins, and a ridge penalty is the same for all channels.
        assert float((seen.compartments - anew.compartments).abs().mean()) < 5e-3
        assert float((seen.guided - anew.guided).abs().mean()) < 2e-3


def test_a_batch_is_a_function_of_its_step(sources: tuple[Source, ...]) -> None:
    batches = batches_of(sources)
    cpu = torch.device("cpu")
    *_, last = draw_ahead(batches, range(28, 33), 0, cpu)
    assert all(torch.equal(a, b) for a, b in zip(last, batches.draw(32), strict=True))
    assert not torch.equal(last.target, batches.draw(31).target)


def test_workers_draw_wherever_they_are_started() -> None:
    config = TrainConfig.model_validate(RECIPE)
    made = GeneratorObjective(config, torch.device("cpu"), "fp32", lambda _: None)
    assert_spawned_workers_draw_the_same(made)


def test_the_same_crop_comes_up_turned_differently(sources: tuple[Source, ...]) -> None:
    batches = batches_of(sources, sources=1)
    uses: dict[int, list[torch.Tensor]] = defaultdict(list)
    steps = range(40, 72)
    for step, batch in zip(steps, draw_ahead(batches, steps, 0, torch.device("cpu")), strict=True):
        uses[batches.number(step)[0]].append(batch.target)
    several = [pictures for pictures in uses.values() if len(pictures) > 1]
    assert several
    for first, second, *_ in several:
        assert not torch.equal(first, second)
        # A channel is exposed alike in all crops, and nothing else of its values changes.
        one, other = (p.flatten(2).sort(2).values for p in (first, second))
        gain = (one * other).sum((0, 2)) / one.square().sum((0, 2)).clamp_min(1e-9)
        torch.testing.assert_close(other, gain[:, None] * one, rtol=1e-3, atol=1e-3)
