"""What the tests of localizing share."""

from pathlib import Path

import pytest
import torch
from localization.cell_scenes import save_localizer


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The path of a small untrained localizer."""
    torch.set_num_threads(1)
    return save_localizer(Path(tmp_path_factory.mktemp("models")))
