"""Soft compartments: of simulated cells as they were drawn, whatever exposure and scale."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dualgland_training.simulate import simulate_field
from napari_dualgland.model.compartments import (
    COMPARTMENTS,
    boundary_map,
    soft_compartments,
)


@pytest.fixture(scope="module")
def field() -> torch.Tensor:
    return torch.from_numpy(np.asarray(simulate_field((256, 256), seed=4).data, dtype=np.float32))[
        None
    ]


def areas(kinds: torch.Tensor) -> dict[str, float]:
    return dict(zip(COMPARTMENTS, kinds[0].mean((1, 2)).tolist(), strict=True))


def test_every_pixel_is_somewhere(field: torch.Tensor) -> None:
    kinds = soft_compartments(field)
    assert kinds.shape == (1, 5, 256, 256)
    assert float(kinds.min()) >= 0
    torch.testing.assert_close(kinds.sum(1), torch.ones(1, 256, 256))
    assert min(areas(kinds).values()) > 0.01


def test_the_nucleus_is_where_dapi_is_and_the_background_where_nothing_is(
    field: torch.Tensor,
) -> None:
    kinds = soft_compartments(field)
    bright = field[0, 2] > torch.quantile(field[0, 2], 0.95)
    assert float((kinds[0, 0] + kinds[0, 1])[bright].mean()) > 0.85
    dark = (field[0, 0] + field[0, 3] + field[0, 2]) <= torch.quantile(
        field[0, 0] + field[0, 3] + field[0, 2], 0.05
    )
    assert float((kinds[0, 4] + kinds[0, 3])[dark].mean()) > 0.85


def test_exposure_does_not_matter(field: torch.Tensor) -> None:
    gains = torch.tensor([0.2, 1.0, 3.0, 40.0])[:, None, None]
    offsets = torch.tensor([0.0, 0.0, 12.0, 300.0])[:, None, None]
    torch.testing.assert_close(
        soft_compartments(field), soft_compartments(field * gains + offsets), rtol=0, atol=2e-2
    )


def test_the_protein_is_not_looked_at(field: torch.Tensor) -> None:
    other = field.clone()
    other[:, 1] = torch.rand(256, 256)
    assert torch.equal(soft_compartments(field), soft_compartments(other))


@pytest.mark.parametrize("factor", [2])
def test_widths_are_in_micrometres(field: torch.Tensor, factor: int) -> None:
    half = torch.nn.functional.avg_pool2d(field, factor)
    fine, coarse = areas(soft_compartments(field, 0.16)), areas(soft_compartments(half, 0.32))
    for name in COMPARTMENTS:
        assert coarse[name] == pytest.approx(fine[name], rel=0.25), name


@pytest.mark.parametrize("value", [0.0, float("nan")])
@pytest.mark.parametrize("lost", [(0,), (3,), (2,), (0, 3)])
def test_a_landmark_may_be_absent(field: torch.Tensor, lost: tuple[int, ...], value: float) -> None:
    known = soft_compartments(field)
    damaged = field.clone()
    damaged[:, list(lost)] = value
    kinds = soft_compartments(damaged)
    assert torch.isfinite(kinds).all()
    torch.testing.assert_close(kinds.sum(1), torch.ones(1, 256, 256))
    if 2 not in lost:
        assert areas(kinds)["nucleus"] == pytest.approx(areas(known)["nucleus"], rel=0.2)
    if len(lost) == 1 and 2 not in lost:
        assert areas(kinds)["background"] == pytest.approx(areas(known)["background"], abs=0.25)


def test_an_image_does_not_hang_on_its_batch(field: torch.Tensor) -> None:
    other = field.flip(3) * 5
    together = soft_compartments(torch.cat([field, other]))
    torch.testing.assert_close(together[:1], soft_compartments(field))


def test_noise_alone_is_background() -> None:
    noise = torch.rand(1, 4, 128, 128, generator=torch.Generator().manual_seed(0))
    assert areas(soft_compartments(noise))["background"] > 0.95


def test_the_boundary_map_is_high_where_compartments_meet() -> None:
    kinds = torch.zeros(1, 5, 8, 8)
    kinds[:, 0, :, :4] = 1
    kinds[:, 2, :, 4:] = 1
    drawn = boundary_map(kinds)[0, 0]
    assert drawn[:, 3].tolist() == drawn[:, 4].tolist() == [0.25] * 8
    assert not drawn[:, [0, 1, 2, 5, 6, 7]].any()
