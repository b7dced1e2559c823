"""The options of localizing, in one place: API, command line and widget share this object."""

from __future__ import annotations

from pydantic import Field

from napari_dualgland.frozen import FrozenModel


class LocalizeParams(FrozenModel):
    """Options of :func:`napari_dualgland.localize`.

    Attributes
    ----------
    model : str
        Name of a shipped or installed model, or the path of a ``.safetensors`` file.
    device : str
        ``auto``, ``cpu``, ``cuda``, ``cuda:<n>`` or ``mps``.
    threshold : float or None
        Probability from which a class is named for a cell; None takes those of the model,
        which were chosen class by class on validation data.
    nucleus_um : float
        Diameter of a typical nucleus in µm; it sets the scale of the segmentation. Not used
        where cells are given.
    smallest_um2 : float
        Cells of a smaller area in µm² are dropped (those that the border cuts, below a quarter
        of it). Not used where cells are given.
    """

    model: str = "localizer"
    device: str = "auto"
    threshold: float | None = Field(default=None, gt=0, lt=1)
    nucleus_um: float = Field(default=15.0, ge=3, le=60)
    smallest_um2: float = Field(default=60.0, ge=0)
