"""Plausible pictures go through napari's layers and back: hidden, beside their channel."""

from __future__ import annotations

import numpy as np
import pytest
from npe2 import write as npe2_write
from test_io_napari import _plugin as _plugin  # of every test here, too
from test_io_napari import drop, napari_layers
from test_io_round_trip import PROVENANCE, field, four_channels

from napari_dualgland.errors import DualglandError
from napari_dualgland.io import read, write
from napari_dualgland.io.layer_tag import tag_of
from napari_dualgland.io.napari_io import write_layers
from napari_dualgland.results import Imputation
from napari_dualgland.stack import ROLES, Channel, PixelSize, Stack


def drawn(stack, samples=2):
    """Return a result with an uncertainty and plausible pictures, all of them different."""
    rng = np.random.default_rng(3)
    mask = rng.random(stack.shape) < 0.2
    unsure = np.where(mask, rng.random(stack.shape, np.float32), np.float32(0))
    pictures = tuple(
        np.where(mask, field(stack.shape, stack.dtype, seed=50 + n), stack.data)
        for n in range(samples)
    )
    return Imputation.of(stack, mask, unsure, pictures, PROVENANCE)


def assert_same_beside(one, two):
    """Hold mask, uncertainty and samples of two stacks to be the same, channel by channel."""
    np.testing.assert_array_equal(one.imputed, two.imputed)
    np.testing.assert_array_equal(one.uncertainty, two.uncertainty)
    assert len(one.samples) == len(two.samples)
    for a, b in zip(one.samples, two.samples, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


def dropped_layers(path):
    return [napari_layers.Layer.create(*layer) for layer in drop([path])]


def save(path, layers):
    assert npe2_write(str(path), [x.as_layer_data_tuple() for x in layers]) == [str(path)]
    return read(path)


@pytest.mark.parametrize("axes", ["CYX", "ZCYX", "YXC", "CTYX", "CZYX"])
@pytest.mark.parametrize("roles", [ROLES, ("er", "protein", "nucleus", "microtubules")])
def test_samples_go_through_layers_and_back(tmp_path, axes, roles):
    sizes = {"T": 2, "Z": 3, "C": 4, "Y": 20, "X": 25}
    shape = tuple(sizes[a] for a in axes)
    channels = tuple(Channel(f"stain {r}", r) for r in roles)
    result = drawn(Stack(field(shape, "uint16"), axes, channels, PixelSize(0.08, 0.09, 0.3)))
    first = read(write(result, tmp_path / "a.ome.tif"))
    layers = dropped_layers(tmp_path / "a.ome.tif")
    assert [layer.name for layer in layers] == [
        *(f"{role} sample 2" for role in roles),
        *(f"{role} sample 1" for role in roles),
        *(f"{role} uncertainty" for role in roles),
        *roles,
        "missing",
    ]
    second = save(tmp_path / "b.ome.tif", layers)
    np.testing.assert_array_equal(second.data, first.data)
    assert_same_beside(second, first)


def test_samples_are_hidden_and_look_like_their_image(tmp_path):
    write(drawn(four_channels()), tmp_path / "a.ome.tif")
    layers = {layer.name: layer for layer in dropped_layers(tmp_path / "a.ome.tif")}
    for role in ROLES:
        image = layers[role]
        for number in (1, 2):
            sample = layers[f"{role} sample {number}"]
            assert not sample.visible
            assert sample.colormap.name == image.colormap.name
            assert sample.contrast_limits == image.contrast_limits
            assert tuple(sample.scale) == tuple(image.scale)
            assert sample.units == image.units
            assert tag_of(sample).kind == "sample"
            assert tag_of(sample).number == number
        assert image.visible
        assert tag_of(image).kind is None


def test_samples_find_their_channel_in_any_order_of_the_list(tmp_path):
    first = read(write(drawn(four_channels(), samples=3), tmp_path / "a.ome.tif"))
    layers = dropped_layers(tmp_path / "a.ome.tif")
    images = [layer for layer in layers if layer.name in ROLES]
    others = [layer for layer in layers if layer.name not in ROLES]
    np.random.default_rng(0).shuffle(others)
    turned = save(tmp_path / "b.ome.tif", [*others, *reversed(images)])
    assert turned.roles != first.roles
    for role in ROLES:
        a, b = first.roles[role], turned.roles[role]
        np.testing.assert_array_equal(turned.data[b], first.data[a])
        np.testing.assert_array_equal(turned.uncertainty[b], first.uncertainty[a])
        for one, two in zip(turned.samples, first.samples, strict=True):
            np.testing.assert_array_equal(one[b], two[a])


def test_channels_without_a_role_keep_their_own_samples(tmp_path):
    channels = (Channel("x"), Channel("DAPI", "nucleus"), Channel("phase"), Channel("x"))
    result = drawn(Stack(field((4, 12, 13), "uint8"), "CYX", channels))
    first = read(write(result, tmp_path / "a.ome.tif"))
    # A channel that no model knows is never filled, so its mask does not go into the layer.
    second = save(tmp_path / "b.ome.tif", dropped_layers(tmp_path / "a.ome.tif"))
    for a, b in zip(second.samples, first.samples, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(second.uncertainty, first.uncertainty)


def test_a_field_without_a_channel_axis(tmp_path):
    stack = Stack(field((12, 13), "float32"), "YX", (Channel("DAPI", "nucleus"),))
    first = read(write(drawn(stack), tmp_path / "a.ome.tif"))
    second = save(tmp_path / "b.ome.tif", dropped_layers(tmp_path / "a.ome.tif"))
    assert second.axes == "YX"
    assert_same_beside(second, first)


@pytest.mark.parametrize("count", [1, 4])
def test_one_layer_that_holds_all_channels(tmp_path, count):
    """As the widget leaves them: one image, one uncertainty, one layer for each sample."""
    roles = list(ROLES[:count])
    stack = Stack(field((count, 12, 13), "uint8"), "CYX", tuple(Channel(r, r) for r in roles))
    result = drawn(stack)

    def layer(pixels, kind, **told):
        own = {"kind": kind, "axes": "CYX", "roles": roles, **told}
        looks = {"name": f"all {kind}", "metadata": {"dualgland": own}, "rgb": False}
        return pixels, looks, "image"

    codes = result.missing.astype(np.uint8)
    layers = [
        layer(stack.data, "imputed"),
        layer(result.uncertainty, "uncertainty"),
        *(layer(x, "sample", number=n) for n, x in enumerate(result.samples, 1)),
        (codes, {"name": "missing", "metadata": {"dualgland": {"kind": "missing"}}}, "labels"),
    ]
    write_layers(str(tmp_path / "a.ome.tif"), layers)
    back = read(tmp_path / "a.ome.tif")
    np.testing.assert_array_equal(back.uncertainty, result.uncertainty)
    for a, b in zip(back.samples, result.samples, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_channel_without_a_sample_is_as_it_is(tmp_path):
    first = read(write(drawn(four_channels()), tmp_path / "a.ome.tif"))
    layers = dropped_layers(tmp_path / "a.ome.tif")
    kept = [x for x in layers if x.name not in ("er sample 1", "er sample 2", "er uncertainty")]
    second = save(tmp_path / "b.ome.tif", kept)
    er = second.roles["er"]
    for number, sample in enumerate(second.samples):
        np.testing.assert_array_equal(sample[er], first.data[er])
        np.testing.assert_array_equal(sample[:er], first.samples[number][:er])
    assert not np.asarray(second.uncertainty)[er].any()


def test_samples_of_another_field_are_refused(tmp_path):
    write(drawn(four_channels()), tmp_path / "a.ome.tif")
    layers = [x.as_layer_data_tuple() for x in dropped_layers(tmp_path / "a.ome.tif")]
    pixels, looks, kind = layers[0]
    layers[0] = (pixels[:-1], looks, kind)
    with pytest.raises(DualglandError, match="'microtubules sample 2' does not have the shape"):
        write_layers(str(tmp_path / "b.ome.tif"), layers)
    assert not (tmp_path / "b.ome.tif").exists()
