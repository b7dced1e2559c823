"""What a protein looks like in each class: one small function per class.

Each takes a :class:`~dualgland_training.simulate.scene.Scene` and a source of random numbers
and returns light as float32 (slabs, Y, X) in arbitrary units, for all cells of the scene; its
docstring says which biology it follows. Cells differ: what varies from one to the next is
drawn per cell.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dualgland_training.simulate.layout import Floats
from dualgland_training.simulate.patterns import (
    cytoskeleton,
    diffuse,
    nuclear,
    organelles,
    surface,
)
from dualgland_training.simulate.scene import Scene

Pattern = Callable[[Scene, np.random.Generator], Floats]

PATTERNS: dict[str, Pattern] = {
    "Nucleoplasm": nuclear.nucleoplasm,
    "Nuclear membrane": nuclear.nuclear_membrane,
    "Nucleoli": nuclear.nucleoli,
    "Nucleoli fibrillar center": nuclear.fibrillar_center,
    "Nuclear speckles": nuclear.nuclear_speckles,
    "Nuclear bodies": nuclear.nuclear_bodies,
    "Endoplasmic reticulum": organelles.endoplasmic_reticulum,
    "Golgi apparatus": organelles.golgi_apparatus,
    "Intermediate filaments": cytoskeleton.intermediate_filaments,
    "Actin filaments": cytoskeleton.actin_filaments,
    "Microtubules": cytoskeleton.microtubules,
    "Mitotic spindle": cytoskeleton.mitotic_spindle,
    "Centrosome": cytoskeleton.centrosome,
    "Plasma membrane": surface.plasma_membrane,
    "Mitochondria": organelles.mitochondria,
    "Aggresome": organelles.aggresome,
    "Cytosol": diffuse.cytosol,
    "Vesicles and punctate cytosolic patterns": organelles.vesicles,
}
"""Every class but Negative, which is the absence of all, in the order of the localizer."""
