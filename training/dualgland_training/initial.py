"""Starting from the weights of an earlier model, where its tensors still fit.

A network that was widened at its input is worth starting from the narrower one: the new
inputs begin with weight 0, so that the first step sees what the earlier model saw.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from napari_dualgland.model.weights import read_card, read_tensors


def widened(earlier: Tensor, shape: torch.Size) -> Tensor | None:
    """Return a convolution's weight with more input channels, None if that is not it.

    Parameters
    ----------
    earlier : torch.Tensor
        (out, in, …).
    shape : torch.Size
        The same but for at least as many input channels; the leading ones are copied, the
        rest are 0.
    """
    fits = len(shape) == earlier.ndim >= 2 and earlier.shape[0] == shape[0]
    if not fits or earlier.shape[2:] != shape[2:] or earlier.shape[1] > shape[1]:
        return None
    wide = earlier.new_zeros(shape)
    wide[:, : earlier.shape[1]] = earlier
    return wide


def load_start(network: nn.Module, model: Path) -> list[str]:
    """Load the tensors of an earlier model that have a place of their name and shape.

    Returns
    -------
    list of str
        Names of the tensors of the network that nothing was found for.

    Raises
    ------
    DualglandError
        If the model cannot be read or does not match its card.
    """
    found = read_tensors(*read_card(str(model)))
    state = network.state_dict()
    new = []
    for name, tensor in state.items():
        earlier = found.get(name)
        fit = None if earlier is None else widened(earlier, tensor.shape)
        if earlier is not None and earlier.shape == tensor.shape:
            fit = earlier
        if fit is None:
            new.append(name)
        else:
            state[name] = fit.to(tensor)
    network.load_state_dict(state)
    return new
