"""The names of places in the cell, where localizing looks for them.

They live on the ground floor, for files are written and layers are coloured by them too.
"""

from napari_dualgland.classes import (
    CLASS_OF_LOCATION,
    CLASSES,
    COLORS,
    LOCATIONS,
    NEGATIVE,
    SHORT_NAMES,
)

__all__ = ["CLASSES", "CLASS_OF_LOCATION", "COLORS", "LOCATIONS", "NEGATIVE", "SHORT_NAMES"]
