"""Calibration: a model that is right is followed, one that is wrong is not."""

import numpy as np
import pytest
import torch
from imputation.scenes import blobs, box, calibrated

from napari_dualgland.imputation.calibration import errors
from napari_dualgland.model.evidence import Evidence
from napari_dualgland.model.filler import Fill, PriorFiller
from napari_dualgland.model.weights import read_card


class Claim(PriorFiller):
    """Departs from the prior towards or away from what is true, and says how sure it is."""

    def __init__(self, truth_scale: float, sigma: float) -> None:
        super().__init__(read_card("prior")[0], torch.device("cpu"))
        self.truth_scale, self.sigma = truth_scale, sigma

    def fill(self, evidence: Evidence) -> Fill:
        step = self.truth_scale * (evidence.guided - evidence.prior)
        return Fill(evidence.prior + step, torch.full_like(evidence.prior, self.sigma))


Scene = tuple[np.ndarray, np.ndarray]


@pytest.fixture(scope="module")
def scene() -> Scene:
    """A protein that follows the ER, lost in a box: the guided prior is right there."""
    image = np.rint(200 * blobs((160, 192), 4)).astype(np.uint8)
    return image, box(image.shape, channels=[1], side=40)


def model_weight(scene: Scene, scale: float) -> float:
    return float(calibrated(*scene, Claim(scale, 0.1)).model_weight[1])


def test_who_is_right_is_followed(scene: Scene) -> None:
    assert model_weight(scene, 1.0) > 0.9


def test_who_is_wrong_is_not(scene: Scene) -> None:
    assert model_weight(scene, -1.0) == 0


def test_who_exaggerates_is_followed_in_part(scene: Scene) -> None:
    assert 0.1 < model_weight(scene, 3.0) < 0.6


def test_channels_without_holes_are_left_alone(scene: Scene) -> None:
    done = calibrated(*scene, Claim(-1, 0.1))
    assert done.model_weight[[0, 2, 3]].tolist() == [1, 1, 1]
    assert done.pixels > 0


def test_nothing_is_rehearsed_for_learning_where_nothing_can_be_learned(scene: Scene) -> None:
    one, other = (calibrated(*scene, Claim(1, 0.1), adapt=adapt) for adapt in (True, False))
    assert one.pixels == other.pixels
    assert torch.equal(one.model_weight, other.model_weight)


def test_boasting_is_corrected(scene: Scene) -> None:
    bold, shy = (
        float(calibrated(*scene, Claim(1, sigma)).sigma_factor[1]) for sigma in (1e-3, 1.0)
    )
    assert bold > 5
    assert shy < 0.8


def test_missing_pixels_take_no_part(scene: Scene) -> None:
    image, mask = scene
    spoiled = np.where(mask, 255, image)
    one, other = (calibrated(i, mask, Claim(1, 0.1)) for i in (image, spoiled))
    assert torch.equal(one.model_weight, other.model_weight)
    assert torch.equal(one.sigma_factor, other.sigma_factor)


class Greedy(Claim):
    """A model on a device with so little memory that few windows fit at once."""

    def __init__(self, limit: int) -> None:
        super().__init__(0.5, 0.1)
        self.limit, self.at_once = limit, []

    def fill(self, evidence: Evidence) -> Fill:
        if evidence.prior[:, 0].numel() > self.limit:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        self.at_once.append(len(evidence.prior))
        return super().fill(evidence)


def test_with_less_memory_fewer_windows_are_filled_at_once(scene: Scene) -> None:
    plenty, scarce = Greedy(4 * 160**2), Greedy(3 * 160**2)
    one, other = (calibrated(*scene, filler) for filler in (plenty, scarce))
    assert max(plenty.at_once) == 4
    assert max(scarce.at_once) == 2
    assert sum(plenty.at_once) == sum(scarce.at_once)
    assert torch.equal(one.model_weight, other.model_weight)
    assert torch.equal(one.sigma_factor, other.sigma_factor)
    with pytest.raises(torch.OutOfMemoryError):
        calibrated(*scene, Greedy(160**2 - 1))


def test_of_more_windows_fewer_pixels_are_kept_of_each(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    plenty = calibrated(*scene, Claim(1, 0.1))
    assert plenty.pixels > 4000
    monkeypatch.setattr(errors, "MOST_IN_ALL", 1000)
    few = calibrated(*scene, Claim(1, 0.1))
    assert 0 < few.pixels <= 4 * 1000


def test_where_nothing_can_be_held_out_the_model_is_followed() -> None:
    image = np.zeros((4, 20, 20), np.uint8)
    done = calibrated(image, box(image.shape, side=4), Claim(1, 0.1))
    assert done.model_weight.tolist() == [1, 1, 1, 1]
    assert done.pixels == 0
