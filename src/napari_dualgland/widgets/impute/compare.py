"""Before and after at the same place: one layer swapped for the other, nothing else moved."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from napari_dualgland.widgets.layers.hiding import hide


class Compare:
    """Flips between source layers and their results.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where they are shown.
    pairs : sequence of (layer or None, layer)
        Source and result. None where the channel was never recorded: before, there was
        nothing to see.
    """

    def __init__(self, viewer: Any, pairs: Sequence[tuple[Any, Any]]) -> None:
        self._viewer, self._pairs = viewer, list(pairs)
        self._unpaired_visible: dict[Any, bool] = {}
        self.shows_before = False

    def show(self, before: bool) -> None:
        """Show the sources (``before``) or the results; hidden channels stay hidden."""
        if before == self.shows_before:
            return
        self.shows_before = before
        for source, result in self._pairs:
            if result not in self._viewer.layers:
                continue  # its source is all that is left to be seen
            if source is not None:
                shown, other = (source, result) if before else (result, source)
                shown.visible = other.visible
                hide(other)
            elif before:
                self._unpaired_visible[result] = result.visible
                result.visible = False
            else:
                result.visible = self._unpaired_visible.get(result, True)
