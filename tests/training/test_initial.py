"""Starting from an earlier model: what fits is taken, what is new starts as it would."""

from __future__ import annotations

import torch
from torch import nn

from dualgland_training.generator.initial import load_start, widened
from dualgland_training.generator.recipe import read_recipe
from napari_dualgland.model.generator import build_generator
from napari_dualgland.model.weights import SHIPPED, read_card


def test_a_wider_stem_answers_as_the_narrow_one_did() -> None:
    narrow, wide = nn.Conv2d(8, 5, 3), nn.Conv2d(12, 5, 3)
    weight = widened(narrow.weight.detach(), wide.weight.shape)
    assert weight is not None
    wide.load_state_dict({"weight": weight, "bias": narrow.bias})
    x = torch.randn(2, 12, 9, 9)
    torch.testing.assert_close(wide(x), narrow(x[:, :8]))


def test_a_last_layer_that_says_more_says_the_same_and_nothing_yet() -> None:
    narrow, wide = nn.Conv2d(8, 5, 3), nn.Conv2d(8, 7, 3)
    assert widened(narrow.weight.detach(), wide.weight.shape) is None
    new = {
        name: widened(getattr(narrow, name).detach(), getattr(wide, name).shape, outputs=True)
        for name in ("weight", "bias")
    }
    assert all(tensor is not None for tensor in new.values())
    wide.load_state_dict(new)
    x = torch.randn(2, 8, 9, 9)
    torch.testing.assert_close(wide(x)[:, :5], narrow(x))
    assert not wide(x)[:, 5:].any()


def test_what_is_no_wider_input_is_refused() -> None:
    earlier = torch.ones(5, 8, 3, 3)
    for other in ((5, 4, 3, 3), (6, 8, 3, 3), (5, 8, 1, 1), (5, 8)):
        assert widened(earlier, torch.Size(other)) is None


def test_a_lab_goes_on_from_all_of_the_shipped_generator() -> None:
    card = read_card("generator")[0]
    recipe = read_recipe(SHIPPED.parent / "recipes" / "shipped.yaml")
    for name, value in card.architecture.items():
        if name not in ("kind", "draws"):
            assert getattr(recipe, name) == (tuple(value) if isinstance(value, list) else value)


def test_the_shipped_generator_is_taken_whole_and_a_stranger_in_part() -> None:
    weights = SHIPPED / "generator.safetensors"
    architecture = read_card("generator")[0].architecture
    same = build_generator(architecture)
    assert load_start(same, weights) == []
    assert float(same.head.weight.detach().abs().max()) > 0
    other = build_generator(architecture | {"widths": (48, 96, 64)})
    before = {name: tensor.clone() for name, tensor in other.state_dict().items()}
    new = load_start(other, weights)
    assert "bottom.0.first.weight" in new
    assert "stem.weight" not in new
    assert torch.equal(other.state_dict()["bottom.0.first.weight"], before["bottom.0.first.weight"])
    assert torch.equal(other.stem.weight, same.stem.weight)
