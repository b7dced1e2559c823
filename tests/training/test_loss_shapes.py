"""Every loss refuses shapes that would broadcast into a figure of nothing, and says the numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from dualgland_training.losses import pituitary_loss, reconstruction_loss, salivary_loss
from dualgland_training.losses.adversarial import (
    discriminator_loss,
    feature_distance,
    generator_loss,
    gradient_penalty,
)
from dualgland_training.losses.means import weighted
from dualgland_training.losses.pituitary import SetPoints, pair_loss, violations
from dualgland_training.losses.reconstruction import squared_error
from dualgland_training.losses.salivary import distance_to_observed
from dualgland_training.losses.spread import spread_loss

PICTURE = torch.linspace(0, 1, 2 * 4 * 8 * 8).reshape(2, 4, 8, 8)
MASK = torch.zeros(2, 4, 8, 8, dtype=torch.bool)
MASK[:, :, 2:5, 2:6] = True
KINDS = torch.full((2, 5, 8, 8), 0.2)
PATCHES = torch.ones(2, 1, 3, 3)
GLANDS = {"prediction": PICTURE, "target": PICTURE, "missing": MASK}
RECONSTRUCTION = {**GLANDS, "log_sigma": PICTURE, "prior": PICTURE}
ADVERSARIAL = {"measured": PATCHES, "drawn": PATCHES, "weights": PATCHES}

LOSSES: list[tuple[Callable[..., Any], dict[str, Any]]] = [
    (salivary_loss, {**GLANDS, "distance": PICTURE}),
    (distance_to_observed, {"missing": MASK}),
    (pituitary_loss, {**GLANDS, "compartments": KINDS, "gain": torch.ones(5)}),
    (pair_loss, {"error": PICTURE, "missing": MASK, "compartments": KINDS}),
    (violations, {**GLANDS, "compartments": KINDS}),
    (squared_error, GLANDS),
    (reconstruction_loss, RECONSTRUCTION),
    (spread_loss, {"first": PICTURE, "second": PICTURE, "target": PICTURE, "missing": MASK}),
    (discriminator_loss, ADVERSARIAL),
    (generator_loss, {"drawn": PATCHES, "weights": PATCHES}),
    (feature_distance, {"drawn": [PICTURE], "measured": [PICTURE], "missing": MASK}),
    (weighted, {"values": PICTURE, "weights": PICTURE}),
]

CASES = [
    pytest.param(loss, given, name, id=f"{loss.__name__}-{name}")
    for loss, given in LOSSES
    for name in given
]


def numbers(value: Any) -> str:
    return str(tuple(value[0].shape if isinstance(value, list) else value.shape))


@pytest.mark.parametrize(("loss", "given", "name"), CASES)
def test_one_argument_of_another_shape_is_refused(loss, given, name):
    loss(**given)  # as it should be
    value = given[name]
    wrongs = [lambda t: t[0]]  # one axis fewer
    # Alone there is nothing to differ from, and maps of features are of any size.
    if len(given) > 1 and (loss, name) != (feature_distance, "missing"):
        wrongs += [lambda t: t[..., :-1]]
    if len(given) > 1 and name != "gain":  # one picture for two would broadcast
        wrongs += [lambda t: t[:1]]
    for wrong in wrongs:
        spoiled = [wrong(value[0])] if isinstance(value, list) else wrong(value)
        with pytest.raises(ValueError) as caught:  # noqa: PT011
            loss(**{**given, name: spoiled})
        assert numbers(spoiled) in str(caught.value)


@pytest.mark.parametrize("loss", [salivary_loss, pituitary_loss, feature_distance])
def test_losses_of_the_four_channels_take_no_other_number(loss):
    _, given = next((f, g) for f, g in LOSSES if f is loss)
    if loss is feature_distance:
        three = {**given, "missing": MASK[:, :3]}
    else:
        three = {k: v[:, :3] if v.ndim == 4 and v.shape[1] == 4 else v for k, v in given.items()}
    with pytest.raises(ValueError, match=r"\(B, 4, H, W\).*\(2, 3, 8, 8\)"):
        loss(**three)


def test_set_points_of_other_compartments_are_refused():
    points = SetPoints(torch.zeros(4, 3), torch.ones(4, 3))
    with pytest.raises(ValueError, match=r"theta \(4, 3\) must be \(C, K\) or \(B, C, K\)"):
        pituitary_loss(**GLANDS, compartments=KINDS, set_points=points)


def test_the_penalty_weighs_patches_of_the_logits():
    picture = PICTURE.clone().requires_grad_()
    logits = torch.nn.functional.avg_pool2d(picture.mean(1, keepdim=True), 2)
    assert gradient_penalty(logits, picture, torch.ones(2, 1, 4, 4)).ndim == 0
    with pytest.raises(ValueError, match=r"logits \(2, 1, 4, 4\), weights \(2, 1, 3, 3\)"):
        gradient_penalty(logits, picture, PATCHES)
    with pytest.raises(ValueError, match=r"picture \(4, 8, 8\)"):
        gradient_penalty(logits, picture[0], torch.ones(2, 1, 4, 4))
