"""What the tests of localizing share."""

from pathlib import Path

import pytest
import torch
from localization.cell_scenes import field, save_localizer, stack_of

import napari_dualgland as nd


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The path of a small untrained localizer."""
    torch.set_num_threads(1)
    return save_localizer(Path(tmp_path_factory.mktemp("models")))


@pytest.fixture(scope="session")
def localized(model: str) -> nd.Localization:
    """The cells of ``field()``, given, with nothing missing."""
    image, labels = field()
    return nd.localize(stack_of(image), labels, missing=labels < 0, model=model, device="cpu")
