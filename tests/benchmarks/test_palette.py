"""The colours of the classes, for all eyes."""

from __future__ import annotations

import pytest

from napari_dualgland.classes import COLORS
from palette import LEAST, OUT, differences, report


@pytest.mark.parametrize("sight", LEAST)
def test_any_two_classes_can_be_told_apart(sight):
    assert differences(COLORS, sight).min() >= LEAST[sight]


def test_a_sight_without_green_mixes_up_what_it_should():
    red_and_olive = ("#C00000", "#6B6B00")
    assert differences(red_and_olive, "normal").min() > 40
    assert differences(red_and_olive, "deutan").min() < 15
    assert differences(red_and_olive, "tritan").min() > 20


def test_the_report_is_of_these_colours():
    assert OUT.read_text(encoding="utf-8") == report()
