"""Mask, uncertainty and plausible pictures that lie beside an image of ours, laid over it again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from napari_dualgland.io.ome import MISSING, SAMPLE, UNCERTAINTY
from napari_dualgland.results import Imputation
from napari_dualgland.stack import CANONICAL_AXES, Stack, from_canonical, to_canonical


def with_images(stack: Stack, beside: Mapping[str, Stack | None]) -> tuple[Stack, list[str]]:
    """Return a stack with the images that belong to it, and notes on those that do not.

    Parameters
    ----------
    stack : Stack
    beside : mapping of str to Stack or None
        By what they are: ``missing``, ``uncertainty``, ``sample 1`` …; None where the file
        is not there any more.

    Returns
    -------
    Stack
        An :class:`~napari_dualgland.results.Imputation` where there is a mask.
    list of str
    """
    found: dict[str, Any] = {}
    notes = []
    for name, image in beside.items():
        fitting = None if image is None else like(stack, image.data, image.axes)
        if fitting is not None:
            found[name] = fitting
        elif name == MISSING:
            notes.append(
                "the mask that was written with it is not there any more: some of its pixels are "
                "estimates, and nothing tells which"
            )
        else:
            notes.append(f"{name}, which was written with it, is not there any more")
    if MISSING not in found:
        return stack, notes
    samples = tuple(found[name] for name in found if name.startswith(f"{SAMPLE} "))
    return Imputation.of(stack, found[MISSING] > 0, found.get(UNCERTAINTY), samples), notes


def like(stack: Stack, image: Any, axes: str) -> Any:
    """Return an image with the axes of a stack; None where it does not fit.

    Parameters
    ----------
    stack : Stack
    image : numpy.ndarray or dask.array.Array
    axes : str
        Of the image.

    Returns
    -------
    numpy.ndarray or dask.array.Array or None
    """
    if set(axes) - set(CANONICAL_AXES):
        return None
    sizes = dict(zip(axes, image.shape, strict=True))
    if any(sizes[axis] != 1 for axis in {*axes} - {*stack.axes}):
        return None
    image = from_canonical(to_canonical(image, axes), stack.axes)
    return image if image.shape == stack.shape else None
