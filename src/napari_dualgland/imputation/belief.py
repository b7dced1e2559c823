"""What was learned of a model by rehearsing on an image, and what that makes of its estimate."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from napari_dualgland.imputation.adaptation import Learner, lessons
from napari_dualgland.intervals import Reach
from napari_dualgland.model.evidence import Evidence
from napari_dualgland.model.filler import Fill
from napari_dualgland.stack import ROLES


@dataclass(frozen=True)
class Rehearsal:
    """What was learned by rehearsing; one number per channel, (4,).

    Attributes
    ----------
    trust : torch.Tensor
        0 to 1: how far to follow the model's departure from the prior.
    honesty : torch.Tensor
        Factor that brings the stated standard deviation to the errors seen.
    pixels : int
        Observed pixels that were filled and judged.
    learners : dict
        From channel to what was learned inside the image.
    follow : torch.Tensor
        0 to 1: how far to follow that.
    reach : tuple of Reach
        How errors spread, in units of the standard deviation.
    """

    trust: Tensor
    honesty: Tensor
    pixels: int
    learners: dict[int, list[Learner]] = field(default_factory=dict)
    follow: Tensor = field(default_factory=lambda: torch.zeros(4))
    reach: tuple[Reach, ...] = (Reach(),) * len(ROLES)

    def told(self, evidence: Evidence, said: Fill) -> tuple[Tensor, Tensor | None]:
        """Return estimate and standard deviation, (B, 4, H, W) each.

        Between prior, model and what was learned inside the image.
        """
        trust, follow, honesty = (
            x.to(said.mean.device)[:, None, None] for x in (self.trust, self.follow, self.honesty)
        )
        mean = torch.lerp(evidence.prior, said.mean, trust)
        sigma = None if said.sigma is None else said.sigma * honesty
        if self.learners:
            learned = lessons(self.learners, evidence, said)
            mean = mean + follow * learned.correction
            sigma = None if sigma is None else sigma * learned.widening
        return mean, sigma


def no_rehearsal() -> Rehearsal:
    """Return full trust, for an image on which nothing can be rehearsed."""
    return Rehearsal(torch.ones(4), torch.ones(4), 0)
