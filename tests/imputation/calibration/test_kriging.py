"""Kriging: its steps lead to what a dense solution of the same equation gives."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_dualgland.imputation.calibration import kriging
from napari_dualgland.imputation.calibration.features import Features
from napari_dualgland.imputation.calibration.kriging import SIDE, Kriging, rooted
from napari_dualgland.model.evidence import Evidence
from napari_dualgland.model.filler import Fill


def _seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def spectrum_of(along: float, across: float, noise: float) -> torch.Tensor:
    """Return the power of a field that is smooth along rows and down columns, with noise."""
    f = torch.fft.fftfreq(SIDE).double()
    smooth = torch.exp(-((f[:, None] * across) ** 2) - (f * along) ** 2)
    return (smooth + noise)[None]


def field_of(spectrum: torch.Tensor, side: int, seed: int = 0) -> torch.Tensor:
    """Return a (1, side, side) sample of it; ``side`` is a multiple of SIDE."""
    kernel = torch.fft.ifft2(spectrum.sqrt()).real[0]
    around = torch.fft.fftfreq(SIDE, 1 / SIDE).long() % side
    wide = torch.zeros(side, side, dtype=kernel.dtype)
    wide[around[:, None], around] = kernel
    noise = torch.randn(side, side, generator=_seeded(seed)).double()
    return torch.fft.ifft2(torch.fft.fft2(noise) * torch.fft.fft2(wide)).real[None].float()


def hole(side: int) -> torch.Tensor:
    """Return (1, side, side), boolean: a scratch, a square and some single pixels."""
    missing = torch.zeros(1, side, side, dtype=torch.bool)
    t = torch.arange(10, side - 10)
    missing[0, t, t // 2 + 8] = missing[0, t, t // 2 + 9] = True
    missing[0, 70:76, 70:76] = True
    missing[0, 20:60:7, 60:90:5] = True
    return missing


def dense(model: Kriging, image: torch.Tensor, missing: torch.Tensor) -> torch.Tensor:
    """Solve for the missing pixels at once, over pixels that wrap around: far from the rim
    of the image the same."""
    kernel = torch.fft.ifft2(model.precision[0]).real.numpy()
    y, x = np.nonzero(missing[0].numpy())
    half = SIDE // 2
    inner = np.zeros((len(y), len(y)))
    fixed = np.zeros(len(y))
    known = torch.where(missing, 0, image)[0].double().numpy()
    for i in range(len(y)):
        dy, dx = y - y[i], x - x[i]
        near = (np.abs(dy) < half) & (np.abs(dx) < half)
        inner[i, near] = kernel[dy[near], dx[near]]
        rows, columns = np.arange(-half + 1, half), np.arange(-half + 1, half)
        seen = known[(y[i] + rows)[:, None] % 128, (x[i] + columns) % 128]
        fixed[i] = (kernel[rows[:, None], columns] * seen).sum()
    return torch.from_numpy(np.linalg.solve(inner, -fixed))


def test_the_steps_lead_to_the_dense_solution(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kriging, "STEPS", (6, 400))
    monkeypatch.setattr(kriging, "CONDITION", 1e4)
    spectrum = spectrum_of(24, 6, 0.02)
    image, missing = field_of(spectrum, 128), hole(128)
    model = Kriging(spectrum)
    start = torch.where(missing, image.mean(), image)
    early, late = (start + model.departures(0, start, missing)[0]).unbind(0)
    best = dense(model, image, missing)
    where = missing[0]
    assert float((late[where] - best).abs().max()) < 0.05 * float(image.std())
    # What stops early is on the way there.
    miss = [float((x[where] - best).square().mean()) for x in (start[0], early, late)]
    assert miss[0] > miss[1] > 100 * miss[2]


def test_it_fills_better_than_a_smooth_fill_and_leaves_what_is_observed() -> None:
    spectrum = spectrum_of(24, 4, 0.05)
    image, missing = field_of(spectrum, 256), hole(256)
    model = Kriging.of([(image, missing)])
    start = torch.where(missing, image.mean(), image)
    departures = model.departures(0, start, missing)
    assert departures.shape == (1, len(kriging.STEPS), 256, 256)
    assert not departures[:, :, ~missing[0]].any()
    fills = [start, *(start + departure for departure in departures[0])]
    wrong = [float((fill[missing] - image[missing]).square().mean()) for fill in fills]
    assert wrong[2] < wrong[1] < wrong[0]
    known = start + Kriging(spectrum).departures(0, start, missing)[0, -1]
    assert wrong[2] < 1.1 * float((known[missing] - image[missing]).square().mean())


def test_the_spectrum_is_that_of_the_image_whatever_its_brightness_and_its_holes_hold() -> None:
    spectrum = spectrum_of(24, 6, 0.1)
    image = field_of(spectrum, 512)
    missing = hole(512)
    one = Kriging.of([(image, missing)])
    other = Kriging.of([(torch.where(missing, 9.0, image + 5), missing)])
    torch.testing.assert_close(one.precision, other.precision, rtol=1e-2, atol=1e-3)
    wanted = Kriging(spectrum)
    high = wanted.precision > 0.2 * wanted.precision.amax()
    ratio = (one.precision / wanted.precision)[high]
    assert 0.9 < float(ratio.mean()) < 1.1
    assert float(ratio.std()) < 0.25


@pytest.mark.parametrize("shape", [(8, 8), (8, 200), (160, 24), (33, 47)])
def test_windows_of_any_size_are_mirrored(shape: tuple[int, int]) -> None:
    generator = _seeded(1)
    image = torch.rand(1, *shape, generator=generator)
    missing = torch.rand(1, *shape, generator=generator) < 0.2
    departures = Kriging.of([(image, missing)]).departures(0, image, missing)
    assert departures.shape == (1, len(kriging.STEPS), *shape)
    # Of noise no more than the mean can be told, even by what a single square shows.
    assert float(departures[:, -1][missing].square().mean().sqrt()) < 2 * float(image.std())
    model = Kriging(spectrum_of(24, 6, 0.1))
    departures, turned = (
        model.departures(0, x, hurt)
        for x, hurt in ((image, missing), (image.flip(1), missing.flip(1)))
    )
    torch.testing.assert_close(turned.flip(2), departures, rtol=0, atol=1e-2)


@pytest.mark.parametrize("value", [0.0, 0.7])
def test_of_a_channel_without_structure_or_lost_throughout_nothing_is_told(value: float) -> None:
    image = torch.full((2, 64, 64), value)
    missing = torch.zeros(2, 64, 64, dtype=torch.bool)
    missing[0, 20:30, 20:30] = missing[1] = True
    model = Kriging.of([(image, missing)])
    for channel in range(2):
        departures = model.departures(channel, image[channel : channel + 1], missing[channel][None])
        assert float(departures.abs().max()) < 1e-4


def test_a_tile_and_the_whole_agree_away_from_the_rim() -> None:
    spectrum = spectrum_of(16, 8, 0.05)
    image = field_of(spectrum, 256)
    missing = torch.rand(1, 256, 256, generator=_seeded(2)) < 0.1
    model = Kriging.of([(image, missing)])
    start = torch.where(missing, image.mean(), image)
    whole = model.departures(0, start, missing)
    tile = model.departures(0, start[:, 40:200, 64:224], missing[:, 40:200, 64:224])
    inner = tile[..., 32:-32, 32:-32] - whole[..., 72:168, 96:192]
    assert float(inner.abs().max()) < 2e-3 * float(image.std())


def test_photon_noise_of_roots_is_the_same_in_bright_and_in_dark_places() -> None:
    photons = 60.0
    spread = []
    for light in (0.2, 0.5, 1.0):
        counts = torch.poisson(torch.full((256, 256), light * photons), _seeded(4))
        spread.append(float(rooted(counts / photons).std()) * photons**0.5)
    np.testing.assert_allclose(spread, 0.5, rtol=0.05)
    assert rooted(torch.tensor([-3.0, 0.0])).unique().numel() == 1


def test_features_lead_to_the_square_of_what_kriging_of_roots_gives() -> None:
    image, missing = torch.rand(1, 4, 48, 48, generator=_seeded(5)), hole(96)[:, None, :48, :48]
    missing = missing.repeat(1, 4, 1, 1)
    model = Kriging.of([(rooted(image[0]), missing[0])])
    evidence = Evidence(image, image, image, image, missing)
    said = Fill(image.flip(2), None, None)
    for channel in range(4):
        found = Features(evidence, said, model).kriged(channel)
        start = torch.where(missing, image.flip(2), image)[:, channel]
        root = rooted(start)[:, None]
        led = (root + model.departures(channel, root[:, 0], missing[:, channel])).square()
        torch.testing.assert_close(start[:, None] + found, led - kriging.DARK, rtol=0, atol=1e-6)
        assert not found[:, :, ~missing[0, channel]].any()
