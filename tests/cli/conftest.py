"""A small stack on disk, and the command line run in this process."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from napari_dualgland.cli import main
from napari_dualgland.io import write
from napari_dualgland.stack import ROLE_COLORS, ROLES, Channel, PixelSize, Stack


@dataclass(frozen=True)
class Said:
    """What a run of the command line left behind."""

    code: int
    out: str
    err: str

    @property
    def result(self) -> dict[str, Any]:
        """The JSON of stdout; fails where anything else stands there."""
        return json.loads(self.out)

    @property
    def error(self) -> str:
        """The one line of stderr; fails where there are more or fewer."""
        (line,) = self.err.splitlines()
        assert line.startswith("dualgland: ")
        return line.removeprefix("dualgland: ")


@pytest.fixture
def dualgland(capfd) -> Callable[..., Said]:
    """Run the command line in this process."""

    def run(*words: object) -> Said:
        capfd.readouterr()
        with pytest.raises(SystemExit) as end:
            main([str(word) for word in words])
        said = capfd.readouterr()
        return Said(int(end.value.code or 0), said.out, said.err)

    return run


def smooth_field(side: int = 96, dtype: str = "uint8") -> Stack:
    """A smooth picture of four channels; nothing is missing in it."""
    noise = np.random.default_rng(7).random((4, side, side))
    smooth = ndimage.gaussian_filter(noise, (0, 5, 5))
    smooth -= smooth.min(axis=(1, 2), keepdims=True)
    values = 200 * smooth / smooth.max(axis=(1, 2), keepdims=True) + 5
    return Stack(
        values.astype(dtype),
        "CYX",
        tuple(Channel(role, role, ROLE_COLORS[role]) for role in ROLES),
        PixelSize(0.16, 0.16),
        name="field",
    )


@pytest.fixture
def field() -> Callable[..., Stack]:
    """Make a smooth picture of a given side."""
    return smooth_field


@pytest.fixture
def whole(tmp_path) -> Path:
    """An OME-TIFF in which nothing is missing."""
    return write(smooth_field(), tmp_path / "whole.ome.tif")


@pytest.fixture
def mask(tmp_path) -> Path:
    """A mask for it: a box in every channel, and a second one in the protein's."""
    import tifffile

    lost = np.zeros((4, 96, 96), np.uint8)
    lost[:, 30:50, 40:60] = 255
    lost[1, 60:80, 10:30] = 1
    tifffile.imwrite(tmp_path / "mask.tif", lost, photometric="minisblack")
    return tmp_path / "mask.tif"


@pytest.fixture
def out(tmp_path) -> Path:
    """Where a result goes: a folder with nothing else in it."""
    (tmp_path / "results").mkdir()
    return tmp_path / "results" / "imputed.ome.tif"


@pytest.fixture
def nothing_written(out) -> Callable[[], bool]:
    """Tell whether the folder of the result is as empty as it was, hidden files included."""
    return lambda: not list(out.parent.iterdir())
