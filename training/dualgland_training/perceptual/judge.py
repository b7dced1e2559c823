"""Two small networks that look at cells: one inside the loss, one that only keeps score.

There is no ImageNet network for four channels, so distances between pictures are taken in
the features of classifiers of our own, trained to name the location of a protein in real
cells. ``features`` serves the training loss; ``judge`` gives scores and is trained apart
(other seed, widths and augmentation), or a generator would optimise its own judge. Both
know five classes of few cells: they compare sets of pictures, they are no localizer.
``python -m dualgland_training.perceptual.judge --data ROOT`` trains both anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from pydantic import TypeAdapter
from torch import Tensor, nn

from dualgland_training.perceptual.recipe import JudgeWidths
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.model.weights import load_network, read_card
from napari_dualgland.stack import ROLES

WEIGHTS = Path(__file__).parents[1] / "weights"
NAMES = ("features", "judge")

CLASSES: dict[int, str] = {
    0: "Nucleoplasm",
    2: "Nucleoli",
    21: "Plasma membrane",
    23: "Mitochondria",
    25: "Cytosol",
}
"""Index in the 28-class list → name, in the order of the logits."""

LEAST = 16
"""Shortest side in pixels that still leaves a pixel at the coarsest scale."""


class _Scale(nn.Module):
    """One scale: halve the sides, then a residual pair of convolutions."""

    def __init__(self, before: int, width: int) -> None:
        super().__init__()
        self.down = nn.Conv2d(before, width, 3, stride=2, padding=1)
        self.norm = nn.GroupNorm(4, width)
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.between = nn.GroupNorm(4, width)
        self.second = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = F.silu(self.norm(self.down(x)))
        rest: Tensor = self.second(F.silu(self.between(self.first(x))))
        return x + rest


class Judge(nn.Module):
    """A classifier of four-channel pictures at about 0.16 µm per pixel.

    Parameters
    ----------
    widths : tuple of int
        Channels at strides 2, 4, 8 and so on; each a multiple of four.

    Notes
    -----
    Takes intensities normalised as the plugin normalises a stack
    (:mod:`napari_dualgland.imputation.normalise`), (B, 4, H, W) in the order of ROLES, of
    any size from 16 pixels. Norms are per picture, so that what is said of one does not
    depend on the others of its batch.
    """

    def __init__(self, widths: tuple[int, ...] = (16, 32, 64, 96)) -> None:
        super().__init__()
        self.widths = tuple(widths)
        pairs = zip((len(ROLES), *self.widths), self.widths, strict=False)
        self.scales = nn.ModuleList(_Scale(a, b) for a, b in pairs)
        self.drop = nn.Dropout(0.3)
        self.head = nn.Linear(2 * self.widths[-1], len(CLASSES))

    @property
    def dimensions(self) -> int:
        """Length of an embedding."""
        return 2 * self.widths[-1]

    def features(self, x: Tensor) -> list[Tensor]:
        """Return feature maps at strides 2, 4, 8, …, each (B, widths[i], H / 2ⁱ⁺¹, W / 2ⁱ⁺¹).

        Raises
        ------
        DualglandError
            If ``x`` is not (B, 4, H, W) or has a side below 16 pixels.
        """
        if x.ndim != 4 or x.shape[1] != len(ROLES) or min(x.shape[2:]) < LEAST:
            raise DualglandError(
                Kind.MISMATCH,
                "pictures for a judge",
                f"shape {tuple(x.shape)}",
                expected=f"(B, 4, H, W) with sides of {LEAST} pixels or more",
                way_out="give all four channels of a larger crop",
            )
        # asinh, for a saturated blob must not drown what surrounds it.
        maps, x = [], torch.asinh(3 * x)
        for scale in self.scales:
            x = scale(x)
            maps.append(x)
        return maps

    def embed(self, x: Tensor) -> Tensor:
        """Return the pooled features, (B, D): mean and maximum of the coarsest maps."""
        last = self.features(x)[-1]
        return torch.cat([last.mean((2, 3)), last.amax((2, 3))], 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return a logit per class of :data:`CLASSES`, (B, 5)."""
        logits: Tensor = self.head(self.drop(self.embed(x)))
        return logits


def load_judge(name: str = "judge", folder: Path = WEIGHTS) -> Judge:
    """Return a trained network, frozen and in evaluation mode, in float32.

    Parameters
    ----------
    name : str
        ``judge`` for scores, ``features`` for the training loss; never the one for the
        other.
    folder : pathlib.Path
        Where ``<name>.safetensors`` and its card ``<name>.json`` lie.

    Returns
    -------
    Judge
        On the CPU.

    Raises
    ------
    DualglandError
        For another name, or if the weights are missing or do not match their card.
    """
    if name not in NAMES:
        expected = f"one of {', '.join(NAMES)}"
        raise DualglandError(Kind.NOT_THERE, f"judge {name!r}", "no such judge", expected=expected)
    return load_network(_build_judge, *read_card(str(folder / f"{name}.json"))).eval()


def _build_judge(architecture: Mapping[str, Any]) -> Judge:
    """Return the untrained judge that a card states, frozen."""
    widths = TypeAdapter(JudgeWidths).validate_python(architecture["widths"])
    return Judge(widths).requires_grad_(False)
