"""The generator: a U-Net that corrects the secretory prior where it is wrong.

It starts at the level of its prior and learns a residual: per missing pixel a softmax
mixture of the fills in :mod:`~napari_dualgland.model.evidence` plus a correction, and the
logarithm of the standard deviation of what remains. A space-to-depth stem keeps it cheap
on a CPU. There is no norm over space, so that a tile and the whole field agree.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Any, Literal, NamedTuple

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.frozen import FrozenModel
from napari_dualgland.model.architecture import WIDEST, Depth, Width
from napari_dualgland.model.blocks import ResidualBlock, gaussian_blur
from napari_dualgland.model.evidence import CHANNELS, Evidence
from napari_dualgland.model.refinement import Refinement, noise_level
from napari_dualgland.model.texture import Texture
from napari_dualgland.model.weights import card_for, load_network

STRIDE = 8
"""Sides of the input must be multiples of this."""

FILLS = 3

NOISY_BANDS = 2
"""Finest bands, of which the energy tells noise from structure."""

KINDS = 5
"""Soft compartments that are told apart, as in :mod:`napari_dualgland.model.compartments`."""


class Estimate(NamedTuple):
    """What the generator says; (B, 4, H, W) where nothing else is said, normalised.

    Attributes
    ----------
    mean : torch.Tensor
        The estimate; observed pixels are passed through.
    log_sigma : torch.Tensor
        Logarithm of the standard deviation of the estimate's error, which is taken to
        follow a Laplace distribution.
    features : torch.Tensor
        (B, F, H / 2, W / 2): what the network saw, for what is drawn from it and what is
        learned inside an image.
    compartments : torch.Tensor
        (B, 5, H, W): logits of the soft compartments, where landmarks are missing too; None
        from a generator without a second half.
    """

    mean: Tensor
    log_sigma: Tensor
    features: Tensor
    compartments: Tensor | None = None


class Generator(nn.Module):
    """Residual U-Net on a space-to-depth stem.

    Parameters
    ----------
    widths : tuple of int
        Channels at 1/2, 1/4 and 1/8 of full resolution.
    depths : tuple of int
        Residual blocks at each of them, on the way down and again on the way up.
    refine : int
        Channels at full resolution; 0 for none.
    draws : bool
        Whether there is a second half: texture and compartments. The first models had none.
    blurs : tuple of float
        Standard deviations, pixels, of the blurs between which the prior is divided into
        bands. Each is shown, and weighted per pixel: of a noisy measurement the mean of many
        pixels is the better estimate, of a clean one the prior is too smooth, and the stem,
        at half the resolution, can filter neither way. With them goes the noise level: the
        energy of the two finest bands around a pixel. The first models had none.
    lost_gain : float
        By which the departure from the prior is multiplied in a channel of which nothing is
        observed, outside of training. Little is sure there, and losses whose minimum is nearer
        to a median than to a mean leave such a channel far too dark.
    """

    residual_scale = 0.1
    block: type[nn.Module] = ResidualBlock
    """Of which all stages but the coarsest are built."""
    bottom_block: type[nn.Module] = ResidualBlock
    """Of which the coarsest is built."""

    def __init__(
        self,
        widths: tuple[int, int, int] = (48, 96, 192),
        depths: tuple[int, int, int] = (1, 2, 3),
        refine: int = 0,
        draws: bool = True,
        blurs: tuple[float, ...] = (),
        lost_gain: float = 1.0,
    ) -> None:
        super().__init__()
        self.blurs, self.lost_gain = tuple(blurs), lost_gain
        fine, middle, coarse = widths
        levels = 4 * min(len(blurs), NOISY_BANDS)
        entering = 4 * (CHANNELS + 4 * len(blurs)) + levels
        self.stem = nn.Conv2d(entering, fine, 3, padding=1)
        self.down_fine = self._stage(fine, depths[0])
        self.to_middle = nn.Conv2d(fine, middle, 2, stride=2)
        self.down_middle = self._stage(middle, depths[1])
        self.to_coarse = nn.Conv2d(middle, coarse, 2, stride=2)
        self.bottom = nn.Sequential(
            *(self.bottom_block(coarse, 1 + number % 2) for number in range(depths[2]))
        )
        self.from_coarse = nn.Conv2d(coarse, middle, 1)
        self.up_middle = self._stage(middle, depths[1])
        self.from_middle = nn.Conv2d(middle, fine, 1)
        self.up_fine = self._stage(fine, depths[0])
        # Per pixel and channel: a correction, a log sigma, a weight for each fill and each band.
        # The noise level comes to the head once more: how far to smooth is little else.
        self.head = nn.Conv2d(fine + levels, 4 * 4 * (2 + FILLS + len(blurs)), 3, padding=1)
        self.refinement = Refinement(fine, refine) if refine else None
        self.texture = Texture(fine) if draws else None
        self.compartments = nn.Conv2d(fine, 4 * KINDS, 3, padding=1) if draws else None
        for head in (self.head, self.compartments):
            if head is not None:
                nn.init.zeros_(head.weight)
                nn.init.zeros_(head.bias)  # type: ignore[arg-type]

    def _stage(self, width: int, depth: int) -> nn.Sequential:
        return nn.Sequential(*(self.block(width) for _ in range(depth)))

    def forward(self, evidence: Evidence) -> Estimate:
        """Estimate the missing pixels; :attr:`texture` draws what the estimate leaves out.

        Parameters
        ----------
        evidence : Evidence
            (B, 4, H, W) each; H and W multiples of 8.

        Raises
        ------
        ValueError
            If H or W is not a multiple of 8.
        """
        height, width = evidence.prior.shape[-2:]
        if height % STRIDE or width % STRIDE:
            raise ValueError(f"sides must be multiples of {STRIDE}, not {height} × {width}")
        stacked = evidence.stacked()
        blurred = [evidence.prior, *(gaussian_blur(evidence.prior, s) for s in self.blurs)]
        bands = [sharp - soft for sharp, soft in pairwise(blurred)]
        # Channels last first: the other way round, this takes twice as long.
        seen = torch.cat([stacked, *bands], 1).contiguous(memory_format=torch.channels_last)
        x = F.pixel_unshuffle(seen, 2).contiguous(memory_format=torch.channels_last)
        del seen, blurred  # as large as all that follows of a level
        levels = []
        if bands:
            noisy = torch.cat(bands[:NOISY_BANDS], 1)
            levels.append(noise_level(noisy, ~evidence.missing))
            x = torch.cat([x, *levels], 1)
        fine = self.down_fine(self.stem(x))
        middle = self.down_middle(self.to_middle(fine))
        coarse = self.bottom(self.to_coarse(middle))
        middle = self.up_middle(middle + F.interpolate(self.from_coarse(coarse), scale_factor=2))
        fine = self.up_fine(fine + F.interpolate(self.from_middle(middle), scale_factor=2))
        headed = torch.cat([fine, *(level.to(fine.dtype) for level in levels)], 1)
        out = F.pixel_shuffle(self.head(headed).float(), 2)
        correction, log_sigma, *weights = torch.split(out, 4, dim=1)
        if self.refinement is not None:
            sharper = self.refinement(stacked, fine).float()
            correction, log_sigma = correction + sharper[:, :4], log_sigma + sharper[:, 4:]
        # A lead of 2 for the prior: the mixture starts close to it and can leave it.
        lead = out.new_tensor([2.0, 0.0, 0.0]).view(FILLS, 1, 1, 1, 1)
        share = torch.softmax(torch.stack(weights[:FILLS]) + lead, dim=0)
        fills = torch.stack([evidence.prior, evidence.guided, evidence.smooth])
        mixed = (share * fills).sum(0)
        for weight, band in zip(weights[FILLS:], bands, strict=True):
            mixed = mixed + weight * band
        mean = mixed + self.residual_scale * correction
        mean = torch.where(evidence.missing, mean, evidence.prior)
        # From 0.01 to 0.6 of the range: a sharper claim is never warranted, and an error
        # that it missed would drown the rest of the loss.
        logits = None
        if self.compartments is not None:
            logits = F.pixel_shuffle(self.compartments(fine).float(), 2)
        log_sigma = log_sigma.clamp(-1.6, 2.5) - 3
        if self.lost_gain != 1 and not self.training:
            # No fill at all: a hole in a channel that is observed elsewhere has one.
            lost = (evidence.missing & (evidence.prior == 0)).flatten(2).all(2)[..., None, None]
            mean = torch.where(lost, self.lost_gain * mean, mean)
            log_sigma = torch.where(lost, log_sigma + 0.5 * math.log(self.lost_gain), log_sigma)
        return Estimate(mean, log_sigma, fine, logits)


class GeneratorArchitecture(FrozenModel):
    """What a card may say of a generator; the fields are those of :class:`Generator`."""

    kind: Literal["generator"] = "generator"
    widths: tuple[Width, Width, Width]
    depths: tuple[Depth, Depth, Depth]
    refine: int = Field(default=0, ge=0, le=WIDEST)
    draws: bool = False
    blurs: tuple[Annotated[float, Field(gt=0, le=16)], ...] = Field(default=(), max_length=16)
    lost_gain: float = Field(default=1.0, gt=0, le=16)


def build_generator(architecture: Mapping[str, Any]) -> Generator:
    """Return the untrained generator that a model card states.

    Raises
    ------
    pydantic.ValidationError
        If the card lacks widths or depths, or states what no generator has.
    """
    stated = GeneratorArchitecture.model_validate(dict(architecture))
    return Generator(**stated.model_dump(exclude={"kind"}))


def load_generator(model: str) -> Generator:
    """Return a trained generator by its name or file, in float32 on the CPU, for evaluation.

    Parameters
    ----------
    model : str
        As in :func:`~napari_dualgland.model.weights.read_card`.

    Raises
    ------
    DualglandError
        If there is no such model, it is no generator, or its weights are damaged.
    """
    card, path = card_for("impute", model)
    if card.architecture["kind"] != "generator":
        found = f"is no generator but a {card.architecture['kind']}"
        raise DualglandError(Kind.WRONG_CONTENT, model, found)
    return load_network(build_generator, card, path).eval()


def count_parameters(model: nn.Module) -> int:
    """Return the count of learned numbers."""
    return sum(p.numel() for p in model.parameters())
