"""How the roles of channels are written for people, in one place."""

from __future__ import annotations

ROLE_LABELS = {
    "microtubules": "Microtubules",
    "protein": "Protein",
    "nucleus": "Nucleus",
    "er": "ER",
}
"""Roles as people write them."""

ESTIMATE_NOTE = "Imputed pixels are a model's estimate, not a measurement."

PLAUSIBLE_NOTE = (
    "Imputed pixels are one plausible picture of many, drawn by a model: for the eye, not for "
    "measuring."
)
