"""The simulated samples under *File > Open Sample*: layers as the readers give them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_dualgland.errors import DualglandError, Kind

if TYPE_CHECKING:
    from napari_dualgland.io.layer_tuples import LayerTuple

FOLDER = Path(__file__).parent / "sample_data"
"""Where the samples lie, in a wheel and in an editable install alike."""


def sample_path(name: str) -> Path:
    """Return the file of a sample.

    Parameters
    ----------
    name : str
        File name, such as ``dualgland_whole.ome.tif``.

    Raises
    ------
    DualglandError
        If the installation lacks it.
    """
    path = FOLDER / name
    if not path.is_file():
        way_out = "install napari-dualgland again"
        raise DualglandError(Kind.NOT_THERE, path, "the sample is not there", way_out=way_out)
    return path


def whole_field() -> list[LayerTuple]:
    """Return the simulated field, a layer per channel."""
    from napari_dualgland.io import read
    from napari_dualgland.io.layer_tuples import layers_of

    return layers_of(read(sample_path("dualgland_whole.ome.tif")))


def damaged_field() -> list[LayerTuple]:
    """Return the damaged field, a layer per channel, and the Labels layer ``damage``."""
    return _with_mask("dualgland_damaged")


def damaged_zstack() -> list[LayerTuple]:
    """Return the damaged z-stack, a layer per channel, and the Labels layer ``damage``."""
    return _with_mask("dualgland_zstack")


def _with_mask(name: str) -> list[LayerTuple]:
    from napari_dualgland.io import read, read_mask
    from napari_dualgland.io.layer_tag import DAMAGE, renamed
    from napari_dualgland.io.layer_tuples import layers_of
    from napari_dualgland.results import Imputation

    stack = read(sample_path(f"{name}.ome.tif"))
    mask = read_mask(sample_path(f"{name}_mask.tif")).fitted(stack)
    *images, (codes, looks, kind) = layers_of(Imputation.of(stack, mask))
    return [*images, (codes, renamed(looks, DAMAGE), kind)]
