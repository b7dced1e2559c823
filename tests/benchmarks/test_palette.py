"""The colours of the classes, for all eyes."""

from __future__ import annotations

import pytest

from napari_dualgland.classes import COLORS
from palette import LEAST, OUT, differences, report, seen

PRIMARIES = {
    "normal": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protan": (
        (0.152286, 0.114503, -0.003882),
        (1.052583, 0.786281, -0.048116),
        (-0.204868, 0.099216, 1.051998),
    ),
    "deutan": (
        (0.367322, 0.280085, -0.011820),
        (0.860646, 0.672501, 0.042940),
        (-0.227968, 0.047413, 0.968881),
    ),
    "tritan": (
        (1.255528, -0.078411, 0.004733),
        (-0.076749, 0.930809, 0.691367),
        (-0.178779, 0.147602, 0.303900),
    ),
}
"""Light that red, green and blue light become to an eye, by Machado, Oliveira and Fernandes (2009),
table of severity 1: the columns of their matrices."""


@pytest.mark.parametrize("sight", LEAST)
def test_any_two_classes_can_be_told_apart(sight):
    assert differences(COLORS, sight).min() >= LEAST[sight]


@pytest.mark.parametrize("sight", PRIMARIES)
@pytest.mark.parametrize(
    "color", ["#FF0000", "#00FF00", "#0000FF", "#FFFFFF", "#C00000", "#6B6B00"]
)
def test_colors_are_seen_as_published(color, sight):
    """The light of each primary as the paper has it, and IEC 61966-2-1 and CIE 1976 by hand."""
    assert seen([color], sight)[0] == pytest.approx(lab_by_hand(color, sight), abs=0.05)


def lab_by_hand(color, sight):
    """Return what becomes of a colour by its red, green and blue light, one after the other."""
    light = [0.0, 0.0, 0.0]
    for primary, start in zip(PRIMARIES[sight], (1, 3, 5), strict=True):
        value = int(color[start : start + 2], 16) / 255
        amount = value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        light = [before + amount * part for before, part in zip(light, primary, strict=True)]
    red, green, blue = (min(max(part, 0), 1) for part in light)
    tristimulus = (
        (0.4124564 * red + 0.3575761 * green + 0.1804375 * blue) / 0.95047,
        0.2126729 * red + 0.7151522 * green + 0.0721750 * blue,
        (0.0193339 * red + 0.1191920 * green + 0.9503041 * blue) / 1.08883,
    )
    x, y, z = (t ** (1 / 3) if t > 216 / 24389 else 841 / 108 * t + 4 / 29 for t in tristimulus)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def test_red_and_olive_are_mixed_up_without_green_cones():
    pair = ("#C00000", "#6B6B00")
    assert differences(pair, "normal").min() > 40
    assert differences(pair, "deutan").min() < 15


def test_the_report_is_of_these_colours():
    assert OUT.read_text(encoding="utf-8") == report()
