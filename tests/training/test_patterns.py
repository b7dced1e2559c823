"""Patterns lie where the biology of their class says, on drawn and on other cells alike."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from dualgland_training.simulate import simulate_field
from dualgland_training.simulate.layout import draw_layout
from dualgland_training.simulate.mixture import pattern_light, truth_of
from dualgland_training.simulate.patterns import PATTERNS
from dualgland_training.simulate.real import real_scene
from dualgland_training.simulate.scene import Scene, Streams, draw_scene, flattened
from napari_dualgland.classes import CLASSES, NEGATIVE

PIXEL_UM = 0.2


def scene_of(seed: int, mitotic: float = 0.0, bridges: float = 0.0) -> Scene:
    rng = np.random.default_rng(seed)
    layout = draw_layout((300, 300), PIXEL_UM, rng, cells=4, mitotic=mitotic)
    return flattened(draw_scene(layout, Streams(*rng.spawn(4)), bridges=bridges).scene)


@pytest.fixture(scope="module")
def scene() -> Scene:
    return scene_of(1)


def all_lights(scene: Scene) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(2)
    return {name: pattern_light(scene, name, rng) for name in PATTERNS}


@pytest.fixture(scope="module")
def lights(scene):
    return all_lights(scene)


def test_every_class_but_negative_can_be_drawn():
    assert (*PATTERNS, CLASSES[NEGATIVE]) == CLASSES


@pytest.mark.parametrize("name", [n for n in PATTERNS if n != "Mitotic spindle"])
def test_light_is_finite_in_cells_only_and_scaled(scene, lights, name):
    light = lights[name]
    cells = scene.layout.cells
    assert light.dtype == np.float32
    assert np.isfinite(light).all()
    assert light[cells == 0].max() == 0
    assert light.min() >= -1e-6
    shown = [light[cells == k] for k in range(1, scene.count + 1) if (cells == k).sum() > 4000]
    bright = [part for part in shown if part.max() > 0]
    assert len(bright) >= 0.6 * len(shown)
    for part in bright:
        assert np.quantile(part, 0.996) <= 1.0 + 1e-4
        assert part.max() >= 1.0 - 1e-4


def test_each_lies_in_its_compartment(scene, lights):
    nuclei = ndimage.binary_dilation(scene.layout.nuclei > 0, iterations=2)
    cytoplasm = (scene.layout.cells > 0) & ~nuclei

    def share(name: str, where: np.ndarray) -> float:
        truth = truth_of(lights[name], name)
        return float((truth & where).sum() / truth.sum())

    for name in CLASSES[:6]:
        assert share(name, nuclei) > 0.97, name
    for name in ("Golgi apparatus", "Mitochondria", "Aggresome", CLASSES[17]):
        assert share(name, cytoplasm) > 0.85, name
    assert share("Nucleoli", scene.nucleoli > 0.2) > 0.9
    assert share("Nuclear speckles", scene.nucleoli > 0.8) < 0.1
    rim = np.where(scene.layout.nuclei > 0, scene.depth, scene.layout.nucleus_distance) < 0.8
    assert share("Nuclear membrane", rim) > 0.4
    assert share("Centrosome", scene.centre_distance < 6) > 0.95


def test_membrane_follows_the_edge_and_does_not_spare_the_nucleus(scene, lights):
    layout = scene.layout
    edge = (layout.cells > 0) & (layout.edge_distance < 0.5)
    middle = (layout.edge_distance > 3) & (layout.nuclei == 0)
    assert lights["Plasma membrane"][edge].mean() > 1.5 * lights["Plasma membrane"][middle].mean()
    inside = (layout.nuclei > 0) & (scene.depth > 1)
    membrane, cytosol = lights["Plasma membrane"], lights["Cytosol"]
    over_nucleus = membrane[inside].mean() / membrane[middle].mean()
    assert over_nucleus > cytosol[inside].mean() / cytosol[middle].mean()


def test_er_and_microtubules_follow_their_landmarks(scene, lights):
    inside = scene.layout.cells > 0
    for name, mark in (("Endoplasmic reticulum", scene.er), ("Microtubules", scene.microtubules)):
        own, other = (
            np.corrcoef(lights[n][inside], mark[0][inside])[0, 1] for n in (name, "Mitochondria")
        )
        assert own > 0.5
        assert own > other + 0.2


def test_a_spindle_is_in_dividing_cells_and_nowhere_else(scene, lights):
    assert lights["Mitotic spindle"].max() == 0
    dividing = scene_of(4, mitotic=1.0)
    assert dividing.divides[dividing.layout.cells > 0].all()
    spindle = pattern_light(dividing, "Mitotic spindle", np.random.default_rng(0))
    assert truth_of(spindle, "Mitotic spindle")[dividing.spindle > 0.5].mean() > 0.5
    assert pattern_light(dividing, "Nuclear bodies", np.random.default_rng(0)).max() == 0


def test_a_bridge_crosses_the_border_of_two_cells():
    hanging = scene_of(1, bridges=1.0)
    light = pattern_light(hanging, "Mitotic spindle", np.random.default_rng(0))
    shining = truth_of(light, "Mitotic spindle")
    assert shining.any()
    assert (hanging.layout.edge_distance[shining] < 5).mean() > 0.9


def test_same_seed_same_light(scene, lights):
    for name, again in all_lights(scene).items():
        np.testing.assert_array_equal(again, lights[name])


def test_a_real_cell_is_drawn_into_as_well():
    field = simulate_field((360, 360), 0.16, seed=3, cells=2)
    label = int(np.argmax(np.bincount(field.cells[field.nuclei > 0])))
    own = field.cells == label
    tubulin, _, dna, er = field.data
    scene = real_scene(tubulin, dna, er, own, 0.16)
    assert scene is not None
    overlap = (scene.layout.nuclei > 0) & (field.nuclei == label)
    assert overlap.sum() > 0.8 * (field.nuclei == label).sum()
    light = pattern_light(scene, "Nucleoplasm", np.random.default_rng(0))
    assert light[~own].max() == 0
    assert light[field.nuclei == label].mean() > 5 * light[own & (field.nuclei == 0)].mean()
    assert real_scene(tubulin, np.zeros_like(dna), er, own, 0.16) is None


def test_a_field_takes_locations_and_refuses_others():
    plain = simulate_field((96, 96), seed=5, cells=1)
    nuclear = simulate_field((96, 96), seed=5, cells=1, locations={"Nucleoplasm": 1.0})
    np.testing.assert_array_equal(plain.cells, nuclear.cells)
    for channel, alike in ((0, True), (1, False), (2, True), (3, True)):
        # Noise is drawn in the order of the channels, so landmarks differ by it and no more.
        told = np.corrcoef(plain.data[channel].ravel(), nuclear.data[channel].ravel())[0, 1]
        assert (told > 0.9) == alike, channel
    for wrong in ({"Negative": 1.0}, {}, {"nucleus": 1.0}):
        with pytest.raises(ValueError, match="locations"):
            simulate_field((96, 96), locations=wrong)
