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
    "#4477EE",  # Nucleoplasm
    "#C3D5FF",  # Nuclear membrane
    "#9A4DFF",  # Nucleoli
    "#E3B3FF",  # Nucleoli fibrillar center
    "#00C8FF",  # Nuclear speckles
    "#5AFFF2",  # Nuclear bodies
    "#FFD92F",  # Endoplasmic reticulum
    "#FF8C1A",  # Golgi apparatus
    "#C8A26B",  # Intermediate filaments
    "#FF5E5E",  # Actin filaments
    "#D62D2D",  # Microtubules
    "#FF8FB8",  # Mitotic spindle
    "#FFFFFF",  # Centrosome
    "#FF4DD8",  # Plasma membrane
    "#35E05A",  # Mitochondria
    "#8A5A3C",  # Aggresome
    "#1FA187",  # Cytosol
    "#B8F04A",  # Vesicles and punctate cytosolic patterns
    "#808080",  # Negative
)
"""One colour per class, the same in every legend, layer and picture: blues and violets in the
nucleus, reds for the cytoskeleton, yellow to green for what lies in the cytoplasm."""
