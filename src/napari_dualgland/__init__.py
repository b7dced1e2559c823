"""Repair Human Protein Atlas microscopy stacks and read where in the cell a protein is.

The public API is loaded on first use: importing this package imports neither torch nor Qt. But
it says how torch's threads shall wait, which must be said before torch is loaded.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from napari_dualgland._version import __version__ as __version__
from napari_dualgland.threads import settle

if TYPE_CHECKING:
    from napari_dualgland.classes import CLASSES
    from napari_dualgland.compartments.draw import boundaries, boundaries_steps
    from napari_dualgland.compartments.params import BoundariesParams
    from napari_dualgland.errors import DualglandError
    from napari_dualgland.imputation.engine import impute, impute_steps
    from napari_dualgland.imputation.params import ImputeParams
    from napari_dualgland.io import read, read_labels, read_mask, write
    from napari_dualgland.io.layer_masks import mask_from_layer
    from napari_dualgland.io.layers import stack_from_layers
    from napari_dualgland.localization.params import LocalizeParams
    from napari_dualgland.localization.predict import localize, localize_steps
    from napari_dualgland.mask import Mask
    from napari_dualgland.missing import MissingParams, find_missing
    from napari_dualgland.pixel_size import PixelSize
    from napari_dualgland.results import Boundaries, Imputation, Localization
    from napari_dualgland.stack import ROLES, Channel, Stack

_HOME = {
    "CLASSES": "classes",
    "DualglandError": "errors",
    "ROLES": "stack",
    "Channel": "stack",
    "PixelSize": "pixel_size",
    "Stack": "stack",
    "Boundaries": "results",
    "BoundariesParams": "compartments.params",
    "boundaries": "compartments.draw",
    "boundaries_steps": "compartments.draw",
    "Imputation": "results",
    "Localization": "results",
    "ImputeParams": "imputation.params",
    "impute": "imputation.engine",
    "impute_steps": "imputation.engine",
    "LocalizeParams": "localization.params",
    "localize": "localization.predict",
    "localize_steps": "localization.predict",
    "mask_from_layer": "io.layer_masks",
    "stack_from_layers": "io.layers",
    "read": "io",
    "read_labels": "io",
    "read_mask": "io",
    "write": "io",
    "find_missing": "missing",
    "Mask": "mask",
    "MissingParams": "missing",
}

__all__ = [
    "CLASSES",
    "ROLES",
    "Boundaries",
    "BoundariesParams",
    "Channel",
    "DualglandError",
    "Imputation",
    "ImputeParams",
    "Localization",
    "LocalizeParams",
    "Mask",
    "MissingParams",
    "PixelSize",
    "Stack",
    "boundaries",
    "boundaries_steps",
    "find_missing",
    "impute",
    "impute_steps",
    "localize",
    "localize_steps",
    "mask_from_layer",
    "read",
    "read_labels",
    "read_mask",
    "stack_from_layers",
    "write",
]

settle()


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
