"""Dots and bands: how bright each compartment of each cell is, and how bright it usually is."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from qtpy.QtCore import Signal

from napari_dualgland.compartments.report import OUT, Spread, spreads
from napari_dualgland.results import Boundaries
from napari_dualgland.widgets.kit.figure import ThemedFigure

_BAND, _INSIDE, _OUTSIDE = "#6FA8DC", "#8A93A3", "#EE7733"
_WIDE, _SHIFT, _JITTER = 0.36, 0.2, 0.1
"""Half width of a band; of before and after from its middle; of the dots from either."""
_NEAR = 12
"""Pixels between a click and the dot that it means."""
_TICKS = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)


class BalancePlot(ThemedFigure):
    """The set points of one channel."""

    chosen = Signal(int)
    """The person clicked the dot of the cell in this row."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(200, parent)
        self._spreads: list[Spread] = []
        self._row: int | None = None
        self._dots: list[tuple[Any, Any, Any]] = []
        self.clicked.connect(self._on_click)
        self.setAccessibleName("Balance of the compartments")

    def take(self, result: Boundaries, channel: str) -> None:
        """Show a channel of a result.

        Parameters
        ----------
        result : Boundaries
        channel : str
            One of ROLES.
        """
        self._spreads = spreads(result, channel)
        self.plot(self._draw_all)

    def choose(self, row: int | None) -> None:
        """Ring the cell in a row."""
        if row != self._row:
            self._row = row
            self.redraw()

    def forget(self) -> None:
        """Show nothing."""
        self._spreads, self._row, self._dots = [], None, []
        self.plot(None)

    def _draw_all(self, figure: Any) -> None:
        axes = figure.add_subplot()
        both = any(np.isfinite(s.filled).any() for s in self._spreads)
        self._dots = []
        for i, spread in enumerate(self._spreads):
            if math.isfinite(spread.theta):
                _draw_band(axes, i, spread.theta, spread.tau)
            self._draw_dots(axes, i - _SHIFT * both, spread, spread.measured)
            if both:
                self._draw_dots(axes, i + _SHIFT, spread, spread.filled, hollow=True)
        names = [s.compartment.capitalize().replace(" ", "\n") for s in self._spreads]
        axes.set_xticks(range(len(names)), names)
        axes.set_xlim(-0.6, len(names) - 0.4)
        low, high = axes.get_ylim()
        ticks = [t for t in _TICKS if low <= math.log(t) <= high]
        axes.set_yticks([math.log(t) for t in ticks], [f"{t:g} ×" for t in ticks])
        axes.set_ylabel("Brightness over the cell's mean")
        axes.grid(axis="y", linewidth=0.6)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        self._add_legend(figure, both)

    def _draw_dots(
        self, axes: Any, x: float, spread: Spread, held: Any, hollow: bool = False
    ) -> None:
        known = np.isfinite(held)
        rows, held = spread.rows[known], held[known]
        # A golden ratio spreads dots evenly and leaves each where it was when drawn anew.
        places = x + _JITTER * (2 * ((rows * 0.618034) % 1) - 1)
        off = (held - spread.theta) / spread.tau if math.isfinite(spread.theta) else 0 * held
        colors = np.where(np.abs(off) > OUT, _OUTSIDE, _INSIDE)
        faces = "none" if hollow else colors
        axes.scatter(
            places, held, s=16, facecolors=faces, edgecolors=colors, linewidths=1, zorder=3
        )
        self._dots.append((places, held, rows))
        ring = rows == self._row
        if ring.any():
            from matplotlib import rcParams

            axes.scatter(
                places[ring], held[ring], s=70, facecolors="none",
                edgecolors=rcParams["text.color"], linewidths=1.6, zorder=4,
            )  # fmt: skip

    def _add_legend(self, figure: Any, both: bool) -> None:
        from matplotlib.lines import Line2D
        from matplotlib.patches import Patch

        def dot(color: str, label: str, **more: Any) -> Any:
            return Line2D([], [], color=color, label=label, marker="o", ls="none", ms=4.5, **more)

        shown = [dot(_INSIDE, "measured" if both else "cell"), dot(_OUTSIDE, "out of balance")]
        if both:
            shown.insert(1, dot(_INSIDE, "with imputed", mfc="none"))
        shown.append(Patch(color=_BAND, alpha=0.4, label="usual"))
        figure.legend(
            handles=shown, loc="outside upper center", ncols=2 if both else 3, frameon=False,
            handletextpad=0.3, columnspacing=1.0, borderaxespad=0.1,
        )  # fmt: skip

    def _on_click(self, event: Any) -> None:
        """Choose the nearest dot, if there is one near."""
        if event.inaxes is None:
            return
        best, nearest = _NEAR * self.canvas.device_pixel_ratio, None
        for places, held, rows in self._dots:
            if not len(rows):
                continue
            shown = event.inaxes.transData.transform(np.column_stack([places, held]))
            away = np.hypot(*(shown - (event.x, event.y)).T)
            if away.min() < best:
                best, nearest = away.min(), int(rows[away.argmin()])
        if nearest is not None:
            self.chosen.emit(nearest)


def _draw_band(axes: Any, x: float, theta: float, tau: float) -> None:
    """Draw θ as a line, θ ± τ as a band, and fainter what is not yet out of balance."""
    for reach, alpha in ((OUT, 0.15), (1.0, 0.3)):
        axes.fill_between(
            [x - _WIDE, x + _WIDE], theta - reach * tau, theta + reach * tau,
            color=_BAND, alpha=alpha, linewidth=0,
        )  # fmt: skip
    axes.plot([x - _WIDE, x + _WIDE], [theta, theta], color=_BAND, linewidth=1.4)
