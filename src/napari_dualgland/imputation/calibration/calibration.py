"""How far a model is followed on the image at hand, and what that makes of its estimate."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from napari_dualgland.imputation.calibration.correction import Corrector, corrections
from napari_dualgland.imputation.calibration.kriging import Kriging
from napari_dualgland.intervals import Reach
from napari_dualgland.model.evidence import Evidence
from napari_dualgland.model.filler import Fill
from napari_dualgland.stack import ROLES


@dataclass(frozen=True)
class Calibration:
    """What held-out pixels tell of a model; one number per channel, (4,).

    Attributes
    ----------
    model_weight : torch.Tensor
        0 to 1: how far to follow the model's departure from the prior.
    sigma_factor : torch.Tensor
        Brings the stated standard deviation to the errors seen.
    pixels : int
        Observed pixels that were filled and checked.
    correctors : dict
        From channel to what was learned inside the image.
    correction_weight : torch.Tensor
        0 to 1: how far to follow that.
    reach : tuple of Reach
        How errors spread, in units of the standard deviation.
    kriging : Kriging or None
        What was learned with; None where nothing was.
    """

    model_weight: Tensor
    sigma_factor: Tensor
    pixels: int
    correctors: dict[int, Corrector] = field(default_factory=dict)
    correction_weight: Tensor = field(default_factory=lambda: torch.zeros(4))
    reach: tuple[Reach, ...] = (Reach(),) * len(ROLES)
    kriging: Kriging | None = None

    def apply(self, evidence: Evidence, said: Fill) -> tuple[Tensor, Tensor | None]:
        """Weigh prior, model and what was learned inside the image.

        Parameters
        ----------
        evidence : Evidence
            (B, 4, H, W) each.
        said : Fill
            What the model makes of it.

        Returns
        -------
        mean : torch.Tensor
            (B, 4, H, W), normalised.
        sigma : torch.Tensor or None
            Its standard deviation; None where the model states none.
        """
        model, correction, factor = (
            x.to(said.mean.device)[:, None, None]
            for x in (self.model_weight, self.correction_weight, self.sigma_factor)
        )
        mean = torch.lerp(evidence.prior, said.mean, model)
        sigma = None if said.sigma is None else said.sigma * factor
        if self.kriging is not None and self.correctors:
            learned = corrections(self.correctors, self.kriging, evidence, said)
            mean = mean + correction * learned.addend
            sigma = None if sigma is None else sigma * learned.widening
        return mean, sigma


def uncalibrated() -> Calibration:
    """Return full weight of the model, for an image in which nothing can be held out."""
    return Calibration(torch.ones(4), torch.ones(4), 0)
