"""Out of memory: the message names a batch that fits, and that batch does fit."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from small_runs import RECIPE, read_events
from torch import nn

from dualgland_training.generator.recipe import TrainConfig
from dualgland_training.runs import start_run
from dualgland_training.trainer.loop import Training
from dualgland_training.trainer.memory import largest_that_fits, say_what_fits
from napari_dualgland.errors import DualglandError
from napari_dualgland.memory import is_out_of_memory

CPU = torch.device("cpu")


def room_for(crops: int) -> object:
    """Return a hook that has no memory for more crops, as an allocator would say it."""

    def refuse(_module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        if len(inputs[0]) > crops:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.")

    return refuse


def training(folder: Path, **options: object) -> Training:
    few = {"steps": 1, "validation_crops": 0, "checkpoint_every": 1}
    return start_run(TrainConfig.model_validate(RECIPE | few | options), folder)


@pytest.mark.parametrize(
    ("room", "said", "changed"),
    [
        (3, "2 would fit: set sources: 1 in the recipe", {"sources": 1}),
        (
            1,
            "1 would fit: set sources: 1 and crops_per_source: 1 in the recipe",
            {"sources": 1, "crops_per_source": 1},
        ),
    ],
)
def test_the_batch_that_is_named_fits(
    tmp_path: Path, room: int, said: str, changed: dict[str, int]
) -> None:
    run = training(tmp_path / "large")
    before = {k: v.clone() for k, v in run.objective.generator.state_dict().items()}
    run.objective.generator.stem.register_forward_pre_hook(room_for(room))
    with pytest.raises(DualglandError, match="out of memory on cpu with 4 crops of 32²") as error:
        run.run()
    assert said in str(error.value)
    after = run.objective.generator.state_dict()
    assert all(torch.equal(after[k], v) for k, v in before.items()), "the trials changed weights"
    assert said in read_events(tmp_path / "large")[-1]["failed"]

    smaller = training(tmp_path / "small", **changed)
    smaller.objective.generator.stem.register_forward_pre_hook(room_for(room))
    assert smaller.run().is_file()


def test_where_nothing_fits_the_crop_is_named(tmp_path: Path) -> None:
    run = training(tmp_path)
    run.objective.generator.stem.register_forward_pre_hook(room_for(0))
    with pytest.raises(DualglandError, match="not even one fits: set crop: lower"):
        run.run()


@pytest.mark.parametrize("room", [0, 2, 7])
def test_the_largest_that_fits_is_found(room: int) -> None:
    def attempt(count: int) -> None:
        if count > room:
            raise RuntimeError("[enforce fail] DefaultCPUAllocator: not enough memory")

    assert largest_that_fits(attempt, 8, CPU) == room


def test_other_errors_are_not_taken_for_a_lack_of_memory() -> None:
    def broken(_count: int) -> None:
        raise RuntimeError("shapes do not match")

    assert not is_out_of_memory(RuntimeError("shapes do not match"))
    with pytest.raises(RuntimeError, match="shapes"):
        largest_that_fits(broken, 4, CPU)


def test_several_processes_are_told_what_to_set_for_all_of_them() -> None:
    def attempt(crops: int) -> None:
        if crops > 4:
            raise MemoryError

    said = say_what_fits(attempt, sources=4, each=2, side=128, processes=3, device=CPU)
    assert "8 crops of 128² in each process; 4 would fit: set sources: 6" in said
