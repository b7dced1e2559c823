"""The salivary loss against its formulas in plain loops, and what it must hold on cells."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from gland_scenes import SCENES, cells, holes, spoiled

from dualgland_training.losses import salivary_loss
from dualgland_training.losses.salivary import SCALES, distance_to_observed


def phi(u: float) -> float:
    return math.sqrt(u * u + 1e-6)


def slow_distance(plane: np.ndarray) -> np.ndarray:
    """Distance to the nearest observed pixel, by looking at all of them."""
    seen = np.argwhere(~plane)
    out = np.zeros(plane.shape)
    for y, x in np.argwhere(plane):
        out[y, x] = np.sqrt(((seen - (y, x)) ** 2).sum(1)).min() if len(seen) else sum(plane.shape)
    return out


def slow_salivary(prediction, target, missing, rho=0.2, reach=12.0, kappa=2.0):
    """The means of R and of J over scales by their formulas, one image at a time."""
    images = []
    for ours, truth, mask in zip(prediction, target, missing, strict=True):
        total = np.zeros(2)
        depth = np.stack([slow_distance(plane) for plane in mask])
        composite = np.where(mask, ours, truth)
        for s in SCALES:
            above = below = jumps = rims = 0.0
            shape = (truth.shape[1] // s, truth.shape[2] // s)
            for c in range(4):
                x, y, m, d = (np.zeros(shape) for _ in range(4))
                for i in range(shape[0]):
                    for j in range(shape[1]):
                        part = (c, slice(i * s, i * s + s), slice(j * s, j * s + s))
                        x[i, j], y[i, j] = truth[part].mean(), composite[part].mean()
                        m[i, j] = mask[part].mean()
                        if m[i, j]:
                            d[i, j] = (depth[part] * mask[part]).mean() / m[i, j]
                weight = m * (rho + (1 - rho) * np.exp(-d / (reach * s)))
                for i in range(shape[0]):
                    for j in range(shape[1]):
                        scale = kappa if c == 1 else 1.0
                        above += scale * weight[i, j] * phi(y[i, j] - x[i, j])
                        below += weight[i, j]
                        for di, dj in ((1, 0), (0, 1)):
                            if i + di >= shape[0] or j + dj >= shape[1]:
                                continue
                            rim = abs(m[i + di, j + dj] - m[i, j])
                            steep = y[i + di, j + dj] - y[i, j]
                            jumps += rim * phi(steep - (x[i + di, j + dj] - x[i, j]))
                            rims += rim
            total += above / max(below, 1e-6), jumps / max(rims, 1e-6)
        images.append(total / len(SCALES))
    return np.mean(images, 0)


@pytest.mark.parametrize("kind", SCENES)
def test_it_follows_its_formulas(kind: str) -> None:
    target, missing = cells(kind)[:, :, 24:56, 24:64], holes()[:, :, 24:56, 24:64].clone()
    missing[1, 3] = True
    prediction = target + 0.3 * torch.randn(
        target.shape, generator=torch.Generator().manual_seed(0)
    )
    ours = salivary_loss(prediction, target, missing)
    slow, steps = slow_salivary(
        *(t.double().numpy() for t in (prediction, target)), missing.numpy()
    )
    assert float(ours) == pytest.approx(slow + 0.5 * steps, rel=1e-4)
    smooth = salivary_loss(prediction, target, missing, jump=0)
    assert float(smooth) == pytest.approx(slow, rel=1e-4)


@pytest.mark.parametrize("kind", SCENES)
def test_the_truth_is_best(kind: str) -> None:
    target, missing = cells(kind), holes()
    best = float(salivary_loss(target, target, missing))
    # φ(0) = 10⁻³, with κ and the jump's half.
    assert best <= 2.5e-3
    for name, picture in spoiled(target).items():
        assert float(salivary_loss(picture, target, missing)) > 2 * best, name


@pytest.mark.parametrize("kind", SCENES)
def test_gradients_stay_in_the_hole(kind: str) -> None:
    target, missing = cells(kind), holes()
    noise = torch.randn(target.shape, generator=torch.Generator().manual_seed(0))
    prediction = (target + 0.1 * noise).requires_grad_()
    salivary_loss(prediction, target, missing).backward()
    assert prediction.grad is not None
    assert torch.isfinite(prediction.grad).all()
    assert not prediction.grad[~missing].any()
    assert (prediction.grad[missing] != 0).float().mean() > 0.99


@pytest.mark.parametrize("kind", SCENES)
def test_an_image_does_not_hang_on_its_batch(kind: str) -> None:
    target, missing = cells(kind), holes()
    prediction = spoiled(target)["blurred"]
    parts = [
        salivary_loss(prediction[i : i + 1], target[i : i + 1], missing[i : i + 1]) for i in (0, 1)
    ]
    whole = salivary_loss(prediction, target, missing)
    torch.testing.assert_close(whole, (parts[0] + parts[1]) / 2)


def test_what_is_near_the_rim_counts_more_and_the_middle_still_counts() -> None:
    target, missing = cells("simulated"), holes()
    missing[1] = False
    rim, middle = target.clone(), target.clone()
    rim[0, :, 31:35, 31:35] += 0.5
    middle[0, :, 44:48, 40:44] += 0.5
    near, deep = (float(salivary_loss(p, target, missing, jump=0)) for p in (rim, middle))
    best = float(salivary_loss(target, target, missing, jump=0))
    assert near > deep > best


def test_a_step_at_the_rim_is_what_the_jump_sees() -> None:
    target, missing = cells("simulated")[:1], holes()[:1]
    missing[:, :, 64:] = False
    _, level = salivary_loss(target + 0.3, target, missing, terms=True)
    ramp = torch.zeros_like(target)
    ramp[:, :, 38:54, 32:52] = 0.3
    _, inside = salivary_loss(target + ramp, target, missing, terms=True)
    assert float(level["J1"]) > 10 * float(inside["J1"])
    assert set(level) == {f"{name}{s}" for name in "RJ" for s in SCALES}


def test_nothing_missing_costs_nothing_and_a_lost_channel_is_finite() -> None:
    target = cells("simulated")
    nothing = torch.zeros(target.shape, dtype=torch.bool)
    assert float(salivary_loss(target + 1, target, nothing)) == 0
    gone = nothing.clone()
    gone[:, 2] = True
    assert float(distance_to_observed(gone).max()) == sum(target.shape[2:])
    loss = salivary_loss(target + 0.1, target, gone)
    assert 0.05 < float(loss) < 0.2


def test_what_stands_outside_the_hole_is_not_looked_at() -> None:
    target, missing = cells("simulated"), holes()
    prediction = torch.where(missing, target + 0.1, torch.nan)
    assert torch.isfinite(salivary_loss(prediction, target, missing))
