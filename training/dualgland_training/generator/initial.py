"""Starting from the weights of an earlier model, where its tensors still fit.

A network that was widened at its input is worth starting from the narrower one: the new
inputs begin with weight 0, so that the first step sees what the earlier model saw. Its last
layer may have learned to say less.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

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


def load_start(network: nn.Module, model: Path) -> list[str]:
    """Load the tensors of an earlier model that have a place of their name and shape.

    Parameters
    ----------
    network : torch.nn.Module
        Where they go.
    model : pathlib.Path
        Weights or card of the earlier model.

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
        fit = None
        if earlier is not None:
            fit = widened(earlier, tensor.shape, outputs=name.startswith(LAST_LAYERS))
        if fit is None:
            new.append(name)
        else:
            state[name] = fit.to(tensor)
    network.load_state_dict(state)
    return new
