"""Rehearsing: a model that is right is believed, one that is wrong is not."""

import numpy as np
import pytest
import torch
from imputation.scenes import blobs, box, rehearse

from napari_dualgland.imputation.survey import survey
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


@pytest.fixture(scope="module")
def scene() -> tuple[list[np.ndarray], list[np.ndarray]]:
    """A protein that follows the ER, lost in a box: the guided prior is right there."""
    image = np.rint(200 * blobs((160, 192), 4)).astype(np.uint8)
    return [image], [box(image.shape, channels=[1], side=40)]


def trust(scene: tuple[list[np.ndarray], list[np.ndarray]], scale: float) -> float:
    frames, masks = scene
    return float(rehearse(frames, masks, survey(frames, masks), Claim(scale, 0.1), seed=0).trust[1])


def test_who_is_right_is_believed(scene: tuple[list[np.ndarray], list[np.ndarray]]) -> None:
    assert trust(scene, 1.0) > 0.9


def test_who_is_wrong_is_not(scene: tuple[list[np.ndarray], list[np.ndarray]]) -> None:
    assert trust(scene, -1.0) == 0


def test_who_exaggerates_is_believed_in_part(
    scene: tuple[list[np.ndarray], list[np.ndarray]],
) -> None:
    assert 0.1 < trust(scene, 3.0) < 0.6


def test_channels_without_holes_are_left_alone(
    scene: tuple[list[np.ndarray], list[np.ndarray]],
) -> None:
    frames, masks = scene
    done = rehearse(frames, masks, survey(frames, masks), Claim(-1, 0.1), seed=0)
    assert done.trust[[0, 2, 3]].tolist() == [1, 1, 1]
    assert done.pixels > 0


def test_boasting_is_corrected(scene: tuple[list[np.ndarray], list[np.ndarray]]) -> None:
    frames, masks = scene
    surveyed = survey(frames, masks)
    bold, shy = (
        float(rehearse(frames, masks, surveyed, Claim(1, sigma), seed=0).honesty[1])
        for sigma in (1e-3, 1.0)
    )
    assert bold > 5
    assert shy < 0.8


def test_missing_pixels_take_no_part(
    scene: tuple[list[np.ndarray], list[np.ndarray]],
) -> None:
    frames, masks = scene
    spoiled = [np.where(masks[0], 255, frames[0])]
    one, other = (
        rehearse(f, masks, survey(f, masks), Claim(1, 0.1), seed=0) for f in (frames, spoiled)
    )
    assert torch.equal(one.trust, other.trust)
    assert torch.equal(one.honesty, other.honesty)


def test_nothing_to_rehearse_is_full_trust() -> None:
    image = np.zeros((4, 20, 20), np.uint8)
    masks = [box(image.shape, side=4)]
    done = rehearse([image], masks, survey([image], masks), Claim(1, 0.1), seed=0)
    assert done.trust.tolist() == [1, 1, 1, 1]
    assert done.pixels == 0
