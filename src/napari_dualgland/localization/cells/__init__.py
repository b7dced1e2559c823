"""Nuclei and cells from the landmarks, with no learned network."""

from __future__ import annotations

from napari_dualgland.localization.cells.find import Cells, find_cells

__all__ = ["Cells", "find_cells"]
