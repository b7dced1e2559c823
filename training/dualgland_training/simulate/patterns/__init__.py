"""What a protein looks like in each class: one small function per class.

Each takes a :class:`~dualgland_training.simulate.scene.Scene` and a source of random numbers
and returns light as float32 (slabs, Y, X) in arbitrary units, for all cells of the scene; its
docstring says which biology it follows. Cells differ: what varies from one to the next is
drawn per cell.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dualgland_training.simulate.patterns.cytoskeleton import CYTOSKELETON
from dualgland_training.simulate.patterns.diffuse import DIFFUSE
from dualgland_training.simulate.patterns.nuclear import NUCLEAR
from dualgland_training.simulate.patterns.organelles import ORGANELLES
from dualgland_training.simulate.patterns.surface import SURFACE
from dualgland_training.simulate.scene import Scene
from napari_dualgland.classes import CLASSES
from napari_dualgland.typing import Float32Array

Pattern = Callable[[Scene, np.random.Generator], Float32Array]

_DRAWN: dict[str, Pattern] = {**CYTOSKELETON, **DIFFUSE, **NUCLEAR, **ORGANELLES, **SURFACE}

PATTERNS: dict[str, Pattern] = {name: _DRAWN[name] for name in CLASSES if name in _DRAWN}
"""Every class but Negative, which is the absence of all, in the order of the localizer."""
