"""The weights of PG-Loss around the pixel that was clicked, as a small picture."""

from __future__ import annotations

from typing import Any

from napari_dualgland.typing import Float64Array
from napari_dualgland.widgets.kit.figure import ThemedFigure

TELLS = (
    "Click in the image: how strongly PG-Loss ties that place to each one around it. Across a "
    "boundary a pair counts up to four times as much as within a compartment."
)


class PairPlot(ThemedFigure):
    """Shows w_pq, p in the middle."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(160, parent)
        self.setToolTip(TELLS)
        self.setAccessibleName("Weights around the clicked pixel")

    def take(self, weights: Float64Array, place: tuple[int, int], what: str) -> None:
        """Show the weights around a pixel.

        Parameters
        ----------
        weights : numpy.ndarray
            (17, 17), from :func:`~napari_dualgland.compartments.weights.weights_around`.
        place : tuple of int
            (y, x) of the pixel.
        what : str
            The compartment that it is in.
        """

        def draw(figure: Any) -> None:
            axes = figure.add_subplot()
            reach = len(weights) // 2
            span = (-reach - 0.5, reach + 0.5)
            image = axes.imshow(weights, cmap="inferno", vmin=0, extent=(*span, *span[::-1]))
            axes.plot([0], [0], marker="+", color="white", markersize=7)
            axes.set_title(f"Around x {place[1]}, y {place[0]}: {what}")
            axes.set_xlabel("Pixels from it")
            figure.colorbar(image, ax=axes, label="Weight of the pair")

        self.plot(draw)
