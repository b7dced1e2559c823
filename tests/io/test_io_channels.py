"""Roles are told by names and colours, or refused with the option to give."""

from __future__ import annotations

import numpy as np
import pytest

from napari_dualgland.errors import DualglandError
from napari_dualgland.io.channels import assign_roles, stain_role, tell_roles
from napari_dualgland.stack import ROLE_COLORS, ROLES, Channel, Stack


def _stack(*channels: Channel) -> Stack:
    return Stack(np.zeros((len(channels), 2, 2), np.uint8), "CYX", channels, source="field.tif")


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("DAPI", "nucleus"),
        ("Hoechst 33342", "nucleus"),
        ("Hoechst33342", "nucleus"),
        ("alpha-tubulin", "microtubules"),
        ("Microtubules", "microtubules"),
        ("antibody_HPA0001", "protein"),
        ("ER", "er"),
        ("anti-KDEL", "er"),
        ("calreticulin", "er"),
        ("filter", None),  # holds “er”, but not as a word
        ("proteins?", None),
        ("anti-tubulin antibody", None),  # two meanings
        ("channel 0", None),
        ("", None),
    ],
)
def test_a_role_needs_a_whole_unambiguous_word(name, role):
    assert stain_role(name) == role


def test_colour_words_count_beside_a_stain_or_with_yellow():
    assert tell_roles(["red", "green", "blue", "yellow"], [None] * 4) == list(ROLES)
    assert tell_roles(["DAPI", "green", "red"], [None] * 3) == [
        "nucleus",
        "protein",
        "microtubules",
    ]


def test_the_components_of_an_rgb_picture_are_no_roles():
    assert tell_roles(["Red", "Green", "Blue"], [None] * 3) == [None] * 3


def test_far_red_is_not_red():
    assert tell_roles(["DAPI", "far red"], [None] * 2) == ["nucleus", None]


def test_colours_count_only_when_all_four_are_there_and_names_do_not_tell():
    names = ["a", "b", "c", "d"]
    colors = [ROLE_COLORS[role] for role in reversed(ROLES)]
    assert tell_roles(names, colors) == list(reversed(ROLES))
    assert tell_roles(names[:3], colors[:3]) == [None] * 3
    assert tell_roles(["DAPI", *names[1:]], colors) == ["nucleus", None, None, None]


def test_two_channels_of_one_stain_are_both_left_open():
    assert tell_roles(["DAPI", "Hoechst", "tubulin"], [None] * 3) == [None, None, "microtubules"]


def test_the_refusal_holds_the_exact_option():
    with pytest.raises(DualglandError) as refused:
        assign_roles(_stack(*(Channel(f"Ch{i}") for i in range(4))))
    message = str(refused.value)
    assert "field.tif" in message
    assert "4 channels (Ch0, Ch1, Ch2, Ch3)" in message
    assert "--channels microtubules=0,protein=1,nucleus=2,er=3" in message
    assert "\n" not in message


def test_the_option_starts_from_what_is_told():
    with pytest.raises(DualglandError, match="--channels microtubules=1,protein=2,nucleus=0"):
        assign_roles(_stack(Channel("DAPI"), Channel("AF555"), Channel("AF488")))


def test_a_further_channel_passes_when_every_role_is_told():
    names = ["brightfield", "tubulin", "antibody", "DAPI", "ER"]
    stack = assign_roles(_stack(*map(Channel, names)))
    assert [c.role for c in stack.channels] == [None, *ROLES]
    assert stack.channels[4].color == "#FFFF00"


def test_the_mapping_overrides_names():
    stack = assign_roles(_stack(Channel("DAPI"), Channel("ER")), {"protein": "DAPI", "er": 1})
    assert stack.roles == {"protein": 0, "er": 1}
