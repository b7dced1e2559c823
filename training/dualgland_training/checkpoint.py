"""Checkpoints that survive being killed at any moment, without pickle.

All tensors (weights, their moving average, the optimiser's moments) lie in one
safetensors file; step, configuration and random state travel in its header. Files are
written beside and renamed, and the last two are kept.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from dualgland_training.config import TrainConfig
from dualgland_training.data import Split
from napari_dualgland.errors import DualglandError
from napari_dualgland.model.generator import count_parameters
from napari_dualgland.model.weights import ModelCard

KEPT = 2

CHECKPOINT = re.compile(r"step-(\d{7,})\.safetensors")

USE = {
    "where": "every missing pixel",
    "how far": "per channel, from 0 (the prior alone) to 1 (the network alone), as far as "
    "rehearsing on the image at hand bears the network out",
}
"""Where a generator is used and where the prior stands alone; goes into its card."""


def _beside(path: Path) -> Path:
    """Return where a file is written before it gets its name."""
    return path.with_name(f".{path.name}.part")


def _flush(path: Path) -> None:
    """Make the system put a file, or the names in a folder, on the disk now."""
    # Windows opens no folder, and needs no such flush for a name.
    if path.is_dir() and os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDWR if path.is_file() else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_part(path: Path, tensors: dict[str, Tensor], header: dict[str, str]) -> Path:
    """Write a safetensors file beside ``path``, on the disk; return where."""
    beside = _beside(path)
    # Copies: a network that is part of another shares its tensors, and a file holds none twice.
    copies = {
        k: v.detach().cpu().clone(memory_format=torch.contiguous_format) for k, v in tensors.items()
    }
    # Not save_file(): what it writes nobody but its owner may read, and a lab shares a model.
    beside.write_bytes(save(copies, header))
    _flush(beside)
    return beside


def write_beside(path: Path, tensors: dict[str, Tensor], header: dict[str, str]) -> None:
    """Write a safetensors file so that ``path`` is either the old one or the whole new one."""
    os.replace(_write_part(path, tensors, header), path)
    _flush(path.parent)


def clear_unfinished(folder: Path) -> None:
    """Remove what a killed run had begun to write: it never got its name."""
    for leftover in (*folder.glob(".*.part"), *folder.glob("pictures/*.part")):
        leftover.unlink()


def save_checkpoint(
    folder: Path,
    step: int,
    networks: Mapping[str, nn.Module],
    average: nn.Module,
    optimisers: Mapping[str, torch.optim.Optimizer],
    objective: Mapping[str, Tensor],
    state: dict[str, Any],
) -> Path:
    """Write ``step-<n>.safetensors`` and drop all but the last two.

    Parameters
    ----------
    folder : pathlib.Path
        Of the run.
    step : int
        Steps that are done.
    networks, optimisers : mapping
        By name.
    average : torch.nn.Module
        The moving average of the generator.
    objective : mapping of str to torch.Tensor
        What the objective keeps beside its networks.
    state : dict
        What else is needed to go on exactly, as JSON: configuration, random state, what
        was measured.
    """
    tensors = {f"average.{k}": v for k, v in average.state_dict().items()}
    tensors |= {f"objective.{k}": v for k, v in objective.items()}
    for name, network in networks.items():
        tensors |= {f"network.{name}.{k}": v for k, v in network.state_dict().items()}
    for name, optimiser in optimisers.items():
        for number, moments in optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{name}.{number}.{k}": v for k, v in moments.items()}
    path = folder / f"step-{step:07d}.safetensors"
    write_beside(path, tensors, {"step": str(step), "state": json.dumps(state)})
    for old in find_checkpoints(folder)[KEPT:]:
        old.unlink()
    return path


def _under(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Return the tensors whose name begins with a prefix, by the rest of their name."""
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def load_checkpoint(
    path: Path,
    networks: Mapping[str, nn.Module],
    average: nn.Module,
    optimisers: Mapping[str, torch.optim.Optimizer],
) -> tuple[int, dict[str, Tensor], dict[str, Any]]:
    """Put a checkpoint back in place; return its step, the objective's tensors and state.

    Raises
    ------
    DualglandError
        If the checkpoint is of other networks than the recipe's.
    """
    with safe_open(path, "pt") as file:
        header = file.metadata()
        # A safetensors handle is no mapping.
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    try:
        average.load_state_dict(_under(tensors, "average."))
        for name, network in networks.items():
            network.load_state_dict(_under(tensors, f"network.{name}."))
    except RuntimeError as error:
        raise DualglandError(
            f"{path}: the checkpoint is of other networks than the recipe's "
            f"({str(error).splitlines()[-1].strip()}); resume with the recipe it was started "
            "with, or start anew in another folder"
        ) from None
    for name, optimiser in optimisers.items():
        moments: dict[int, dict[str, Tensor]] = {}
        for key, value in _under(tensors, f"optimiser.{name}.").items():
            number, what = key.split(".", 1)
            moments.setdefault(int(number), {})[what] = value
        optimiser.load_state_dict(
            {"state": moments, "param_groups": optimiser.state_dict()["param_groups"]}
        )
    return int(header["step"]), _under(tensors, "objective."), json.loads(header["state"])


def find_checkpoints(folder: Path) -> list[Path]:
    """Return the checkpoints of a run, the newest first, be they whole or damaged."""
    found = {p: CHECKPOINT.fullmatch(p.name) for p in folder.glob("step-*.safetensors")}
    steps = {path: int(match[1]) for path, match in found.items() if match}
    return sorted(steps, key=lambda path: steps[path], reverse=True)


def is_whole(path: Path) -> bool:
    """Return whether a checkpoint has all the bytes that its header speaks of."""
    try:
        with safe_open(path, "pt") as file:
            return {"step", "state"} <= set(file.metadata() or {})
    except SafetensorError:
        return False


def latest_checkpoint(folder: Path) -> Path | None:
    """Return the newest whole checkpoint of a run, None if it has none at all.

    A disk that was full or a machine that lost power may leave a damaged one; that is why
    two are kept.

    Raises
    ------
    DualglandError
        If there are checkpoints and none is whole.
    """
    found = find_checkpoints(folder)
    whole = next(filter(is_whole, found), None)
    if found and whole is None:
        raise DualglandError(
            f"{folder}: no checkpoint of this run can be read ({', '.join(p.name for p in found)} "
            "are damaged); start anew in another folder"
        )
    return whole


def set_aside(folder: Path, newest: Path) -> list[Path]:
    """Rename checkpoints after ``newest``, which are damaged; return their former paths.

    Left in place they would count among the two that are kept.
    """
    found = find_checkpoints(folder)
    damaged = found[: found.index(newest)]
    for path in damaged:
        os.replace(path, path.with_suffix(".damaged"))
    return damaged


def _data(config: TrainConfig) -> tuple[str, ...]:
    """Return what a model was trained on, with attribution."""
    told = []
    if config.data.root is not None:
        told.append(
            "Human Protein Atlas (proteinatlas.org), fields of view, single cells and "
            "single channels; images under Creative Commons Attribution-ShareAlike (CC BY-SA)."
        )
    if config.data.images:
        told.append(f"Images {', '.join(config.data.images)}. {config.data.credit}".strip())
    return tuple(told)


def _held_out(config: TrainConfig, split: Split) -> tuple[str, ...]:
    """Return the images and groups that were never trained on and never chosen by."""
    named = (*config.data.held_out_fields, *config.data.held_out_groups)
    return (*named, *(source.name for source in split.test if source.kind == "images"))


def export_model(
    folder: Path,
    model: nn.Module,
    config: TrainConfig,
    split: Split,
    architecture: dict[str, Any],
    step: int,
    figures: dict[str, Any],
) -> Path:
    """Write the model as fp16 weights and a card that the plugin's pickers take at once."""
    weights = folder / f"{config.name}.safetensors"
    halves = {k: v.half() for k, v in model.state_dict().items()}
    part = _write_part(weights, halves, {"format": "pt"})
    card = ModelCard(
        name=config.name,
        summary="Residual U-Net on the secretory prior; fills missing pixels and states "
        "the standard deviation of its error.",
        architecture=architecture,
        parameters=count_parameters(model),
        data=_data(config),
        held_out=_held_out(config, split),
        recipe=config.model_dump(mode="json", exclude={"threads", "device"}),
        seed=config.seed,
        steps=step,
        figures=figures,
        use=USE,
        licence="BSD-3-Clause for the weights; the images they were trained on are not contained"
        + (" (the Human Protein Atlas's: CC BY-SA)." if config.data.root else "."),
        sha256=hashlib.sha256(part.read_bytes()).hexdigest(),
    )
    path = weights.with_suffix(".json")
    beside = _beside(path)
    beside.write_text(card.model_dump_json(indent=2) + "\n", encoding="utf-8")
    _flush(beside)
    # Both are whole now; the names follow each other at once, for a card that does not match
    # its weights is refused.
    os.replace(part, weights)
    os.replace(beside, path)
    _flush(folder)
    return weights
