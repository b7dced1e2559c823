"""Can any two classes be told apart by their colours, by all eyes?

``python benchmarks/palette.py`` looks at them all.

Colours as they are seen without red (protan), green (deutan) or blue (tritan) cones after Machado,
Oliveira and Fernandes (2009), severity 1; differences after CIEDE2000. Writes
``results/palette.md``: the least difference in each sight, and the pairs that come nearest.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from skimage.color import deltaE_ciede2000, rgb2lab

from napari_dualgland.classes import CLASSES, COLORS, UNEXPLAINED, rgb_of
from napari_dualgland.typing import Float64Array

OUT = Path(__file__).parent / "results" / "palette.md"
SIGHTS = {
    "normal": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "deutan": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "protan": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "tritan": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
LEAST = {"normal": 18.0, "deutan": 9.0, "protan": 9.0, "tritan": 9.0}
"""What any two classes differ by at least."""
_SHOWN = 5


def seen(colors: Sequence[str], sight: str) -> Float64Array:
    """Return colours as a sight has them, (N, 3) in CIE Lab.

    Parameters
    ----------
    colors : sequence of str
        Like ``#7A7E86``.
    sight : str
        One of :data:`SIGHTS`.

    Returns
    -------
    numpy.ndarray
    """
    rgb = np.array([rgb_of(color) for color in colors]) / 255
    light = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    light = np.clip(light @ np.array(SIGHTS[sight]).T, 0, 1)
    shown = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.asarray(rgb2lab(shown[None])[0])


def differences(colors: Sequence[str], sight: str) -> Float64Array:
    """Return CIEDE2000 between any two colours.

    Parameters
    ----------
    colors : sequence of str
    sight : str

    Returns
    -------
    numpy.ndarray
        (N, N); infinite between a colour and itself.
    """
    lab = seen(colors, sight)
    apart = np.asarray(deltaE_ciede2000(lab[:, None], lab[None]))
    np.fill_diagonal(apart, np.inf)
    return apart


def report() -> str:
    """Return the results as Markdown."""
    lines = [
        "# Colours of the classes",
        "",
        f"CIEDE2000 between any two of the {len(COLORS)} classes, by sight (Machado 2009, severity "
        "1), and to the grey of protein that no class explains (`python benchmarks/palette.py`).",
        "",
        "| sight | least | to the grey | nearest pairs |",
        "|---|---:|---:|---|",
    ]
    for sight in SIGHTS:
        apart = differences(COLORS, sight)
        grey = differences([*COLORS[:-1], UNEXPLAINED], sight)[-1].min()
        order = np.argsort(np.triu(apart, 1) + np.tril(np.full(apart.shape, np.inf)), axis=None)
        pairs = [divmod(int(i), len(COLORS)) for i in order[:_SHOWN]]
        named = ", ".join(f"{CLASSES[a]} / {CLASSES[b]} {apart[a, b]:.1f}" for a, b in pairs)
        lines.append(f"| {sight} | {apart.min():.1f} | {grey:.1f} | {named} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    OUT.write_text(report(), encoding="utf-8")
