"""Bring the cells of a frame to the network, in batches that change nothing.

What the network says of a view hangs a little on how much black surrounds it. So a view is
padded to a size that is its own cell's alone, only views of the same size share a batch,
and a cell is told the same whatever others are in the frame, and however much memory there
is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from napari_dualgland.errors import DualglandError
from napari_dualgland.localization.frames import Frame
from napari_dualgland.localization.labels import Ranked
from napari_dualgland.localization.views import View, cut_view, frame_levels
from napari_dualgland.model.device import out_of_memory
from napari_dualgland.model.reader import Reader, Said

BUCKET = 32
"""Sides of padded views are multiples of this many pixels."""

BATCH_PIXELS = 2**19
"""Pixels of the views of one batch, at first."""


@dataclass(frozen=True)
class Read:
    """What was read of one cell.

    Attributes
    ----------
    number : int
        Its place among the labels of the frame.
    logits : numpy.ndarray
        (19,) float64, calibrated.
    inside : numpy.ndarray
        (h, w) of the padded view.
    dense : numpy.ndarray
        (18, h / 2, w / 2) uint8.
    sides : tuple of int
        Pixels of the view over the cell's bounding box.
    """

    number: int
    logits: npt.NDArray[np.float64]
    inside: npt.NDArray[np.float32]
    dense: npt.NDArray[np.uint8]
    sides: tuple[int, int]


@dataclass(frozen=True)
class _Waiting:
    number: int
    view: View
    sides: tuple[int, int]


class CellReader:
    """Reads cells with a localizer; on less memory, if need be.

    Parameters
    ----------
    reader : Reader
    batch_pixels : int
        Pixels of the views of one batch.

    Attributes
    ----------
    notes : list of str
        What a reader of the result must know.
    """

    def __init__(self, reader: Reader, batch_pixels: int = BATCH_PIXELS) -> None:
        self.reader, self.batch_pixels = reader, batch_pixels
        self.notes: list[str] = []

    def read(self, frame: Frame, cells: Ranked, pixel_um: float) -> Iterator[list[Read]]:
        """Yield the cells of a frame, batch by batch, in no particular order."""
        levels = frame_levels(frame.values)
        waiting: dict[tuple[int, int], list[_Waiting]] = {}
        for number, window in enumerate(cells.windows):
            own = cells.rank[window] == number + 1
            view = cut_view(frame.values, own, window, pixel_um, levels)
            sides = tuple(max(1, round(n * view.scale)) for n in own.shape)
            height, width = (-(-n // BUCKET) * BUCKET for n in view.inside.shape)
            batch = waiting.setdefault((height, width), [])
            batch.append(_Waiting(number, _padded(view, (height, width)), (sides[0], sides[1])))
            if (len(batch) + 1) * height * width > self.batch_pixels:
                yield from self._through(waiting.pop((height, width)))
        for batch in waiting.values():
            yield from self._through(batch)

    def _through(self, batch: Sequence[_Waiting]) -> Iterator[list[Read]]:
        """Yield a batch, in smaller ones where memory runs out, then on the CPU."""
        size, done = len(batch), 0
        while done < len(batch):
            part = batch[done : done + size]
            try:
                said = self._say([item.view for item in part])
            except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
                if not out_of_memory(error):
                    raise
                size = self._with_less_memory(part, error)
                continue
            done += len(part)
            yield [
                Read(
                    item.number,
                    logits.double().numpy(),
                    item.view.inside,
                    dense.numpy(),
                    item.sides,
                )
                for item, logits, dense in zip(part, said.logits, said.dense, strict=True)
            ]

    def _say(self, views: Sequence[View]) -> Said:
        x = np.stack([view.x for view in views])
        inside = np.stack([view.inside[None] for view in views])
        return self.reader.read(x, inside, np.stack([view.present for view in views]))

    def _with_less_memory(self, part: Sequence[_Waiting], error: BaseException) -> int:
        """Return how many cells to read at a time, or move to the CPU."""
        device = self.reader.device
        if len(part) > 1:
            half = len(part) // 2
            self.batch_pixels = half * part[0].view.inside.size
            self._note(f"memory ran out on {device}; went on with smaller batches of cells")
            return half
        if device.type != "cpu":
            self._note(f"memory ran out on {device}; went on on the CPU")
            self.reader = self.reader.to(torch.device("cpu"))
            return 1
        raise DualglandError(
            "out of memory, even on the CPU with one cell at a time; close other programs"
        ) from error

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)


def _padded(view: View, shape: tuple[int, int]) -> View:
    """Return a view with black around it, its cell still in the middle."""
    if view.inside.shape == shape:
        return view
    rows, columns = (
        (more // 2, more - more // 2)
        for more in (a - b for a, b in zip(shape, view.inside.shape, strict=True))
    )
    return View(
        np.pad(view.x, ((0, 0), rows, columns)),
        np.pad(view.inside, (rows, columns)),
        view.present,
        view.scale,
        view.top - round(rows[0] / view.scale),
        view.left - round(columns[0] / view.scale),
    )
