"""How a mask of missing pixels is shown: the same colours wherever one is, in napari or its key.

A mask holds a bit per channel. Pixels that one channel lacks are tinted after it, but away from
the atlas's own four colours, so that they stand out on them; what several lack has one tint.
napari is not imported: these are arguments of a Labels layer.
"""

from __future__ import annotations

from typing import Any

from napari_dualgland.mask import ROLE_BITS, roles_of_code

ROLE_LABELS = {
    "microtubules": "Microtubules",
    "protein": "Protein",
    "nucleus": "Nucleus",
    "er": "ER",
}
"""Roles as people write them."""

SEVERAL = "#ff4fd8"
TINTS = {"microtubules": "#ff8a80", "protein": "#7cff9a", "nucleus": "#8ab4ff", "er": "#ffe97a"}

FILLED, OUTLINED = 0.55, 0.8
"""Opacity of marks that are filled, so that holes are seen, and of those that are outlined, so
that what was filled in is seen."""


def missing_looks() -> dict[str, Any]:
    """Return the looks of a mask, as a Labels layer's arguments."""
    tint_of = {ROLE_BITS[role]: tint for role, tint in TINTS.items()}
    colors: dict[int | None, str] = {None: "#00000000", 0: "#00000000"}
    colors |= {code: tint_of.get(code, SEVERAL) for code in range(1, 16)}
    codes = range(1, 16)
    # What napari's status bar says of a marked pixel under the pointer.
    words = [", ".join(ROLE_LABELS[r] for r in roles_of_code(code)) for code in codes]
    return {
        "colormap": colors,
        "features": {"index": list(codes), "missing in": words},
        "blending": "translucent_no_depth",
        "opacity": FILLED,
    }
