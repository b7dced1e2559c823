"""The classical fills, where the training's tables look for them.

They live in :mod:`napari_dualgland.classical`: the demo needs them too, and the plugin does
not import the training module.
"""

from napari_dualgland.classical import FILLS, biharmonic, mean, navier_stokes, telea

__all__ = ["FILLS", "biharmonic", "mean", "navier_stokes", "telea"]
