"""Curves of a run: the two glands, the game against the discriminator, and the validation."""

from __future__ import annotations

from typing import Any

from napari_dualgland.runs.history import TERMS, VALIDATION, Curve, History
from napari_dualgland.widgets.kit.figure import ThemedFigure
from napari_dualgland.widgets.kit.style import in_lines

_MOST = 300
"""Points of a curve: more than it has pixels nobody sees."""

_LEAST_DB = 1.0

_TITLES = {
    "SG": "SG-Loss",
    "PG": "PG-Loss",
    "adversarial": "Adversarial",
    "PSNR": "Validation / dB",
}
_COLORS = {
    "SG": "#3b8fd4",
    "PG": "#d98a1f",
    "adversarial": "#b064c8",
    "model": "#2f9e62",
    "prior": "#8a8f98",
    "shipped model": "#c94f6d",
}
"""Legible on napari's dark and light ground."""


_TIP = """\
SG-Loss: how far the estimate is from the truth, near the rim of holes most; should fall.
PG-Loss: the same of differences between neighbours, across compartments' borders most; should fall.
Adversarial: how well drawn textures pass for measured ones; need not fall.
Validation: how near fills come to the truth (PSNR) on what is never learned from; the model \
should rise above the prior, which is the fill without any network."""


class RunCurves(ThemedFigure):
    """Four small plots over the steps."""

    def __init__(self) -> None:
        super().__init__(height=250)
        self.setMaximumHeight(290)
        self.setAccessibleName("Curves of the training run")
        self.setToolTip(in_lines(_TIP))
        self._history = History()
        self.plot(self._fill)

    def show_history(self, history: History) -> None:
        """Draw what a run has told so far."""
        self._history = history
        self.redraw()

    def _fill(self, figure: Any) -> None:
        curves, axes = self._history.curves, figure.subplots(2, 2).flat
        for axis, (title, names) in zip(axes, _panels().items(), strict=True):
            axis.set_title(_TITLES[title])
            for name in names:
                _draw(axis, name, curves[name])
            if not axis.lines:
                axis.set(xticks=[], yticks=[])
                axis.text(0.5, 0.5, "not yet", ha="center", va="center", transform=axis.transAxes)
                continue
            axis.grid(True, linewidth=0.6)
            axis.set_xlim(0, max(1, self._history.step) * 1.03)
            axis.locator_params(nbins=4)
            axis.ticklabel_format(axis="y", useOffset=False)
            if title == "PSNR":
                _spread(axis)
            axis.locator_params("x", integer=True)
            for side in ("top", "right"):
                axis.spines[side].set_visible(False)
            if len(names) > 1 and curves[names[0]].steps:
                axis.legend(frameon=False, handlelength=1.2)
        figure.supxlabel("steps", fontsize=figure.axes[0].title.get_fontsize())


def _panels() -> dict[str, tuple[str, ...]]:
    return {**{name: (name,) for name in TERMS}, "PSNR": VALIDATION}


def _spread(axis: Any) -> None:
    """Show at least a decibel, so that what makes no difference looks like none."""
    low, high = axis.get_ylim()
    more = max(0, _LEAST_DB - (high - low)) / 2
    axis.set_ylim(low - more, high + more)


def _draw(axis: Any, name: str, curve: Curve) -> None:
    if not curve.steps:
        return
    steps, values = curve.thinned(_MOST)
    few = "o" if len(steps) < 12 else ""
    line = "-" if name in (*TERMS, "model") else "--"
    axis.plot(
        steps,
        values,
        line,
        color=_COLORS[name],
        lw=1.4,
        marker=few,
        ms=3,
        label=name,
        zorder=3 if name == "model" else 2,
    )
