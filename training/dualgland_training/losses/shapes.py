"""What every loss checks at its door: a shape that broadcasts by chance is a loss of nothing."""

from __future__ import annotations

from torch import Tensor


def check_alike(form: str, **tensors: Tensor) -> None:
    """Refuse tensors that do not have one shape of a given form.

    Parameters
    ----------
    form : str
        Names or sizes of the axes, ``"B 4 H W"``: a number is the size that an axis must have.
    **tensors : torch.Tensor
        By the names of the loss's arguments.

    Raises
    ------
    ValueError
        If the number of axes or a size is wrong, or two shapes differ.
    """
    axes = form.split()
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    first = next(iter(shapes.values()))
    fits = len(first) == len(axes) and all(
        not axis.isdigit() or size == int(axis) for axis, size in zip(axes, first, strict=True)
    )
    if not fits or len({*shapes.values()}) > 1:
        told = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise ValueError(f"all must be ({', '.join(axes)}) and of one shape, not {told}")


def check_over(picture: Tensor, name: str, over: Tensor) -> None:
    """Refuse maps that are not (B, K, H, W) with batch, height and width of a picture.

    Parameters
    ----------
    picture : torch.Tensor
        (B, C, H, W).
    name : str
        Of the maps, for the message.
    over : torch.Tensor
        The maps.

    Raises
    ------
    ValueError
        If they are not.
    """
    shape, wanted = tuple(over.shape), tuple(picture.shape)
    if len(shape) != 4 or (shape[0], *shape[2:]) != (wanted[0], *wanted[2:]):
        raise ValueError(
            f"{name} {shape} must be (B, K, H, W) over pictures (B, C, H, W) of shape {wanted}"
        )
