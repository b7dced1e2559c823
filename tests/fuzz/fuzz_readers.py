"""Every reader of files there is, and what is right to make of a damaged file.

Right is: what a damaged file is refused with is a :class:`DualglandError` with its data, and
what is read of it keeps the promises of what it became. Anything else is wrong.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import fuzz_seeds
import numpy as np
from fuzz_seeds import SHAPE, shipped, small_stack

from napari_dualgland.io import read, read_labels, read_mask, write
from napari_dualgland.stack import CANONICAL_AXES, Stack, to_canonical


class NotRight(AssertionError):
    """A damaged file was read as something that cannot be."""


@dataclass(frozen=True)
class Reader:
    """How one kind of file is made, and read.

    Attributes
    ----------
    seeds : callable
        Makes the sound files in a folder and returns them; a folder counts as one.
    read : callable
        Reads one of them; raises whatever it raises.
    """

    seeds: Callable[[Path], list[Path]]
    read: Callable[[Path], Any]


def sound(stack: Stack) -> Stack:
    """Return a stack after making sure that it can be what it says; read to the last pixel."""
    data = np.asarray(stack.data)
    size = stack.pixel_size
    sizes = [] if size is None else [size.y, size.x, *([] if size.z is None else [size.z])]
    for right, what in (
        (set(stack.axes) <= set(CANONICAL_AXES) and len(set(stack.axes)) == data.ndim, "axes"),
        (data.shape == stack.shape and data.size, "shape"),
        (data.dtype == stack.dtype and data.dtype.kind in "buif", "dtype"),
        (len(stack.channels) == dict(zip(stack.axes, data.shape, strict=True)).get("C", 1), "C"),
        (all(isinstance(c.name, str) and c.name for c in stack.channels), "names"),
        (all(1e-4 <= s <= 1e3 for s in sizes), "pixel size"),
        (stack.time_step is None or 0 < stack.time_step < math.inf, "time step"),
    ):
        if not right:
            raise NotRight(f"{what}: {stack.axes} {data.shape} {data.dtype} {sizes}")
    return stack


def _read_and_write(path: Path) -> None:
    """Read a stack; what is read can be written, and comes back bit for bit."""
    stack = sound(read(path, {"nucleus": 0}))
    beside = path.parent / "again.ome.tif"
    again = read(write(stack, beside), {"nucleus": 0})
    was, came = (np.asarray(to_canonical(one.data, one.axes)) for one in (stack, again))
    if was.dtype != came.dtype or not np.array_equal(came, was, equal_nan=was.dtype.kind == "f"):
        raise NotRight("what was written is not what was read")


def _read_given(reader: Callable[[Path], Any], fitted: str) -> Callable[[Path], None]:
    def call(path: Path) -> None:
        given = reader(path)
        values = np.asarray(getattr(given, fitted)(small_stack()))
        if values.shape not in ((4, *SHAPE), SHAPE) or values.dtype.kind not in "buif":
            raise NotRight(f"{values.dtype} of {values.shape}")

    return call


def _digests(tensors: dict[str, Any]) -> str:
    total = hashlib.sha256()
    for name in sorted(tensors):
        total.update(name.encode() + tensors[name].float().numpy().tobytes())
    return total.hexdigest()


@cache
def _shipped_digest() -> str:
    from safetensors.torch import load_file

    return _digests(load_file(shipped() / "generator.safetensors"))


def _read_model(home: Path) -> None:
    import torch

    from napari_dualgland.model.filler import load_filler

    filler: Any = load_filler(str(home / "generator.safetensors"), torch.device("cpu"))
    tensors = filler.network.state_dict()
    if not all(bool(torch.isfinite(t).all()) for t in tensors.values()):
        raise NotRight("weights that are not finite")
    if _digests(tensors) != _shipped_digest():
        raise NotRight("other weights than those of the card")


def _read_signed(home: Path) -> None:
    """Read weights whose card gives their hash, as an exported model of anybody's does."""
    import torch

    from napari_dualgland.model.filler import load_filler

    card = json.loads((shipped() / "generator.json").read_text())
    weights = home / "generator.safetensors"
    card["sha256"] = hashlib.sha256(weights.read_bytes()).hexdigest()
    (home / "generator.json").write_text(json.dumps(card))
    filler: Any = load_filler(str(weights), torch.device("cpu"))
    if not all(bool(torch.isfinite(t).all()) for t in filler.network.state_dict().values()):
        raise NotRight("weights that are not finite")


def _read_set_points(path: Path) -> None:
    from napari_dualgland.model.set_points import read_set_points

    table = read_set_points.__wrapped__(path)  # every damaged file has the same path
    for place in table.locations:
        values = table.locations[place]
        if not (np.isfinite(values.theta).all() and np.isfinite(values.tau).all()):
            raise NotRight(f"{place}: not finite")


def _read_job(path: Path) -> None:
    from napari_dualgland.jobs import load_job

    job = load_job(path)
    json.dumps(job.portable(), allow_nan=False)


def _read_recipe(path: Path) -> None:
    from dualgland_training.runs import read_run

    odd = [value for value in _numbers(read_run(path).model_dump()) if not math.isfinite(value)]
    if odd:
        raise NotRight(f"a recipe with {odd[0]}")


def _numbers(told: Any) -> Iterator[float]:
    if isinstance(told, dict | list | tuple):
        for item in told.values() if isinstance(told, dict) else told:
            yield from _numbers(item)
    elif isinstance(told, int | float):
        yield float(told)


def _read_checkpoint(run: Path) -> None:
    import torch

    from dualgland_training.trainer.checkpoint import averaged_weights

    torch.manual_seed(0)
    truth = torch.nn.Linear(3, 5).state_dict()
    tensors = averaged_weights(run)
    if {*tensors} != {*truth} or any(not torch.equal(tensors[k], truth[k]) for k in truth):
        raise NotRight("a checkpoint with other bytes was taken")


def _read_table(path: Path) -> None:
    from napari_dualgland.io.atlas.table import read_table

    read_table(path)


def _read_gene(path: Path) -> None:
    from napari_dualgland.io.atlas.gene_xml import read_fields

    list(read_fields(path, "24"))


def _check_download(path: Path) -> None:
    from napari_dualgland.io.atlas.file_checks import check_jpeg, check_tiff

    (check_jpeg if path.suffix == ".jpg" else check_tiff)(path)


READERS = {
    "OME-TIFF": Reader(fuzz_seeds.ome_tiffs, _read_and_write),
    "TIFF": Reader(fuzz_seeds.plain_tiffs, _read_and_write),
    "HPA set": Reader(fuzz_seeds.hpa_sets, _read_and_write),
    "OME-Zarr": Reader(fuzz_seeds.ome_zarrs, _read_and_write),
    "mask": Reader(fuzz_seeds.masks, _read_given(read_mask, "fitted")),
    "labels": Reader(fuzz_seeds.labels, _read_given(read_labels, "labels")),
    "model": Reader(fuzz_seeds.models, _read_model),
    "model, hash renewed": Reader(fuzz_seeds.models, _read_signed),
    "set points": Reader(fuzz_seeds.set_points, _read_set_points),
    "job": Reader(fuzz_seeds.jobs, _read_job),
    "recipe": Reader(fuzz_seeds.recipes, _read_recipe),
    "checkpoint": Reader(fuzz_seeds.checkpoints, _read_checkpoint),
    "atlas table": Reader(fuzz_seeds.atlas_tables, _read_table),
    "atlas gene page": Reader(fuzz_seeds.gene_pages, _read_gene),
    "atlas download": Reader(fuzz_seeds.downloads, _check_download),
}
