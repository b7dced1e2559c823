"""What an imputed layer carries beside its pixels: the other fill of the run, and how unsure it is.

Neither is shown all the time, and both can be exported when the dock that made them is closed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from napari_dualgland.io.carried import Carried, carried_by
from napari_dualgland.typing import LazyArray


@dataclass(frozen=True, eq=False)
class Fills(Carried):
    """Pixels that go with an imputed layer, in its axes.

    Attributes
    ----------
    other : callable or None
        Returns the plausible picture where the layer shows the estimate, the estimate where it
        shows the picture, in the dtype of the layer; None where the run made one fill.
    uncertainty : callable or None
        Returns the uncertainty of what is shown; None where the model states none.
    """

    other: Callable[[], LazyArray] | None
    uncertainty: Callable[[], LazyArray] | None


def fills_of(layer: Any) -> Fills | None:
    """Return what goes with an imputed layer, if a run has left it there."""
    found = carried_by(layer)
    return found if isinstance(found, Fills) else None
