"""An image to draw crops from, normalised, at several magnifications.

Four channels in the order of ROLES, normalised as the plugin normalises a stack. Fields are
kept at 1, 1/2 and 1/4 of their size, for the program must work from 0.08 to 0.32 µm per pixel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from napari_dualgland.imputation.normalise import measure
from napari_dualgland.stack import ROLES
from napari_dualgland.typing import AnyArray


@dataclass(frozen=True)
class Source:
    """An image to draw crops from.

    Attributes
    ----------
    name : str
        Where it comes from.
    kind : str
        ``fields``, ``fields512``, ``cells``, ``singles`` or ``other_atlas`` of the atlas
        collection, or ``images``.
    images : tuple of numpy.ndarray
        (4, H, W), float16, normalised; the same image at falling magnification.
    known : tuple of bool
        Whether each role has a channel; the others are 0 and no measurement.
    """

    name: str
    kind: str
    images: tuple[npt.NDArray[np.float16], ...]
    known: tuple[bool, ...] = (True,) * len(ROLES)


class Split(NamedTuple):
    """Sources by what they may be used for."""

    train: tuple[Source, ...]
    validation: tuple[Source, ...]
    test: tuple[Source, ...]
    shift: tuple[Source, ...] = ()


PARTS = Split._fields
"""``train``, ``validation``, ``test``, and ``shift``: images of another kind."""


def shrink(image: AnyArray, factor: int) -> AnyArray:
    """Average over squares of pixels, dropping what is left over.

    Parameters
    ----------
    image : numpy.ndarray
        (C, H, W).
    factor : int
        Side of a square.

    Returns
    -------
    numpy.ndarray
        (C, H / factor, W / factor).
    """
    c, h, w = image.shape
    h, w = h // factor, w // factor
    cut = image[:, : h * factor, : w * factor]
    return np.asarray(cut.reshape(c, h, factor, w, factor).mean((2, 4)))


def make_source(name: str, kind: str, image: AnyArray, factors: tuple[int, ...]) -> Source:
    """Return an image as a source.

    Parameters
    ----------
    name, kind : str
        Of the source.
    image : numpy.ndarray
        (4, H, W), as it was measured.
    factors : tuple of int
        By each of which it is kept shrunk.

    Returns
    -------
    Source
        Normalised.
    """
    unit = measure([channel.ravel() for channel in image]).shown(image)
    return Source(name, kind, tuple(shrink(unit, f).astype(np.float16) for f in factors))
