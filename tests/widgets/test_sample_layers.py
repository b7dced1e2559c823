"""Plausible pictures as layers: out of the way, in the looks of their source, never a source."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pytest
from napari.layers import Image

from napari_dualgland.imputation.params import ImputeParams
from napari_dualgland.io import read
from napari_dualgland.io.layer_tag import tag_of
from napari_dualgland.provenance import Provenance
from napari_dualgland.results import Imputation
from napari_dualgland.stack import ROLES
from napari_dualgland.widgets.field.field_of_view import field_of
from napari_dualgland.widgets.field.repaired import missing_of
from napari_dualgland.widgets.field.source import Source
from napari_dualgland.widgets.impute.beside_layers import BesideLayers
from napari_dualgland.widgets.impute.compare import Compare
from napari_dualgland.widgets.impute.result_layers import ResultLayers

from .conftest import HOLE, names, outside_hole, paint, plain_field

pytestmark = pytest.mark.skipif(
    os.environ.get("QT_QPA_PLATFORM") == "offscreen",
    reason="napari draws with OpenGL, which offscreen lacks",
)

DRAWING = ImputeParams(device="cpu", rehearse=False, samples=2)
"""The model of the package, which draws; without rehearsing, for speed."""


def made_up(stack, samples=2, unsure=True):
    """Return a result as the engine gives it: each picture holds another number in the hole."""
    stack = stack.completed()
    missing = np.zeros(stack.shape, bool)
    np.moveaxis(missing, stack.axes.index("C"), 0)[(..., *HOLE)] = True
    pictures = [np.where(missing, stack.dtype.type(50 + n), stack.data) for n in range(samples + 1)]
    provenance = Provenance(
        version="0",
        model="made up",
        model_sha256=None,
        options=ImputeParams(samples=samples).model_dump(),
        seed=0,
        device="cpu",
        date="2025-01-01T00:00:00+00:00",
        source="field",
        missing_fraction={},
    )
    sigma = np.where(missing, np.float32(3), np.float32(0)) if unsure else None
    filled = replace(stack, data=pictures[0])
    return Imputation.of(filled, missing, sigma, tuple(pictures[1:]), provenance)


def show(viewer, source, frame=None, ask=False, **options):
    """Show a made-up result as a run does; with its uncertainty where a person asks for it."""
    stack = source.stack() if frame is None else source.stack().plane(frame["T"], frame["Z"])
    layers = ResultLayers(viewer, source, frame)
    result = made_up(stack, **options)
    for _ in layers.finish_steps(result):
        pass
    beside = BesideLayers(viewer, source, frame, layers.shown())
    for _, layer in layers.shown() if ask else ():
        beside.add_uncertainty(result, layer)
    return layers


def add(viewer, layers):
    for layer in layers:
        viewer.add_layer(layer)
    return Source({layer.name: viewer.layers[layer.name] for layer in layers})


def saved_again(viewer, chosen, tmp_path):
    """Save layers as napari does, and open the file in their stead."""
    path = str(tmp_path / "saved.ome.tif")
    viewer.layers.selection = {viewer.layers[name] for name in chosen}
    assert viewer.layers.save(path, selected=True, plugin="napari-dualgland") == [path]
    viewer.layers.clear()
    viewer.open(path, plugin="napari-dualgland")
    return read(path)


# --- with the real model ----------------------------------------------------------------


def test_a_run_with_samples(viewer, field, dock, run, click, tmp_path):
    widget = dock(field.values())
    widget.set_value(DRAWING)
    viewer.layers.selection.active = viewer.layers["nucleus"]
    run(widget)
    assert widget.run_bar.says.text().startswith("Filled ")
    for role, source in field.items():
        pixels = []
        for number in (1, 2):
            sample = viewer.layers[f"{role} sample {number}"]
            assert not sample.visible
            assert tag_of(sample).kind == "sample"
            assert tag_of(sample).number == number
            assert tag_of(sample).role == role
            assert "plausible" in " ".join(tag_of(sample).notes)
            for name in ("scale", "translate", "rotate", "shear"):
                np.testing.assert_allclose(getattr(sample, name), getattr(source, name))
            np.testing.assert_allclose(sample.affine.affine_matrix, source.affine.affine_matrix)
            for name in ("units", "axis_labels", "gamma", "blending", "contrast_limits"):
                assert getattr(sample, name) == getattr(source, name), name
            assert sample.colormap.name == source.colormap.name
            assert sample.data.dtype == source.data.dtype
            np.testing.assert_array_equal(outside_hole(sample.data), outside_hole(source.data))
            pixels.append(sample.data[HOLE].astype(float))
        estimate = viewer.layers[f"{role} imputed"].data[HOLE]
        assert np.std(pixels[0] - pixels[1]) > 0
        assert np.std(pixels[0] - estimate) > 0
    for role, picker in widget.channels.pickers.items():
        assert picker.layer() == field[role]
        offered = [picker.itemText(i) for i in range(picker.count())]
        assert not [name for name in offered if "sample" in name or "uncertainty" in name]
    assert viewer.layers.selection.active.name == "nucleus imputed"

    # The uncertainty of one channel lies over it when it is asked for.
    viewer.layers.selection.active = viewer.layers["protein imputed"]
    click(widget.results.uncertainty)
    unsure = viewer.layers["protein uncertainty"]
    assert unsure.visible
    assert (unsure.data[HOLE] > 0).all()
    assert not outside_hole(unsure.data).any()

    kept = {layer.name: np.asarray(layer.data) for layer in viewer.layers}
    results = [name for name in names(viewer) if name not in ROLES]
    stack = saved_again(viewer, results, tmp_path)
    assert len(stack.samples) == 2
    for role in ROLES:
        np.testing.assert_array_equal(viewer.layers[role].data, kept[f"{role} imputed"])
        for what in ("sample 1", "sample 2"):
            layer = viewer.layers[f"{role} {what}"]
            np.testing.assert_array_equal(np.asarray(layer.data), kept[f"{role} {what}"])
            assert not layer.visible
            assert tag_of(layer).is_result
    np.testing.assert_array_equal(stack.uncertainty[stack.roles["protein"]], kept[unsure.name])
    back = viewer.layers["protein uncertainty"]
    np.testing.assert_array_equal(np.asarray(back.data), kept[unsure.name])
    assert not back.visible


def test_a_plausible_fill_says_so(viewer, field, dock, run):
    widget = dock(field.values())
    widget.set_value(DRAWING.model_copy(update={"samples": 0, "plausible": True}))
    results = []
    widget.result_ready.connect(results.append)
    run(widget)
    assert "plausible picture" in " ".join(results[0].provenance.notes)
    assert widget.run_bar.says.text().startswith("Filled ")
    assert "plausible picture" in widget.notes.says.text()
    tag = tag_of(viewer.layers["protein plausible picture"])
    assert "plausible picture" in " ".join(tag.notes)
    assert tag.provenance.options["plausible"] is True
    assert not [name for name in names(viewer) if "sample" in name]


def test_a_model_that_cannot_draw_says_so_before_it_works(viewer, field, dock, run):
    widget = dock(field.values())
    widget.set_value(DRAWING.model_copy(update={"model": "prior"}))
    run(widget)
    assert "prior draws no plausible pictures" in widget.run_bar.says.text()
    assert names(viewer) == list(ROLES)
    assert all(layer.visible for layer in viewer.layers)


# --- the layer list ---------------------------------------------------------------------


def test_samples_lie_beneath_the_results(viewer):
    show(viewer, add(viewer, plain_field()))
    assert names(viewer) == [
        *ROLES,
        *(f"{role} sample 2" for role in ROLES),
        *(f"{role} sample 1" for role in ROLES),
        *(f"{role} imputed" for role in ROLES),
        "missing",
    ]
    shown = [layer.name for layer in viewer.layers if layer.visible]
    assert shown == [*(f"{role} imputed" for role in ROLES), "missing"]
    assert viewer.layers.selection.active.name == "er imputed"  # added last, so at hand


def test_beneath_an_opaque_result_nothing_would_be_seen(viewer):
    layers = plain_field()
    for layer in layers:
        layer.blending = "translucent"
    show(viewer, add(viewer, layers))
    assert names(viewer)[-5:-1] == [f"{role} sample 1" for role in ROLES]
    assert names(viewer)[4:8] == [f"{role} imputed" for role in ROLES]
    assert names(viewer)[-1] == "missing"


def test_a_later_run_leaves_nothing_of_an_earlier_one(viewer):
    source = add(viewer, plain_field())
    show(viewer, source, samples=3)
    viewer.layers["er sample 2"].name = "the good one"
    viewer.layers["er sample 3"].visible = True
    show(viewer, source, samples=1)
    left = [name for name in names(viewer) if "sample" in name]
    assert left == [f"{role} sample 1" for role in ROLES]
    assert "the good one" in names(viewer)
    show(viewer, source, samples=0, unsure=False)
    assert not [name for name in names(viewer) if "sample" in name or "uncertainty" in name]
    assert names(viewer).count("missing") == 1


def test_renaming_any_layer_loses_nothing(viewer, tmp_path):
    add(viewer, plain_field())
    show(viewer, field_of(viewer).source())
    count = len(viewer.layers)
    viewer.layers["protein"].name = "what I look at"
    viewer.layers["er"].name = "yellow"
    viewer.layers["missing"].name = "holes"
    assert missing_of(viewer.layers, Source(field_of(viewer).layers(repaired=True)))
    layers = show(viewer, field_of(viewer).source())
    assert len(viewer.layers) == count
    assert {"what I look at imputed", "what I look at sample 2", "holes"} <= set(names(viewer))
    assert "protein imputed" not in names(viewer)
    # A result that is renamed is the person's, and still known for what it is.
    viewer.layers["yellow imputed"].name = "mine"
    assert field_of(viewer).layers(repaired=True)["er"].name == "mine"
    compare = Compare(viewer, layers.pairs())
    compare.show(before=True)
    assert viewer.layers["yellow"].visible
    assert not viewer.layers["mine"].visible
    results = [layer.name for layer in viewer.layers if tag_of(layer).is_result]
    back = saved_again(viewer, results, tmp_path)
    assert set(back.roles) == set(ROLES)
    assert back.missing[:, HOLE[0], HOLE[1]].all()
    assert len(back.samples) == 2


def test_a_cancelled_run_keeps_the_samples_of_the_one_before(viewer):
    source = add(viewer, plain_field())
    show(viewer, source)
    viewer.layers["er sample 1"].visible = True
    before = names(viewer)
    again = ResultLayers(viewer, source, None)
    again.open_all()
    assert not viewer.layers["er sample 1"].visible
    again.discard()
    assert names(viewer) == before
    assert viewer.layers["er sample 1"].visible


def test_names_that_end_in_a_number_keep_all_samples(viewer):
    layers = plain_field()
    for layer in layers:
        layer.name = f"{layer.name} [1]"
    for layer in layers:
        viewer.add_layer(layer)
    source = Source({role: viewer.layers[f"{role} [1]"] for role in ROLES})
    for _ in range(2):
        show(viewer, source)
        found = [name for name in names(viewer) if "sample" in name]
        assert len(found) == 8
        assert "protein [1] sample 2" in found


# --- every kind of source ---------------------------------------------------------------


def test_samples_of_one_plane_are_the_source_elsewhere(viewer):
    pixels = np.stack([paint(seed=k) for k in range(3)], axis=1)
    source = add(viewer, plain_field(pixels, contrast_limits=(0, 255)))
    show(viewer, source, frame={"T": 0, "Z": 1}, ask=True)
    for i, role in enumerate(ROLES):
        sample = np.asarray(viewer.layers[f"{role} sample 2"].data)
        np.testing.assert_array_equal(sample[[0, 2]], pixels[i][[0, 2]])
        assert (sample[(1, *HOLE)] == 52).all()
        unsure = np.asarray(viewer.layers[f"{role} uncertainty"].data)
        assert not unsure[[0, 2]].any()
        assert (unsure[(1, *HOLE)] == 3).all()


def test_samples_have_the_dtype_of_their_channel(viewer):
    layers = plain_field()
    layers[1].data = layers[1].data.astype("float32")
    layers[2].data = layers[2].data.astype("uint16")
    show(viewer, add(viewer, layers))
    for layer in layers:
        sample = viewer.layers[f"{layer.name} sample 1"].data
        assert sample.dtype == layer.data.dtype
        np.testing.assert_array_equal(outside_hole(sample), outside_hole(layer.data))


def test_samples_of_a_pyramid_are_a_pyramid(viewer):
    pixels = paint()
    layers = [
        Image([p, p[::2, ::2]], name=role, multiscale=True, blending="additive")
        for role, p in zip(ROLES, pixels, strict=True)
    ]
    show(viewer, add(viewer, layers), ask=True)
    for what in ("sample 1", "uncertainty"):
        layer = viewer.layers[f"er {what}"]
        assert layer.multiscale
        assert [level.shape for level in layer.data] == [(160, 160), (80, 80)]


def test_samples_of_a_channel_that_was_never_recorded(viewer):
    show(viewer, add(viewer, plain_field()[:3]))
    sample, result = viewer.layers["er sample 1"], viewer.layers["er imputed"]
    assert sample.contrast_limits == result.contrast_limits
    assert tuple(sample.colormap.colors[-1][:3]) == (1, 1, 0)
    assert tag_of(sample).channel == "er"


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (2, 0, 3, 1)])
@pytest.mark.parametrize("axis", [0, 2])
def test_one_layer_in_another_order_of_channels(viewer, tmp_path, order, axis):
    pixels = np.moveaxis(paint()[list(order)], 0, axis)
    axes = "YX"[:axis] + "C" + "YX"[axis:]
    viewer.add_image(
        pixels, name="all", axis_labels=tuple(axes.lower()), blending="additive", rgb=False
    )
    layer = viewer.layers["all"]
    positions = {ROLES[k]: i for i, k in enumerate(order)}
    show(viewer, Source(dict.fromkeys(ROLES, layer), axis, positions), ask=True)
    assert names(viewer)[1:] == [
        "all sample 2",
        "all sample 1",
        "all imputed",
        "all uncertainty",
        "missing",
    ]
    assert viewer.layers["all sample 1"].data.shape == pixels.shape
    np.testing.assert_array_equal(
        np.moveaxis(viewer.layers["all sample 2"].data, axis, 0)[(slice(None), *HOLE)], 52
    )
    back = saved_again(viewer, names(viewer)[1:], tmp_path)
    assert len(back.samples) == 2
    for i, k in enumerate(order):
        role = ROLES[k]
        assert back.roles[role] == i
        for number in (1, 2):
            sample = np.asarray(viewer.layers[f"{role} sample {number}"].data)
            np.testing.assert_array_equal(outside_hole(sample), outside_hole(paint()[k]))
            assert (sample[HOLE] == 50 + number).all()
        assert (np.asarray(viewer.layers[f"{role} uncertainty"].data)[HOLE] == 3).all()


def test_layers_without_a_channel_axis_in_any_order_of_the_list(viewer, tmp_path):
    show(viewer, add(viewer, list(reversed(plain_field()))))
    viewer.layers.reverse()
    back = saved_again(viewer, [n for n in names(viewer) if n not in ROLES], tmp_path)
    for k, role in enumerate(ROLES):
        for number, sample in enumerate(back.samples, 1):
            own = np.asarray(sample)[back.roles[role]]
            np.testing.assert_array_equal(outside_hole(own), outside_hole(paint()[k]))
            assert (own[HOLE] == 50 + number).all()
