"""``dualgland impute``: one stack in, one corrected OME-TIFF out."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from napari_dualgland.cli.console import progress_bar
from napari_dualgland.errors import DualglandError

if TYPE_CHECKING:
    from pydantic import BaseModel
    from rich.console import Console

    from napari_dualgland.imputation.params import ImputeParams
    from napari_dualgland.results import Imputation
    from napari_dualgland.stack import Stack

Params = TypeVar("Params", bound="BaseModel")

OME_TIFF = (".ome.tif", ".ome.tiff")


def parse_channels(text: str | None) -> dict[str, int | str] | None:
    """Return ``microtubules=0,protein=GFP`` as a mapping from role to position or name.

    Raises
    ------
    DualglandError
        If the text is not of that form, or gives a role twice.
    """
    if text is None:
        return None
    mapping: dict[str, int | str] = {}
    for part in text.split(","):
        role, equals, key = (piece.strip() for piece in part.partition("="))
        if not (role and equals and key):
            raise DualglandError(
                f"--channels {text}: {part.strip()!r} is not role=position or role=name; "
                "write e.g. microtubules=0,protein=1,nucleus=2,er=3"
            )
        if role in mapping:
            raise DualglandError(f"--channels {text}: {role} is given twice")
        mapping[role] = int(key) if key.isdigit() else key
    return mapping


def make_params(**options: Any) -> ImputeParams:
    """Return the parameter object; an option out of range is told by its name.

    Raises
    ------
    DualglandError
        For a value that the parameter object refuses.
    """
    from napari_dualgland.imputation.params import ImputeParams

    return options_of(ImputeParams, options)


def options_of(kind: type[Params], options: Mapping[str, Any]) -> Params:
    """Return a parameter object; what it refuses is told by the name of the option.

    Raises
    ------
    DualglandError
        For a value that the parameter object refuses.
    """
    from pydantic import ValidationError

    try:
        return kind(**options)
    except ValidationError as error:
        first = error.errors()[0]
        option = str(first["loc"][0]).replace("_", "-")
        raise DualglandError(f"--{option} {first['input']}: {first['msg'].lower()}") from None


def run(
    source: Path,
    out: Path,
    missing: str,
    channels: str | None,
    params: ImputeParams,
) -> dict[str, Any]:
    """Impute a file and write the result.

    Parameters
    ----------
    source : pathlib.Path
        A stack, or the common prefix or folder of an HPA set.
    out : pathlib.Path
        The OME-TIFF to write.
    missing : str
        ``auto``, or the path of a mask.
    channels : str or None
        Roles by hand, as :func:`parse_channels` takes them.
    params : ImputeParams
        How to impute.

    Returns
    -------
    dict
        What was done, ready for JSON.

    Raises
    ------
    DualglandError
        For anything that the user can put right; then nothing has been written.
    """
    mask = None if missing == "auto" else Path(missing)
    check_out(out, source, mask)
    start = time.perf_counter()

    from napari_dualgland.io import read, read_mask, write
    from napari_dualgland.missing import find_missing, match_mask
    from napari_dualgland.model.device import choose_device
    from napari_dualgland.model.weights import card_for

    # Mistyped options are told before minutes are spent on the stack.
    choose_device(params.device)
    card_for("impute", params.model)
    stack = read(source, channels=parse_channels(channels))
    _check_members(out, stack)
    lost = find_missing(stack) if mask is None else match_mask(read_mask(mask), stack)
    if not stack.absent_roles and not bool(lost.any()):
        _copy(source, stack, out)
        return _nothing_to_do(stack, out, time.perf_counter() - start)
    result = fill(stack, lost, params)
    write(result, out)
    told = describe(result, out, time.perf_counter() - start)
    # What was odd about reading comes before what was odd about imputing.
    told["notes"] = list(dict.fromkeys([*stack.notes, *told["notes"]]))
    return told


def fill(stack: Stack, missing: Any, params: ImputeParams) -> Imputation:
    """Return the imputation, with a progress bar where there is a terminal."""
    from napari_dualgland.imputation.engine import impute

    with progress_bar("imputing") as step:
        return impute(stack, missing, params, progress=step)


def check_out(out: Path, source: Path, mask: Path | None) -> None:
    """Refuse an output that cannot be written or would replace what is read.

    Raises
    ------
    DualglandError
        With the way out.
    """
    if not out.name.lower().endswith(OME_TIFF):
        raise DualglandError(f"--out {out}: the name must end in {' or '.join(OME_TIFF)}")
    folder = out.absolute().parent
    if not folder.is_dir():
        raise DualglandError(f"--out {out}: there is no folder {folder}; make it first")
    if out.is_dir():
        raise DualglandError(f"--out {out}: this is a folder; give the name of a file in it")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise DualglandError(f"--out {out}: the folder cannot be written to; choose another")
    if not out.exists():
        return
    for read_from in filter(None, (source, mask)):
        if read_from.exists() and out.samefile(read_from):
            raise DualglandError(f"--out {out}: this is the input, which is never overwritten")


def _check_members(out: Path, stack: Stack) -> None:
    """Refuse to replace a file of the set that the stack was read from."""
    for member in map(Path, stack.files):
        if out.exists() and out.samefile(member):
            raise DualglandError(f"--out {out}: this is part of the input, never overwritten")


def _copy(source: Path, stack: Stack, out: Path) -> None:
    """Write an identical copy: the same bytes where the source is an OME-TIFF already."""
    from napari_dualgland.io import write
    from napari_dualgland.io.atomic import replacing

    if source.is_file() and source.name.lower().endswith(OME_TIFF):
        with replacing(out) as beside:
            shutil.copyfile(source, beside)
    else:
        write(stack, out)


def _nothing_to_do(stack: Stack, out: Path, seconds: float) -> dict[str, Any]:
    return {
        "output": str(out.absolute()),
        "nothing_to_do": True,
        **_stack_facts(stack),
        "missing_fraction": {channel.name: 0.0 for channel in stack.channels},
        "model": None,
        "model_sha256": None,
        "seed": None,
        "device": None,
        "precision": None,
        "seconds": round(seconds, 3),
        "notes": ["nothing to do: no pixel is missing; the output is an identical copy"],
    }


def describe(result: Imputation, out: Path, seconds: float) -> dict[str, Any]:
    """Return what is to be told of an imputation, ready for JSON."""
    how = result.provenance
    return {
        "output": str(out.absolute()),
        "nothing_to_do": False,
        **_stack_facts(result.stack),
        "missing_fraction": dict(how.missing_fraction),
        "model": how.model,
        "model_sha256": how.model_sha256,
        "seed": how.seed,
        "device": how.device,
        "precision": how.precision,
        "seconds": round(seconds, 3),
        "notes": list(how.notes),
    }


def _stack_facts(stack: Stack) -> dict[str, Any]:
    return {
        "shape": list(stack.shape),
        "axes": stack.axes,
        "dtype": str(stack.dtype),
        "channels": [{"name": c.name, "role": c.role} for c in stack.channels],
    }


def show(result: dict[str, Any], to: Console) -> None:
    """Show the result of :func:`run` to a person."""
    from rich.table import Table

    if result["nothing_to_do"]:
        to.print("nothing to do: no pixel is missing")
        to.print(f"an identical copy is in {result['output']}", soft_wrap=True)
        return
    table = Table("channel", "role", "imputed", box=None, pad_edge=False)
    for channel in result["channels"]:
        share = result["missing_fraction"].get(channel["name"], 0.0)
        table.add_row(channel["name"], channel["role"] or "–", f"{share:.2%}")
    to.print(table)
    to.print(f"model {result['model']} on {result['device']}, {result['seconds']:.1f} s")
    for note in result["notes"]:
        to.print(f"note: {note}", soft_wrap=True)
    to.print(f"written: {result['output']}", soft_wrap=True)
    to.print("Imputed pixels are a model's estimate; the file marks them.")
