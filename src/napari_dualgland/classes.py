"""The names of places in the cell, as the Human Protein Atlas has them.

Two lists are in use: the 28 locations by which fields were annotated in 2018, and the 19
classes of the single-cell competition, to which several of the 28 come down.
"""

from __future__ import annotations

LOCATIONS = (
    "Nucleoplasm",
    "Nuclear membrane",
    "Nucleoli",
    "Nucleoli fibrillar center",
    "Nuclear speckles",
    "Nuclear bodies",
    "Endoplasmic reticulum",
    "Golgi apparatus",
    "Peroxisomes",
    "Endosomes",
    "Lysosomes",
    "Intermediate filaments",
    "Actin filaments",
    "Focal adhesion sites",
    "Microtubules",
    "Microtubule ends",
    "Cytokinetic bridge",
    "Mitotic spindle",
    "Microtubule organizing center",
    "Centrosome",
    "Lipid droplets",
    "Plasma membrane",
    "Cell junctions",
    "Mitochondria",
    "Aggresome",
    "Cytosol",
    "Cytoplasmic bodies",
    "Rods & rings",
)
"""The 28 locations; a position is the number that stands in annotations."""

COMPARTMENTS = ("nucleus", "nuclear rim", "cytoplasm", "cell edge", "background")
"""The parts of a cell, and what lies around it, that landmarks tell apart."""

CLASSES = (
    "Nucleoplasm",
    "Nuclear membrane",
    "Nucleoli",
    "Nucleoli fibrillar center",
    "Nuclear speckles",
    "Nuclear bodies",
    "Endoplasmic reticulum",
    "Golgi apparatus",
    "Intermediate filaments",
    "Actin filaments",
    "Microtubules",
    "Mitotic spindle",
    "Centrosome",
    "Plasma membrane",
    "Mitochondria",
    "Aggresome",
    "Cytosol",
    "Vesicles and punctate cytosolic patterns",
    "Negative",
)
"""The 19 classes of the localizer, in the order of its outputs (HPA single-cell list)."""

NEGATIVE = CLASSES.index("Negative")
"""No specific signal: the one class that has no pixels of its own."""

SHORT_NAMES = {"Vesicles and punctate cytosolic patterns": "Vesicles"}
"""What a legend says where the whole name is too long; the others are said in full."""

_OTHERS = {
    "Peroxisomes": "Vesicles and punctate cytosolic patterns",
    "Endosomes": "Vesicles and punctate cytosolic patterns",
    "Lysosomes": "Vesicles and punctate cytosolic patterns",
    "Lipid droplets": "Vesicles and punctate cytosolic patterns",
    "Cytoplasmic bodies": "Vesicles and punctate cytosolic patterns",
    "Rods & rings": "Vesicles and punctate cytosolic patterns",
    "Focal adhesion sites": "Actin filaments",
    "Microtubule ends": "Microtubules",
    "Cytokinetic bridge": "Mitotic spindle",
    "Microtubule organizing center": "Centrosome",
    "Cell junctions": "Plasma membrane",
}

CLASS_OF_LOCATION = tuple(CLASSES.index(_OTHERS.get(name, name)) for name in LOCATIONS)
"""Which of the 19 classes each of the 28 locations comes down to."""

COLORS = (
    "#B0CCFF",  # Nucleoplasm
    "#096EFF",  # Nuclear membrane
    "#8F6B95",  # Nucleoli
    "#C78DFF",  # Nucleoli fibrillar center
    "#A3FFFF",  # Nuclear speckles
    "#028769",  # Nuclear bodies
    "#F4B500",  # Endoplasmic reticulum
    "#E88953",  # Golgi apparatus
    "#FFFF00",  # Intermediate filaments
    "#F00000",  # Actin filaments
    "#F32C6B",  # Microtubules
    "#FFBAD2",  # Mitotic spindle
    "#FEECDA",  # Centrosome
    "#DC00C9",  # Plasma membrane
    "#05D39A",  # Mitochondria
    "#8E5D44",  # Aggresome
    "#4AA8B7",  # Cytosol
    "#CDFFAA",  # Vesicles and punctate cytosolic patterns
    "#979491",  # Negative
)
"""One colour per class, the same in every legend, layer and picture: blues and violets in the
nucleus, reds for the cytoskeleton, yellow to green for what lies in the cytoplasm. Chosen by search
within those hues, so that any two can be told apart by all eyes: CIEDE2000 of 18 and more in normal
sight, of 9 and more without red, green or blue cones (``benchmarks/palette.py``)."""

UNEXPLAINED = "#7A7E86"
"""Protein that no class named for its cell explains."""

LANDMARKS = {"nucleus": "#3E4044", "microtubules": "#34383E", "er": "#24282C"}
"""What lies beneath the protein: dim and without a hue, so that no class looks like it."""

PALER = 0.55
"""How much of its colour a class keeps in a cell of which none reaches its threshold."""

PALE = 235
"""Grey that takes the place of the rest."""


def paler(color: str) -> str:
    """Return the colour of a class as it is in a cell of which none reaches its threshold."""
    return "#" + "".join(f"{round(PALER * v + (1 - PALER) * PALE):02X}" for v in rgb_of(color))


def rgb_of(color: str) -> tuple[int, int, int]:
    """Return red, green and blue, 0 to 255, of a colour like ``#7A7E86``."""
    red, green, blue = bytes.fromhex(color[1:])
    return red, green, blue
