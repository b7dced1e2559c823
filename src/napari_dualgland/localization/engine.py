"""One run of a localizer through a stack, frame by frame.

It finds the cells, shows them to the network batch by batch, and measures what a table can
say of them. Maps are put together when they are looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from napari_dualgland._version import __version__
from napari_dualgland.classes import CLASSES, NEGATIVE
from napari_dualgland.localization.damage import (
    Damage,
    DamageCount,
    measure_damage,
    shrunk_to_prior,
)
from napari_dualgland.localization.frames import Frame, Frames
from napari_dualgland.localization.inference import BatchedLocalizer, CellPrediction
from napari_dualgland.localization.intensities import measure_protein
from napari_dualgland.localization.maps import CellMap, cell_map, lazy_maps
from napari_dualgland.localization.params import LocalizeParams
from napari_dualgland.localization.pixel_size import pixel_um
from napari_dualgland.localization.segmentation import Segmentation, count_nuclei, segment_frame
from napari_dualgland.localization.table import rows_of, shapes_of, table_of
from napari_dualgland.model.calibrated_localizer import CalibratedLocalizer
from napari_dualgland.progress import Progress
from napari_dualgland.provenance import Provenance
from napari_dualgland.results import Localization
from napari_dualgland.stack import from_canonical
from napari_dualgland.typing import LabelArray


class LocalizeRun:
    """What one localization holds while it runs.

    Parameters
    ----------
    frames : Frames
        Of a stack with a protein channel.
    given : callable or None
        As from :func:`~napari_dualgland.localization.given.given_planes`; None to find cells.
    localizer : CalibratedLocalizer
        The network.
    params : LocalizeParams
        The options.
    """

    def __init__(
        self,
        frames: Frames,
        given: Callable[[int, int], LabelArray] | None,
        localizer: CalibratedLocalizer,
        params: LocalizeParams,
    ) -> None:
        self.frames, self.given, self.params = frames, given, params
        self.stack = frames.stack
        self.batches = BatchedLocalizer(localizer)
        self.prior = localizer.prior
        own = params.threshold
        self.thresholds = localizer.thresholds if own is None else (own,) * len(CLASSES)
        sizes = self.stack.sizes
        shape = [sizes.get(axis, 1) for axis in "TZYX"]
        self.labels = np.zeros(shape, np.int32)
        self.maps: dict[tuple[int, int], list[CellMap]] = {}
        self.rows: list[dict[str, Any]] = []
        self.notes: list[str] = []
        self.pixel_um: float | None = None
        self.damaged = DamageCount()
        self.done = 0

    def steps(self) -> Iterator[Progress]:
        """Go through the frames."""
        yield self._progress(0, 0, "looking for missing pixels")
        for number, frame in enumerate(self.frames):
            where = "" if len(self.frames) == 1 else f", frame {number + 1}/{len(self.frames)}"
            doing = "finding" if self.given is None else "counting"
            yield self._progress(number, 0, f"{doing} cells{where}")
            segmentation = self._segment(frame)
            left = len(segmentation.cells.labels)
            yield self._progress(number, left, f"reading cells{where}")
            yield from self._predict(number, frame, segmentation)

    def _progress(self, number: int, here: int, message: str = "") -> Progress:
        """Return how far it is, with ``here`` cells left in frame ``number``.

        How many cells later frames hold is not known; as many as those before, on average.
        """
        frames = number + (here > 0)
        known = self.done + here
        ahead = round(known / frames * (len(self.frames) - frames)) if frames and known else 0
        return Progress(self.done, known + ahead, message)

    def _segment(self, frame: Frame) -> Segmentation:
        """Find or take the cells of a frame."""
        if self.pixel_um is None:
            self.pixel_um, note = pixel_um(self.stack, frame.values, self.params.nucleus_um)
            if note:
                self.notes.append(note)
        if self.given is None:
            found = segment_frame(frame, self.pixel_um, self.params)
            if found.note and found.note not in self.notes:
                self.notes.append(found.note)
            # Found cells are numbered from 1 without gaps: their labels are their ranks.
            self.labels[frame.t, frame.z] = found.cells.rank
            return found
        plane = self.given(frame.t, frame.z)
        self.labels[frame.t, frame.z] = plane
        return count_nuclei(plane, frame, self.pixel_um, self.params)

    def _predict(self, number: int, frame: Frame, segmentation: Segmentation) -> Iterator[Progress]:
        """Predict the cells of a frame and keep what was predicted."""
        cells, scale = segmentation.cells, self.pixel_um
        assert scale is not None
        count = len(cells.labels)
        damage = measure_damage(frame, cells)
        probabilities = np.zeros((count, len(CLASSES)))
        maps: list[CellMap] = []
        left = count
        for batch in self.batches.predict(frame, cells, scale) if count else ():
            for one in batch:
                i = one.number
                weight = damage.weight[i : i + 1]
                probabilities[i] = shrunk_to_prior(one.logits[None], weight, self.prior)[0]
                negative = float(probabilities[i, NEGATIVE])
                maps.append(_map(one, segmentation, negative, damage, frame.shape))
            self.done += len(batch)
            left -= len(batch)
            yield self._progress(number, left) if left else self._progress(number + 1, 0)
        self.maps[frame.t, frame.z] = sorted(maps, key=lambda one: one.label)
        about = {
            **shapes_of(cells, scale**2),
            **segmentation.columns(),
            **measure_protein(frame, cells, scale),
        }
        place = (frame.t, frame.z)
        self.rows.append(rows_of(cells, place, about, probabilities, damage, self.thresholds))
        self.damaged.add(damage)

    def _all_notes(self) -> tuple[str, ...]:
        """Return what a reader of the result must know."""
        notes = [*self.notes, *dict.fromkeys(self.frames.doubts), *self.batches.notes]
        absent = ", ".join(self.stack.absent_roles)
        if absent:
            notes.append(f"{absent}: no such channel; cells were read without it")
        if not self.done:
            notes.append("no cell was found" if self.given is None else "no cell is labelled")
        return (*notes, *self.damaged.notes())

    def result(self) -> Localization:
        """Return what was found."""
        axes = self.stack.axes
        localizer = self.batches.localizer
        source = self.stack.source
        provenance = Provenance(
            version=__version__,
            model=localizer.card.name,
            model_sha256=localizer.card.sha256,
            options=self.params.model_dump(),
            device=str(localizer.device),
            date=datetime.now(UTC).isoformat(timespec="seconds"),
            source=Path(source).name if source else self.stack.name,
            notes=self._all_notes(),
        )
        with_classes = axes if "C" in axes else axes.replace("Y", "CY")
        labels: LabelArray = from_canonical(self.labels[:, :, None], axes.replace("C", ""))
        return Localization(
            stack=self.stack,
            cells=labels,
            table=table_of(self.rows, axes),
            maps=lazy_maps(self.maps, self.labels, with_classes),
            thresholds=self.thresholds,
            provenance=provenance,
        )


def _map(
    one: CellPrediction,
    segmentation: Segmentation,
    negative: float,
    damage: Damage,
    frame: tuple[int, int],
) -> CellMap:
    """Keep the dense half of a prediction."""
    i = one.number
    return cell_map(
        int(segmentation.cells.labels[i]),
        segmentation.cells.windows[i],
        (one.inside, one.dense),
        one.sides,
        negative,
        1 - float(damage.weight[i]),
        frame,
    )
