"""Two processes that share a batch take the step of one process with all of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from small_runs import LONGEST, RECIPE, environment, read_events, run, write_recipe

from dualgland_training.data.split import read_split
from dualgland_training.generator.batches import Batches
from dualgland_training.generator.objective import GeneratorObjective
from dualgland_training.generator.recipe import TrainConfig
from dualgland_training.trainer.prefetch import draw_ahead
from napari_dualgland.errors import DualglandError, Kind

STEPS = 3
SHORT = {
    "steps": STEPS,
    "log_every": 1,
    "checkpoint_every": STEPS,
    "validation_crops": 0,
    "precision": "fp32",
    # Not every seed will do. All gradients of the first step with the game agree to 1e-5; that of
    # one bias of the discriminator is zero but for rounding, AdamW moves it by its sign, and for
    # some pictures the discriminator's next gradient, a small difference itself, then parts.
    "seed": 3,
    "losses": {"reconstruction_share": 0.25, "ramp_share": 0.25, "penalty_every": 1},
}
"""Few steps, two of them with the whole game, and no rounding but that of sums."""

WATCHED_ONLY = {"measured", "drawn"}
"""Logits that are told and not minimised: means over all patches, not image by image."""


PARTING = """
from pathlib import Path
import torch
from dualgland_training.trainer import distributed

def threads():
    return {(task / "comm").read_text().strip() for task in Path("/proc/self/task").iterdir()}

distributed.join(torch.device("cpu"))
weight = torch.nn.Parameter(torch.zeros(3))
optimiser = torch.optim.AdamW([weight])
weight.grad = torch.ones(3)
distributed.average_gradients([weight])
optimiser.step()
assert "pt_gloo_runloop" in threads(), threads()
distributed.leave()
assert "pt_gloo_runloop" not in threads(), threads()
"""
"""Any thread of the group that is left may abort the process when Python ends before it."""


def torchrun(*words: object) -> subprocess.CompletedProcess[str]:
    """Run a script in two processes to their end."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    return subprocess.run(
        [*command, "--nproc-per-node", "2", *map(str, words)],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=False,
    )


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return the run of one process, and that of two with half of the batch each."""
    folder = tmp_path_factory.mktemp("distributed")
    recipe, alone, shared = write_recipe(folder, **SHORT), folder / "one", folder / "two"
    run(recipe, alone)
    done = torchrun("-m", "napari_dualgland", "train", recipe, "--out", shared)
    assert done.returncode == 0, done.stderr
    # The first process alone speaks, and speaks once.
    assert done.stdout.count("use it: dualgland impute") == 1
    return alone, shared


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads are looked up in /proc")
def test_processes_that_part_leave_no_thread_of_the_group(tmp_path: Path) -> None:
    script = tmp_path / "parting.py"
    script.write_text(PARTING)
    done = torchrun(script)
    assert done.returncode == 0, done.stderr


def test_two_processes_tell_the_losses_of_one(folders: tuple[Path, Path]) -> None:
    alone, shared = (
        {event["step"]: event["losses"] for event in read_events(folder) if "losses" in event}
        for folder in folders
    )
    assert set(alone) == set(shared) == set(range(1, STEPS + 1))
    for step, networks in alone.items():
        for network, terms in networks.items():
            # Before anything rounds differently, the losses are those of one to the last digits.
            near = {"rel": 1e-5, "abs": 1e-6} if step == 1 else {"rel": 1e-3, "abs": 1e-3}
            for term in set(terms) - WATCHED_ONLY:
                told = f"step {step}, {network}: {term}"
                assert shared[step][network][term] == pytest.approx(terms[term], **near), told
    assert "adversarial" in alone[STEPS]["texture"]
    assert "penalty" in alone[STEPS]["discriminator"]
    (started,) = (e["started"] for e in read_events(folders[1]) if "started" in e)
    assert started["processes"] == 2


def test_two_processes_end_with_the_weights_of_one(folders: tuple[Path, Path]) -> None:
    alone, shared = (load_file(f / f"step-{STEPS:07d}.safetensors") for f in folders)
    assert alone.keys() == shared.keys()
    config = TrainConfig.model_validate(RECIPE | SHORT)
    torch.manual_seed(config.seed)
    before = GeneratorObjective(config, torch.device("cpu"), "fp32", lambda _: None).networks
    for player, network in before.items():
        parts = {f"network.{player}.{name}": value for name, value in network.state_dict().items()}
        one, two = (
            torch.cat([(run[name] - value).flatten() for name, value in parts.items()])
            for run in (alone, shared)
        )
        assert float(one.norm()) > 1e-3, f"{player} did not move"
        # Where a gradient is zero but for rounding, AdamW makes a step of its sign.
        assert float((one - two).norm()) < 0.05 * float(one.norm()), player
    for player in before:
        # Moments are linear in the gradients, and rounding stays what it is.
        names = [n for n in alone if n.startswith(f"optimiser.{player}.") and n.endswith("exp_avg")]
        one, two = (torch.cat([run[name].flatten() for name in names]) for run in (alone, shared))
        assert float((one - two).norm()) < 0.01 * float(one.norm()), player


def test_half_a_batch_alone_would_be_seen(folders: tuple[Path, Path]) -> None:
    """The comparison above can fail: half of the batch has another loss."""
    recipe = TrainConfig.model_validate(RECIPE | SHORT)
    sources = read_split(recipe, lambda _: None).train
    whole = Batches(sources, recipe).draw(0)
    halves = [Batches(sources, recipe, rank, 2).draw(0) for rank in (0, 1)]
    for name in ("target", "missing", "seed", "known"):
        joined = torch.cat([getattr(half, name) for half in halves])
        assert torch.equal(joined, getattr(whole, name)), name
    assert not torch.equal(halves[0].target, halves[1].target)


def test_batches_drawn_ahead_are_those_drawn_in_place() -> None:
    recipe = TrainConfig.model_validate(RECIPE)
    batches = Batches(read_split(recipe, lambda _: None).train, recipe)
    cpu = torch.device("cpu")
    ahead, here = (list(draw_ahead(batches, range(3, 6), n, cpu)) for n in (2, 0))
    assert len(ahead) == len(here) == 3
    for one, other in zip(ahead, here, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_a_batch_that_cannot_be_shared_is_refused() -> None:
    recipe = TrainConfig.model_validate(RECIPE)
    sources = read_split(recipe, lambda _: None).train
    with pytest.raises(DualglandError, match="a multiple of 3") as error:
        Batches(sources, recipe, 0, 3)
    assert (error.value.kind, error.value.place) == (Kind.BAD_VALUE, "sources")
