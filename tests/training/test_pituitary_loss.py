"""The pituitary loss against its formulas in plain loops, and what it must hold on cells."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from gland_scenes import SCENES, cells, holes, spoiled

from dualgland_training.losses import pituitary_loss
from dualgland_training.losses.pituitary import (
    OFFSETS,
    SetPoints,
    feedback_gain,
    pair_loss,
    violations,
)
from napari_dualgland.model.compartments import set_points, soft_compartments


def phi(u: float) -> float:
    return math.sqrt(u * u + 1e-6)


def slow_pair(prediction, target, missing, compartments, eta=3.0, sigma=4.0):
    """L_pair from its formula, pair by pair, one image at a time."""
    images = []
    for ours, truth, mask, kinds in zip(prediction, target, missing, compartments, strict=True):
        composite = np.where(mask, ours, truth)
        above = below = 0.0
        height, width = truth.shape[1:]
        for dy, dx in OFFSETS:
            for y in range(height):
                for x in range(width):
                    v, u = y + dy, x + dx
                    if not (v < height and 0 <= u < width):
                        continue
                    apart = 1 - float(kinds[:, y, x] @ kinds[:, v, u])
                    near = math.exp(-(dy * dy + dx * dx) / (2 * sigma**2)) * (1 + eta * apart)
                    for c in range(4):
                        weight = near * max(mask[c, y, x], mask[c, v, u])
                        ours_differ = composite[c, y, x] - composite[c, v, u]
                        above += weight * phi(ours_differ - (truth[c, y, x] - truth[c, v, u]))
                        below += weight
        images.append(above / max(below, 1e-6))
    return float(np.mean(images))


def slow_set_point(channel, kinds, k, epsilon=0.1):
    """The logarithm of a channel's mean in a compartment over that in the cell."""
    channel = np.maximum(channel, 0)
    inside = 1 - kinds[-1]
    cell = (inside * channel).sum() / inside.sum()
    part = (kinds[k] * channel).sum() / kinds[k].sum()
    return math.log((part + epsilon * cell + 1e-6) / (cell * (1 + epsilon) + 1e-6))


@pytest.fixture(scope="module", params=SCENES)
def scene(request: pytest.FixtureRequest) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    target = cells(request.param)
    return target, holes(), soft_compartments(target)


Scene = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


def test_the_pairs_follow_their_formula(scene: Scene) -> None:
    target, missing, kinds = (t[:, :, 24:48, 24:52] for t in scene)
    noise = torch.randn(target.shape, generator=torch.Generator().manual_seed(0))
    prediction = target + 0.3 * noise
    ours = pituitary_loss(prediction, target, missing, kinds, home=0)
    slow = slow_pair(
        *(t.double().numpy() for t in (prediction, target)), missing.numpy(), kinds.numpy()
    )
    assert float(ours) == pytest.approx(slow, rel=1e-4)


def test_set_points_follow_their_formula(scene: Scene) -> None:
    target, _, kinds = scene
    ours = set_points(target, kinds)
    for c in range(4):
        for k in range(5):
            slow = slow_set_point(target[0, c].double().numpy(), kinds[0].double().numpy(), k)
            assert float(ours[0, c, k]) == pytest.approx(slow, abs=1e-3)


def test_home_follows_its_formula(scene: Scene) -> None:
    target, missing, kinds = scene
    prediction = spoiled(target)["mean"]
    composite = torch.where(missing, prediction, target)
    theta = torch.full((4, 5), 0.2)
    tau = torch.full((4, 5), 0.3)
    gain = torch.tensor([0.5, 2.0, 1.0, 1.5, 1.0])
    _, named = pituitary_loss(
        prediction, target, missing, kinds, set_points=SetPoints(theta, tau), gain=gain, terms=True
    )
    images = []
    for b in range(2):
        total = 0.0
        hurt = [c for c in range(4) if missing[b, c].any()]
        for c in hurt:
            for k in range(5):
                if float(kinds[b, k].sum()) < 25:
                    continue
                here = slow_set_point(
                    composite[b, c].double().numpy(), kinds[b].double().numpy(), k
                )
                off = max(0.0, abs(here - 0.2) / 0.3 - 1)
                total += float(gain[k]) * (off**2 if off <= 1 else 2 * off - 1)
        images.append(total / len(hurt))
    assert float(named["home"]) == pytest.approx(np.mean(images), rel=1e-3)
    assert named["violation"].shape == (5,)


def test_the_truth_is_best_and_blur_is_punished(scene: Scene) -> None:
    target, missing, kinds = scene
    best = float(pituitary_loss(target, target, missing, kinds))
    assert best == pytest.approx(1e-3, rel=1e-3)
    for name, picture in spoiled(target).items():
        assert float(pituitary_loss(picture, target, missing, kinds)) > 2 * best, name


def test_gradients_stay_in_the_hole(scene: Scene) -> None:
    target, missing, kinds = scene
    noise = torch.randn(target.shape, generator=torch.Generator().manual_seed(0))
    prediction = (target + 0.1 * noise).requires_grad_()
    pituitary_loss(prediction, target, missing, kinds).backward()
    assert prediction.grad is not None
    assert torch.isfinite(prediction.grad).all()
    assert not prediction.grad[~missing].any()
    assert (prediction.grad[missing] != 0).float().mean() > 0.99


def test_an_image_does_not_hang_on_its_batch(scene: Scene) -> None:
    target, missing, kinds = scene
    prediction = spoiled(target)["shifted"]
    parts = [
        pituitary_loss(*(t[i : i + 1] for t in (prediction, target, missing, kinds)))
        for i in (0, 1)
    ]
    whole = pituitary_loss(prediction, target, missing, kinds)
    torch.testing.assert_close(whole, (parts[0] + parts[1]) / 2)


def test_exposure_moves_no_set_point(scene: Scene) -> None:
    target, _, kinds = scene
    for factor in (0.25, 4.0):
        torch.testing.assert_close(
            set_points(factor * target, kinds), set_points(target, kinds), rtol=1e-3, atol=1e-3
        )


def test_an_edge_that_leaves_its_boundary_costs_more_than_one_that_moves_inside() -> None:
    # Two compartments side by side; the intensity steps at their boundary, or in the middle
    # of the second. Both steps move by three pixels.
    kinds = torch.zeros(1, 5, 48, 96)
    kinds[:, 0, :, :32] = 1
    kinds[:, 2, :, 32:] = 1
    columns = torch.arange(96.0)
    missing = torch.zeros(1, 4, 48, 96, dtype=torch.bool)
    missing[:, :, 8:40, 16:80] = True

    def cost(edge: int, eta: float = 3.0) -> float:
        target = (columns >= edge).float().expand(1, 4, 48, 96)
        moved = (columns >= edge + 3).float().expand(1, 4, 48, 96)
        error = torch.where(missing, moved - target, torch.zeros(()))
        return float(pair_loss(error, missing, kinds, eta))

    assert cost(32) > 1.2 * cost(56)

    # Blind to compartments, the two cost the same.
    def blind(edge: int) -> float:
        target = (columns >= edge).float().expand(1, 4, 48, 96)
        moved = (columns >= edge + 3).float().expand(1, 4, 48, 96)
        error = torch.where(missing, moved - target, torch.zeros(()))
        return float(pair_loss(error, missing, kinds, eta=0))

    assert blind(32) == pytest.approx(blind(56), rel=1e-3)


def test_only_hurt_channels_can_be_out_of_balance(scene: Scene) -> None:
    target, missing, kinds = scene
    off = violations(target * 0, target, missing, kinds)
    assert not off[1, [0, 2, 3]].any()
    assert not violations(target, target, missing, kinds).any()


def test_the_gland_furthest_from_its_set_point_is_driven_hardest() -> None:
    gain = feedback_gain(torch.tensor([0.0, 1.0, 1.0, 1.0, 9.0]))
    assert gain.tolist() == pytest.approx([0.5, 0.5, 0.5, 0.5, 2.0])
    assert feedback_gain(torch.zeros(5)).tolist() == [1.0] * 5
    assert feedback_gain(torch.tensor([1.0, 2.0, 3.0])).tolist() == pytest.approx([0.5, 1.0, 1.5])


def test_nothing_missing_costs_nothing(scene: Scene) -> None:
    target, _, kinds = scene
    nothing = torch.zeros(target.shape, dtype=torch.bool)
    assert float(pituitary_loss(target + 1, target, nothing, kinds)) == 0


def test_a_dark_channel_has_no_set_point():
    image = cells("simulated").clone()
    missing = torch.zeros_like(image, dtype=torch.bool)
    missing[:, 1, 20:70, 20:70] = True
    kinds = soft_compartments(image)
    image[:, 1] = 0.001 * image[:, 1]
    wrong = torch.where(missing, image * 0.2, image).requires_grad_()
    loss, named = pituitary_loss(wrong, image, missing, kinds, terms=True)
    loss.backward()
    assert float(named["home"].detach()) == 0
    # Without the limit the slope of the logarithm is a thousand times as steep.
    assert float(wrong.grad.abs().max()) < 0.1
