"""Roles are read from what layers say of themselves, never from their order."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image

from napari_dualgland.io.layer_axes import axes_of, guess_channel_axis
from napari_dualgland.io.layer_tag import LayerTag, id_of, metadata_of, tag_of
from napari_dualgland.widgets.field.guess import guess_roles, role_of_layer


def image(name, colormap="gray", shape=(8, 8), **options):
    return Image(np.zeros(shape, "uint8"), name=name, colormap=colormap, **options)


@pytest.mark.parametrize(
    ("name", "colormap", "metadata", "role"),
    [
        ("123_A1_red", "gray", {}, "microtubules"),
        ("123_A1_green.png", "gray", {}, "protein"),
        ("DAPI", "gray", {}, "nucleus"),
        ("alpha-Tubulin", "gray", {}, "microtubules"),
        ("Calreticulin (ER)", "gray", {}, "er"),
        ("layer", "gray", {}, None),
        ("filtered", "gray", {}, None),
        ("Image [1]", "yellow", {}, "er"),
        ("Image", "magenta", {}, None),
        ("DAPI", "green", {}, "nucleus"),
        ("nucleus", "red", {"dualgland": {"role": "protein"}}, "protein"),
        ("field_red_green", "gray", {}, None),
        ("C=1", "gray", {"dualgland": {"role": "no role"}}, None),
    ],
)
def test_role_of_a_layer(name, colormap, metadata, role):
    assert role_of_layer(image(name, colormap, metadata=metadata))[0] == role


def test_four_layers_in_any_order():
    layers = [image(n) for n in ("f_yellow", "f_blue", "f_green", "f_red")]
    guessed = guess_roles(layers)
    assert {role: layer.name for role, layer in guessed.items()} == {
        "microtubules": "f_red",
        "protein": "f_green",
        "nucleus": "f_blue",
        "er": "f_yellow",
    }


def test_two_fields_are_not_mixed():
    layers = [image(f"{f}_{c}") for f in ("a1", "b2") for c in ("red", "green", "blue", "yellow")]
    assert {x.name[:2] for x in guess_roles(layers).values()} == {"b2"}
    assert {x.name[:2] for x in guess_roles(layers, prefer=layers[1]).values()} == {"a1"}


def test_other_sizes_are_not_mixed():
    layers = [image("red"), image("green"), image("blue"), image("yellow", shape=(9, 8))]
    assert "er" not in guess_roles(layers)


def test_doubt_is_left_to_the_person():
    layers = [image("DAPI 1"), image("DAPI 2"), image("red")]
    stems = [image("nucleus"), image("dapi"), image("red")]
    assert "nucleus" not in guess_roles(stems)
    assert len(guess_roles(layers)) == 1


def test_results_are_no_sources():
    made = image("protein imputed", metadata={"dualgland": {"kind": "imputed", "role": "protein"}})
    assert guess_roles([made]) == {}


@pytest.mark.parametrize("kind", ["uncertainty", "sample", "working"])
def test_what_goes_with_a_result_is_no_source(kind):
    beside = image("protein sample 1", metadata={"dualgland": {"kind": kind, "role": "protein"}})
    assert tag_of(beside).is_result
    assert not tag_of(beside).is_channel
    assert guess_roles([beside]) == {}


def test_a_result_may_be_chosen_by_hand():
    made = image("protein imputed", metadata={"dualgland": {"kind": "imputed"}})
    assert tag_of(made).is_result
    assert tag_of(made).is_channel


def test_whoever_looks_at_a_result_means_its_field():
    layers = [image(f"{f}_{c}") for f in ("a1", "b2") for c in ("red", "green", "blue", "yellow")]
    tag = LayerTag(kind="imputed", sources=tuple(map(id_of, layers[:4])))
    made = image("a1_red imputed", metadata=metadata_of(tag))
    guessed = guess_roles([*layers, made], prefer=made)
    assert {layer.name[:2] for layer in guessed.values()} == {"a1"}


@pytest.mark.parametrize(
    ("shape", "labels", "axis", "axes"),
    [
        ((4, 8, 9), None, 0, "CYX"),
        ((5, 4, 8, 9), None, 1, "ZCYX"),
        ((4, 5, 8, 9), ("c", "z", "y", "x"), 0, "CZYX"),
        ((8, 9, 4), ("y", "x", "channel"), 2, "YXC"),
        ((5, 8, 9), None, None, "ZYX"),
        ((2, 5, 8, 9), None, None, "TZYX"),
        ((4, 4, 8, 9), None, None, "TZYX"),
        ((5, 8, 9), ("t", "y", "x"), None, "TYX"),
    ],
)
def test_channel_axis_and_axes(shape, labels, axis, axes):
    layer = image("stack", shape=shape, axis_labels=labels)
    assert guess_channel_axis(layer) == axis
    assert axes_of(layer, axis) == axes
