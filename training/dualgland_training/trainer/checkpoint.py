"""Checkpoints that survive being killed at any moment, without pickle.

All tensors (weights, their moving average, the optimiser's moments) lie in one
safetensors file; step, configuration and a hash of it all travel in its header. Files are
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
from safetensors.torch import save
from torch import Tensor, nn

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.io.atomic import replacing
from napari_dualgland.model.tensors import TensorFile, read_tensor_file

KEPT = 2

HASH = "sha256"
"""Where in the header that of all the rest stands."""

CHECKPOINT = re.compile(r"step-(\d{7,})\.safetensors")


def write_tensors(path: Path, tensors: Mapping[str, Tensor], header: dict[str, str]) -> None:
    """Write a safetensors file.

    Parameters
    ----------
    path : pathlib.Path
        Of the file, as :func:`~napari_dualgland.io.atomic.replacing` gave it.
    tensors : mapping of str to torch.Tensor
        On any device.
    header : dict
        What else the file says.
    """
    # Copies: a network that is part of another shares its tensors, and a file holds none twice.
    copies = {
        k: v.detach().cpu().clone(memory_format=torch.contiguous_format) for k, v in tensors.items()
    }
    # Not save_file(): what it writes nobody but its owner may read, and a lab shares a model.
    path.write_bytes(save(copies, header))


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
        The moving average of the weights.
    objective : mapping of str to torch.Tensor
        What the objective keeps beside its networks.
    state : dict
        What else is needed to go on exactly, as JSON: configuration, random state, what
        was measured.

    Returns
    -------
    pathlib.Path
        Of the checkpoint.
    """
    tensors = {f"average.{k}": v for k, v in average.state_dict().items()}
    tensors |= {f"objective.{k}": v for k, v in objective.items()}
    for name, network in networks.items():
        tensors |= {f"network.{name}.{k}": v for k, v in network.state_dict().items()}
    for name, optimiser in optimisers.items():
        for number, moments in optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{name}.{number}.{k}": v for k, v in moments.items()}
    path = folder / f"step-{step:07d}.safetensors"
    header = {"step": str(step), "state": json.dumps(state)}
    with replacing(path) as whole:
        write_tensors(whole, tensors, header | {HASH: _digest(tensors, header)})
    for old in find_checkpoints(folder)[KEPT:]:
        old.unlink()
    return path


def _digest(tensors: Mapping[str, Tensor], header: Mapping[str, str]) -> str:
    """Return the hash of all that a checkpoint says."""
    digest = hashlib.sha256(json.dumps([header["step"], header["state"]]).encode())
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _read(path: Path) -> TensorFile:
    """Return what a checkpoint holds.

    Raises
    ------
    DualglandError
        If a byte of it is not what was written.
    """
    found = read_tensor_file(path, "checkpoint")
    if not {"step", "state"} <= set(found.header):
        raise DualglandError(Kind.WRONG_CONTENT, path, "is no checkpoint of a run")
    if HASH not in found.header:
        raise DualglandError(
            Kind.UNSUPPORTED,
            path,
            "the checkpoint has no hash, as those of older versions",
            way_out="give its model as start: of a new run",
        )
    if _digest(found.tensors, found.header) != found.header[HASH]:
        raise DualglandError(Kind.DAMAGED, path, "its bytes are not those of its hash")
    return found


def _under(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Return the tensors whose name begins with a prefix, by the rest of their name."""
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def load_checkpoint(
    path: Path,
    networks: Mapping[str, nn.Module],
    average: nn.Module,
    optimisers: Mapping[str, torch.optim.Optimizer],
) -> tuple[int, dict[str, Tensor], dict[str, Any]]:
    """Put a checkpoint back in place.

    Parameters
    ----------
    path : pathlib.Path
        Of the checkpoint.
    networks, optimisers : mapping
        By name; they are changed.
    average : torch.nn.Module
        The moving average; it is changed.

    Returns
    -------
    step : int
        Steps that were done.
    objective : dict of str to torch.Tensor
        What the objective kept.
    state : dict
        As :func:`save_checkpoint` was given it.

    Raises
    ------
    DualglandError
        If the checkpoint is of other networks than the recipe's.
    """
    tensors, header = _read(path)
    try:
        average.load_state_dict(_under(tensors, "average."))
        for name, network in networks.items():
            network.load_state_dict(_under(tensors, f"network.{name}."))
    except RuntimeError as error:
        raise DualglandError(
            Kind.MISMATCH,
            path,
            "the checkpoint is of other networks than the recipe's "
            f"({str(error).splitlines()[-1].strip()})",
            way_out="resume with the recipe it was started with, or start anew in another folder",
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


def _fault(path: Path) -> DualglandError | None:
    """Return why a checkpoint is not gone on from; None where all its bytes are as written."""
    try:
        _read(path)
    except DualglandError as error:
        if error.kind == Kind.TOO_LARGE:  # it may well be whole
            raise
        return error
    return None


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
    faults = {}
    for path in found:
        fault = _fault(path)
        if fault is None:
            return path
        faults[path.name] = fault
    if faults:
        older = all(fault.kind == Kind.UNSUPPORTED for fault in faults.values())
        raise DualglandError(
            Kind.UNSUPPORTED if older else Kind.DAMAGED,
            folder,
            "no checkpoint of this run can be gone on from "
            f"({'; '.join(f'{name}: {fault.found}' for name, fault in faults.items())})",
            way_out="start anew in another folder, by start: from its model",
        )
    return None


def averaged_weights(folder: Path) -> dict[str, Tensor]:
    """Return the moving average in the newest checkpoint of a run, by name.

    Raises
    ------
    DualglandError
        If there is none.
    """
    newest = latest_checkpoint(folder)
    if newest is None:
        raise DualglandError(Kind.NOT_THERE, folder, "holds no checkpoint of a run")
    return _under(_read(newest).tensors, "average.")


def set_aside(folder: Path, newest: Path) -> list[Path]:
    """Rename checkpoints that are damaged: left in place they would count among the two kept.

    Parameters
    ----------
    folder : pathlib.Path
        Of the run.
    newest : pathlib.Path
        The newest that is whole; those after it are not.

    Returns
    -------
    list of pathlib.Path
        The former paths of the damaged ones.
    """
    found = find_checkpoints(folder)
    damaged = found[: found.index(newest)]
    for path in damaged:
        os.replace(path, path.with_suffix(".damaged"))
    return damaged
