"""Localize: say of every cell, and of every pixel in it, where its protein is.

The engine is a generator of progress events that knows nothing of who is listening. It goes
through the stack frame by frame: finds the cells, shows them to the network batch by batch,
and measures what a table can say of them. Maps are put together when they are looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import napari_dualgland
from napari_dualgland.classes import CLASSES, NEGATIVE
from napari_dualgland.localization.census import Census, found_cells, given_cells
from napari_dualgland.localization.damage import Damage, drawn_to_prior, measure_damage
from napari_dualgland.localization.frames import Frame, Frames, stack_of
from napari_dualgland.localization.labels import GivenCells
from napari_dualgland.localization.maps import Crop, crop_of, lazy_maps
from napari_dualgland.localization.measure import measure_protein
from napari_dualgland.localization.params import LocalizeParams
from napari_dualgland.localization.reading import CellReader, Read
from napari_dualgland.localization.scale import pixel_um
from napari_dualgland.localization.table import rows_of, shapes_of, table_of
from napari_dualgland.model.device import choose_device
from napari_dualgland.model.reader import Reader, load_localizer
from napari_dualgland.progress import Cancelled, Progress
from napari_dualgland.provenance import Provenance
from napari_dualgland.results import Imputation, Localization
from napari_dualgland.stack import Stack, from_canonical

WORTH_TELLING = 0.01
"""A cell of which more than this share was not measured is counted in the notes."""


def localize(
    stack: Stack | Imputation,
    cells: Any = None,
    params: LocalizeParams | None = None,
    missing: Any = None,
    progress: Callable[[Progress], None] | None = None,
    **options: Any,
) -> Localization:
    """Say where in each cell the protein is.

    Parameters
    ----------
    stack : Stack or Imputation
        Any axes, any real dtype; lazy data are read frame by frame. Pixels that were imputed
        are looked at, and counted: they make the result less sure.
    cells : array_like, optional
        Labels, integers, 0 for background: (Y, X) for all frames, or the shape of the stack
        without ``C``. They keep their numbers. Found in the image if left out.
    params : LocalizeParams, optional
        The options; or give them one by one as keywords.
    missing : array_like, optional
        As for :func:`napari_dualgland.impute`: which pixels are damaged. Found by
        :func:`napari_dualgland.find_missing` if left out.
    progress : callable, optional
        Called with every :class:`~napari_dualgland.progress.Progress`.
    **options
        Fields of :class:`LocalizeParams` that replace those of ``params``.

    Returns
    -------
    Localization
        The same for the same input, whatever the batch: probabilities agree to 1e-4.

    Raises
    ------
    DualglandError
        If no channel is the protein, cells or mask do not fit the stack, or model or device do
        not exist.
    """
    chosen = (params or LocalizeParams()).model_dump() | options
    steps = localize_steps(stack, cells, LocalizeParams(**chosen), missing)
    while True:
        try:
            event = next(steps)
        except StopIteration as end:
            result: Localization = end.value
            return result
        if progress is not None:
            progress(event)


def localize_steps(
    stack: Stack | Imputation,
    cells: Any = None,
    params: LocalizeParams | None = None,
    missing: Any = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Generator[Progress, None, Localization]:
    """Say where in each cell the protein is, and after each batch of cells how far it is.

    As :func:`localize`, but a generator of :class:`Progress` whose return value is the
    :class:`Localization`. ``should_stop`` is asked between batches.

    Raises
    ------
    Cancelled
        If ``should_stop`` returned true.
    """
    params = params or LocalizeParams()
    looked_at = stack_of(stack)
    given = None if cells is None else GivenCells(cells, looked_at)
    frames = Frames(looked_at, missing)
    reader = load_localizer(params.model, choose_device(params.device))
    work = _Work(frames, given, reader, params)
    for event in work.steps():
        yield event
        if should_stop():
            raise Cancelled("cancelled; nothing was changed")
    return work.result()


class _Work:
    """What one localization holds while it runs."""

    def __init__(
        self, frames: Frames, given: GivenCells | None, reader: Reader, params: LocalizeParams
    ) -> None:
        self.frames, self.given, self.params = frames, given, params
        self.stack = frames.stack
        self.reader = CellReader(reader)
        self.prior = reader.prior
        own = params.threshold
        self.thresholds = reader.thresholds if own is None else (own,) * len(CLASSES)
        sizes = self.stack.sizes
        shape = [sizes.get(axis, 1) for axis in "TZYX"]
        self.labels = np.zeros(shape, np.int32)
        self.crops: dict[tuple[int, int], list[Crop]] = {}
        self.rows: list[dict[str, Any]] = []
        self.notes: list[str] = []
        self.pixel_um: float | None = None
        self.done, self.hurt, self.filled, self.blind = 0, 0, 0, 0

    def steps(self) -> Iterator[Progress]:
        """Go through the frames."""
        yield self._said(0, 0, "looking for missing pixels")
        for number, frame in enumerate(self.frames):
            where = "" if len(self.frames) == 1 else f", frame {number + 1}/{len(self.frames)}"
            yield self._said(
                number, 0, ("counting" if self.given else "finding") + f" cells{where}"
            )
            census = self._census(frame)
            count = len(census.cells.labels)
            yield self._said(number, count, f"reading cells{where}")
            yield from self._read(number, frame, census)

    def _said(self, number: int, here: int, message: str = "") -> Progress:
        """Return how far it is, with ``here`` cells left in frame ``number``.

        How many cells later frames hold is not known; as many as those before, on average.
        """
        frames = number + (here > 0)
        known = self.done + here
        ahead = round(known / frames * (len(self.frames) - frames)) if frames and known else 0
        return Progress(self.done, known + ahead, message)

    def _census(self, frame: Frame) -> Census:
        """Find or take the cells of a frame."""
        if self.pixel_um is None:
            self.pixel_um, note = pixel_um(self.stack, frame.values, self.params.nucleus_um)
            if note:
                self.notes.append(note)
        if self.given is None:
            census = found_cells(frame, self.pixel_um, self.params)
            if census.note and census.note not in self.notes:
                self.notes.append(census.note)
            labels = np.zeros(len(census.cells.labels) + 1, np.int32)
            labels[1:] = census.cells.labels
            self.labels[frame.t, frame.z] = labels[census.cells.rank]
            return census
        plane = self.given.plane(frame.t, frame.z)
        self.labels[frame.t, frame.z] = plane
        return given_cells(plane, frame, self.pixel_um, self.params)

    def _read(self, number: int, frame: Frame, census: Census) -> Iterator[Progress]:
        """Read the cells of a frame and keep what was read."""
        cells, scale = census.cells, self.pixel_um
        assert scale is not None
        count = len(cells.labels)
        damage = measure_damage(frame, cells)
        probabilities = np.zeros((count, len(CLASSES)))
        crops: list[Crop] = []
        left = count
        for batch in self.reader.read(frame, cells, scale) if count else ():
            for read in batch:
                i = read.number
                weight = damage.weight[i : i + 1]
                probabilities[i] = drawn_to_prior(read.logits[None], weight, self.prior)[0]
                crops.append(_crop(read, census, float(probabilities[i, NEGATIVE]), damage))
            self.done += len(batch)
            left -= len(batch)
            yield self._said(number, left) if left else self._said(number + 1, 0)
        self.crops[frame.t, frame.z] = sorted(crops, key=lambda crop: crop.label)
        about = {
            **shapes_of(cells, scale**2),
            **census.columns(),
            **measure_protein(frame, cells, scale),
        }
        place = (frame.t, frame.z)
        self.rows.append(rows_of(cells, place, about, probabilities, damage, self.thresholds))
        self._count(damage)

    def _count(self, damage: Damage) -> None:
        """Count the cells that a reader of the result must know of."""
        self.hurt += int((damage.missing > WORTH_TELLING).sum())
        self.filled += int((damage.imputed > WORTH_TELLING).sum())
        self.blind += int((damage.protein >= 1).sum())

    # What comes out ----------------------------------------------------------------------

    def _all_notes(self) -> tuple[str, ...]:
        """Return what a reader of the result must know."""
        notes = [*self.notes, *self.reader.notes]
        absent = ", ".join(self.stack.absent_roles)
        if absent:
            notes.append(f"{absent}: no such channel; cells were read without it")
        if not self.done:
            notes.append("no cell was found" if self.given is None else "no cell is labelled")
        if self.hurt:
            notes.append(
                f"{_cells(self.hurt)} damaged: impute first, or take their classes for less sure"
            )
        if self.filled:
            notes.append(
                f"{_cells(self.filled)} imputed in part: their probabilities are drawn to the base "
                "rates by half as much"
            )
        if self.blind:
            notes.append(
                f"{_cells(self.blind)} without a measured pixel of the protein: nothing is named "
                "there, the probabilities are base rates"
            )
        return tuple(notes)

    def result(self) -> Localization:
        """Return what was found."""
        axes = self.stack.axes
        card = self.reader.reader.card
        source = self.stack.source
        provenance = Provenance(
            version=napari_dualgland.__version__,
            model=card.name,
            model_sha256=card.sha256,
            options=self.params.model_dump(),
            device=str(self.reader.reader.device),
            date=datetime.now(UTC).isoformat(timespec="seconds"),
            source=Path(source).name if source else self.stack.name,
            notes=self._all_notes(),
        )
        with_classes = axes if "C" in axes else axes.replace("Y", "CY")
        labels: npt.NDArray[np.int32] = from_canonical(
            self.labels[:, :, None], axes.replace("C", "")
        )
        return Localization(
            stack=self.stack,
            cells=labels,
            table=table_of(self.rows, axes),
            maps=lazy_maps(self.crops, self.labels, with_classes),
            thresholds=self.thresholds,
            provenance=provenance,
        )


def _cells(count: int) -> str:
    return "1 cell is" if count == 1 else f"{count} cells are"


def _crop(read: Read, census: Census, negative: float, damage: Damage) -> Crop:
    """Keep the dense half of what was read of a cell."""
    i = read.number
    return crop_of(
        int(census.cells.labels[i]),
        census.cells.windows[i],
        (read.inside, read.dense),
        read.sides,
        negative,
        1 - float(damage.weight[i]),
    )
