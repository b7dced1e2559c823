"""How the roles of channels are written for people, in one place."""

from __future__ import annotations

from napari_dualgland.io.missing_looks import ROLE_LABELS as ROLE_LABELS

ESTIMATE_NOTE = "Imputed pixels are a model's estimate, not a measurement."

PLAUSIBLE_NOTE = (
    "Imputed pixels are one plausible picture of many, drawn by a model: for the eye, not for "
    "measuring."
)
