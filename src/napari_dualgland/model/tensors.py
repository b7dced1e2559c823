"""Tensors of a safetensors file, looked at before anything is computed with them.

A file is not believed: its size is compared with the memory there is, its bytes with the hash
that is known of them, its tensors with the network that they are meant for, and every number
must be one. A single NaN among millions of weights makes all of what is said NaN.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.files import decoding, regular
from napari_dualgland.memory import require

if TYPE_CHECKING:
    from torch import Tensor, nn

SHOWN = 12
"""Digits of a hash that a person is shown."""


USE_ANOTHER = "the model cannot be used on this image; choose another one"


class TensorFile(NamedTuple):
    """What a safetensors file holds: its tensors, and what its header says beside them."""

    tensors: dict[str, Tensor]
    header: dict[str, str]


def read_tensor_file(
    path: Path, what: str = "weights file", sha256: str | None = None
) -> TensorFile:
    """Read a safetensors file.

    Parameters
    ----------
    path : pathlib.Path
        Of the file.
    what : str
        What it is, for messages.
    sha256 : str, optional
        Of the whole file, where it is known.

    Returns
    -------
    TensorFile
        In the dtypes of the file, on the CPU; all finite.

    Raises
    ------
    DualglandError
        If there is no such file, it is larger than the memory, its bytes are not those of the
        hash, it is no safetensors file, or a number in it is not finite.
    """
    size = regular(path, what).stat().st_size
    require(2 * size, path)  # as it is read, and its tensors
    with decoding(path, what):
        raw = path.read_bytes()
    if sha256 is not None and (digest := hashlib.sha256(raw).hexdigest()) != sha256:
        raise DualglandError(
            Kind.DAMAGED,
            path,
            f"the weights do not match their card (sha256 {digest[:SHOWN]}…); the file is damaged "
            "or was exchanged",
            expected=f"sha256 {sha256[:SHOWN]}…",
        )
    # Here and not above: it imports torch, which nobody needs for reading a card.
    from safetensors import safe_open
    from safetensors.torch import load

    with decoding(path, what):
        tensors = dict(load(raw))
        with safe_open(path, "pt") as file:
            header = dict(file.metadata() or {})
    refuse_not_finite(tensors, path)
    return TensorFile(tensors, header)


def refuse_not_finite(
    tensors: Mapping[str, Tensor], place: str | os.PathLike[str], way_out: str = ""
) -> None:
    """Refuse tensors of which a number is NaN or infinite, or would be in float32.

    Parameters
    ----------
    tensors : mapping of str to torch.Tensor
        By name.
    place : str or os.PathLike
        Where they are from.
    way_out : str
        What to do.

    Raises
    ------
    DualglandError
        Of kind ``not-finite``, with the name of the first.
    """
    for name, tensor in tensors.items():
        odd = int((~tensor.float().isfinite()).sum())
        if odd:
            raise DualglandError(
                Kind.NOT_FINITE,
                place,
                f"{odd} of {tensor.numel()} values are not finite",
                part=name,
                way_out=way_out,
            )


def refuse_other_shapes(tensors: Mapping[str, Tensor], network: nn.Module, path: Path) -> None:
    """Refuse tensors that are not just those of a network.

    Parameters
    ----------
    tensors : mapping of str to torch.Tensor
        By name.
    network : torch.nn.Module
        May be without memory of its own, on the device ``meta``.
    path : pathlib.Path
        Of the weights.

    Raises
    ------
    DualglandError
        Of kind ``mismatch``, with the name of the first.
    """
    wanted = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    there = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    for name in sorted({*wanted, *there}):
        if wanted.get(name) != there.get(name):
            raise DualglandError(
                Kind.MISMATCH,
                path,
                f"the weights are of another network: {_said(there.get(name))}",
                part=name,
                expected=_said(wanted.get(name)),
            )


def _said(shape: tuple[int, ...] | None) -> str:
    return "no such tensor" if shape is None else f"shape {shape}"
