"""Starting from the weights of earlier models, where their tensors still fit.

A network that was widened at its input is worth starting from the narrower one: the new
inputs begin with weight 0, so that the first step sees what the earlier model saw. Its last
layer may have learned to say less. Of several models that are built alike, the average starts.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.model.weights import read_card, read_tensors

LAST_LAYERS = ("head.",)


def widened(earlier: Tensor, shape: torch.Size, *, outputs: bool = False) -> Tensor | None:
    """Return a weight or bias with more channels, None if that is not what it takes.

    Parameters
    ----------
    earlier : torch.Tensor
        (out, in, …) or (out,).
    shape : torch.Size
        The same but for at least as many input channels; the leading ones are copied, the
        rest are 0.
    outputs : bool
        There may be more output channels too, which begin at 0: right for a last layer, whose
        outputs mean nothing until they are learned.

    Returns
    -------
    torch.Tensor or None
        Of ``shape``.
    """
    channels = 2 if len(shape) > 1 else 1
    if len(shape) != earlier.ndim or earlier.shape[channels:] != shape[channels:]:
        return None
    if any(was > now for was, now in zip(earlier.shape, shape, strict=True)):
        return None
    if earlier.shape[0] != shape[0] and not outputs:
        return None
    wide = earlier.new_zeros(shape)
    wide[tuple(slice(side) for side in earlier.shape)] = earlier
    return wide


def averaged(shares: Mapping[Path, float]) -> dict[str, Tensor]:
    """Return the weighted mean of the weights of models that are built alike.

    Models that were trained on from one model, each a little way and each in its own way, lie in
    one basin of the loss, and their mean is mostly better than each of them
    (Wortsman et al. 2022, https://arxiv.org/abs/2203.05482).

    Parameters
    ----------
    shares : mapping of pathlib.Path to float
        Weights or card of each model, and what it counts; sums to 1 or is made to.

    Returns
    -------
    dict of str to torch.Tensor
        By name, float32.

    Raises
    ------
    DualglandError
        If a model cannot be read or does not match its card, or has other tensors than the
        first.
    """
    total = sum(shares.values())
    mean: dict[str, Tensor] = {}
    for model, share in shares.items():
        found = read_tensors(*read_card(str(model)))
        if mean and {k: v.shape for k, v in found.items()} != {k: v.shape for k, v in mean.items()}:
            raise DualglandError(
                Kind.MISMATCH,
                model,
                "is built otherwise than the models before it",
                expected="models that went on from the same weights",
            )
        for name, tensor in found.items():
            part = tensor.double() * (share / total)
            mean[name] = mean[name] + part if name in mean else part
    return {name: tensor.float() for name, tensor in mean.items()}


def load_start(network: nn.Module, models: Mapping[Path, float]) -> list[str]:
    """Load the tensors of an earlier model that have a place of their name and shape.

    Parameters
    ----------
    network : torch.nn.Module
        Where they go.
    models : mapping of pathlib.Path to float
        As in :func:`averaged`; mostly it is one.

    Returns
    -------
    list of str
        Names of the tensors of the network that nothing was found for.

    Raises
    ------
    DualglandError
        As :func:`averaged`.
    """
    found = averaged(models)
    state = network.state_dict()
    new = []
    for name, tensor in state.items():
        earlier = found.get(name)
        fit = None
        if earlier is not None:
            fit = widened(earlier, tensor.shape, outputs=name.startswith(LAST_LAYERS))
        if fit is None:
            new.append(name)
        else:
            state[name] = fit.to(tensor)
    network.load_state_dict(state)
    return new
