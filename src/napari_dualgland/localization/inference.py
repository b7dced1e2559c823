"""Run the network on the cells of a frame, in batches that change nothing.

What the network says of a crop hangs a little on how much black surrounds it. So a crop is
padded to a size that is its own cell's alone, only crops of the same size share a batch,
and a cell is told the same whatever others are in the frame, and however much memory there
is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.localization.crops import CellCrop, crop_cell, frame_levels
from napari_dualgland.localization.frames import Frame
from napari_dualgland.localization.ranked import Ranked
from napari_dualgland.memory import is_out_of_memory
from napari_dualgland.model.calibrated_localizer import CalibratedLocalizer, Prediction
from napari_dualgland.typing import ByteArray, Float32Array, Float64Array

BUCKET = 32
"""Sides of padded crops are multiples of this many pixels."""

BATCH_PIXELS = 2**19
"""Pixels of the crops of one batch, at first."""


@dataclass(frozen=True)
class CellPrediction:
    """What the network says of one cell.

    Attributes
    ----------
    number : int
        Its place among the labels of the frame.
    logits : numpy.ndarray
        (19,) float64, calibrated.
    inside : numpy.ndarray
        (h, w) of the padded crop.
    dense : numpy.ndarray
        (18, h / 2, w / 2) uint8.
    sides : tuple of int
        Pixels of the crop over the cell's bounding box.
    """

    number: int
    logits: Float64Array
    inside: Float32Array
    dense: ByteArray
    sides: tuple[int, int]


@dataclass(frozen=True)
class _Waiting:
    number: int
    crop: CellCrop
    sides: tuple[int, int]


class BatchedLocalizer:
    """Runs a localizer on the cells of frames; on less memory, if need be.

    Parameters
    ----------
    localizer : CalibratedLocalizer
        The network.
    batch_pixels : int
        Pixels of the crops of one batch.

    Attributes
    ----------
    notes : list of str
        What a reader of the result must know.
    """

    def __init__(self, localizer: CalibratedLocalizer, batch_pixels: int = BATCH_PIXELS) -> None:
        self.localizer, self.batch_pixels = localizer, batch_pixels
        self.notes: list[str] = []

    def predict(
        self, frame: Frame, cells: Ranked, pixel_um: float
    ) -> Iterator[list[CellPrediction]]:
        """Predict the cells of a frame.

        Parameters
        ----------
        frame : Frame
            Where they lie.
        cells : Ranked
            N labels.
        pixel_um : float
            Micrometres per pixel.

        Yields
        ------
        list of CellPrediction
            Batch by batch, in no particular order.
        """
        levels = frame_levels(frame.values)
        waiting: dict[tuple[int, int], list[_Waiting]] = {}
        for number, window in enumerate(cells.windows):
            own = cells.rank[window] == number + 1
            crop = crop_cell(frame.values, own, window, pixel_um, levels)
            sides = tuple(max(1, round(n * crop.scale)) for n in own.shape)
            height, width = (-(-n // BUCKET) * BUCKET for n in crop.inside.shape)
            batch = waiting.setdefault((height, width), [])
            batch.append(_Waiting(number, _padded(crop, (height, width)), (sides[0], sides[1])))
            if (len(batch) + 1) * height * width > self.batch_pixels:
                yield from self._in_batches(waiting.pop((height, width)))
        for batch in waiting.values():
            yield from self._in_batches(batch)

    def _in_batches(self, batch: Sequence[_Waiting]) -> Iterator[list[CellPrediction]]:
        """Yield a batch, in smaller ones where memory runs out, then on the CPU."""
        size, done = len(batch), 0
        while done < len(batch):
            part = batch[done : done + size]
            try:
                predicted = self._predict([item.crop for item in part])
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                size = self._with_less_memory(part, error)
                continue
            done += len(part)
            yield [
                CellPrediction(
                    item.number,
                    logits.double().numpy(),
                    item.crop.inside,
                    dense.numpy(),
                    item.sides,
                )
                for item, logits, dense in zip(part, predicted.logits, predicted.dense, strict=True)
            ]

    def _predict(self, crops: Sequence[CellCrop]) -> Prediction:
        x = np.stack([crop.x for crop in crops])
        inside = np.stack([crop.inside[None] for crop in crops])
        return self.localizer.predict(x, inside, np.stack([crop.present for crop in crops]))

    def _with_less_memory(self, part: Sequence[_Waiting], error: BaseException) -> int:
        """Return how many cells to take at a time, or move to the CPU."""
        device = self.localizer.device
        if len(part) > 1:
            half = len(part) // 2
            self.batch_pixels = half * part[0].crop.inside.size
            self._note(f"memory ran out on {device}; went on with smaller batches of cells")
            return half
        if device.type != "cpu":
            self._note(f"memory ran out on {device}; went on on the CPU")
            self.localizer = self.localizer.to(torch.device("cpu"))
            return 1
        raise DualglandError(
            Kind.TOO_LARGE,
            f"device {device}",
            "out of memory, even on the CPU with one cell at a time",
            way_out="close other programs, or cut the field",
        ) from error

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)


def _padded(crop: CellCrop, shape: tuple[int, int]) -> CellCrop:
    """Return a crop with black around it, its cell still in the middle."""
    if crop.inside.shape == shape:
        return crop
    rows, columns = (
        (more // 2, more - more // 2)
        for more in (a - b for a, b in zip(shape, crop.inside.shape, strict=True))
    )
    return CellCrop(
        np.pad(crop.x, ((0, 0), rows, columns)),
        np.pad(crop.inside, (rows, columns)),
        crop.present,
        crop.scale,
    )
