"""What a run found, as the layers that it left carry it: enough to show all of it again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from weakref import ReferenceType, ref

from napari_dualgland.io.carried import Carried
from napari_dualgland.jobs import BoundariesJob, LocalizeJob
from napari_dualgland.results import Boundaries, Localization
from napari_dualgland.widgets.layers import hiding

R = TypeVar("R", bound=Localization | Boundaries)


@dataclass(frozen=True, eq=False)
class Run(Carried, Generic[R]):
    """A run and its result.

    Attributes
    ----------
    job : LocalizeJob or BoundariesJob
        What was asked.
    result : Localization or Boundaries
        What was found.
    sizes : dict of str to int
        Length of each axis of the layers that were looked at, by its letter; with ``C`` only
        where channels share one layer.
    said : str
        What the dock said of it.
    hidden : list of weakref.ReferenceType
        Layers that were seen before, and that what was found covers.
    """

    job: LocalizeJob | BoundariesJob
    result: R
    sizes: dict[str, int]
    said: str
    hidden: list[ReferenceType[Any]] = field(default_factory=list)

    def hide(self, layer: Any) -> None:
        """Hide a layer that is shown in another way, and remember that it was seen."""
        if layer.visible:
            self.hidden.append(ref(hiding.bare(layer)))
            hiding.hide(layer)

    def show_hidden(self, layers: Iterable[Any], wanted: bool = True) -> None:
        """Show again what was hidden, or hide it again.

        Parameters
        ----------
        layers : iterable of napari.layers.Layer
            What is open; where an imputation among it shows a layer anew, that stays hidden.
        wanted : bool
            Whether it is to be seen.
        """
        for layer in filter(None, (known() for known in self.hidden)):
            if not wanted:
                hiding.hide(layer)
            elif not hiding.stood_in_for(layers, layer):
                hiding.show(layer)

    @property
    def axes(self) -> str:
        """Letters of ``sizes``."""
        return "".join(self.sizes)

    @property
    def layer_axes(self) -> str:
        """Axes of the layers of the run: of the source, less a channel axis in front."""
        return self.axes.removeprefix("C")

    @property
    def frame(self) -> dict[str, int] | None:
        """The plane that was looked at, ``{"T": t, "Z": z}``; None for all."""
        plane = self.job.plane
        return None if plane is None else {"T": plane.t, "Z": plane.z}

    def place_of(self, row: Any) -> list[float]:
        """Return where a row of a table lies, in pixels of the layers of the run."""
        known = {axis: row.get(axis.lower(), 0) for axis in "TZYX"} | (self.frame or {})
        return [float(known.get(axis, 0)) for axis in self.layer_axes]

    def frame_of(self, place: tuple[int, ...]) -> dict[str, int]:
        """Return ``y`` and ``x`` of a place in the layers, and ``t`` and ``z`` of several."""
        left_out = {"C", *(self.frame or ())}
        known = zip(self.layer_axes, place, strict=True)
        return {axis.lower(): at for axis, at in known if axis not in left_out}
