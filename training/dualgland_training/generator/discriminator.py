"""The discriminator: tells measured patches from filled ones, and says by what.

A PatchGAN (Isola et al. 2017) of four levels on the composite. It sees the mask, as it
would see the damage in life, so it has to judge what is inside; only patches that hold
missing pixels count, each by the share that is missing.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Answer(NamedTuple):
    """What the discriminator says of a picture.

    Attributes
    ----------
    logits : torch.Tensor
        (B, 1, H / 8, W / 8): high where a patch looks measured.
    features : list of torch.Tensor
        Of every level, for feature matching.
    """

    logits: Tensor
    features: list[Tensor]


class Discriminator(nn.Module):
    """Four convolutions of 4 × 4 pixels, each but the last at half the size of the former.

    Parameters
    ----------
    width : int
        Channels of the first level.
    """

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        sizes = (8, width, 2 * width, 4 * width)
        self.levels = nn.ModuleList(
            nn.Conv2d(a, b, 4, stride=2, padding=1) for a, b in pairwise(sizes)
        )
        self.wide = nn.Conv2d(sizes[-1], sizes[-1], 3, padding=1)
        self.head = nn.Conv2d(sizes[-1], 1, 3, padding=1)

    def forward(self, picture: Tensor, missing: Tensor) -> Answer:
        """Judge pictures.

        Parameters
        ----------
        picture : torch.Tensor
            (B, 4, H, W), normalised: measured, or a composite.
        missing : torch.Tensor
            (B, 4, H, W), boolean: which pixels are missing, or would be.

        Returns
        -------
        Answer
            Patch by patch.
        """
        # asinh, for one saturated blob must not drown the texture around it.
        x = torch.cat([torch.asinh(3 * picture), missing.to(picture.dtype)], 1)
        x = x.contiguous(memory_format=torch.channels_last)
        features = []
        for level in (*self.levels, self.wide):
            x = F.leaky_relu(level(x), 0.2)
            features.append(x)
        return Answer(self.head(x).float(), features)


def patch_weights(missing: Tensor) -> Tensor:
    """Return how much of each patch is missing in the channel that lost most, (B, 1, h, w)."""
    return F.avg_pool2d(missing.float(), 8).amax(1, keepdim=True)
