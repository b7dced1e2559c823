"""One run through a stack, frame by frame: compartments, where they end, and the balance."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from napari_dualgland._version import __version__
from napari_dualgland.classes import COMPARTMENTS
from napari_dualgland.compartments.balance import over_cells, set_points_of
from napari_dualgland.compartments.blocks import Blocks, coarse_labels, in_blocks, step_of
from napari_dualgland.compartments.head import Head
from napari_dualgland.compartments.holes import rows_of_holes
from napari_dualgland.compartments.landmarks import (
    LANDMARKS,
    Named,
    name_compartments,
    windows_of,
)
from napari_dualgland.compartments.location import expected_in
from napari_dualgland.compartments.notes import NO_CELL, notes_of
from napari_dualgland.compartments.params import ANY, BoundariesParams
from napari_dualgland.compartments.store import adding_up, lazily, most_probable, shelf
from napari_dualgland.compartments.table import holes_of, rows_of_frame, table_of
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.localization.frames import Frame, Frames
from napari_dualgland.localization.params import LocalizeParams
from napari_dualgland.localization.pixel_size import pixel_um
from napari_dualgland.localization.ranked import Ranked, ranked
from napari_dualgland.localization.segmentation import segment_frame
from napari_dualgland.model.device import choose_device
from napari_dualgland.progress import Progress
from napari_dualgland.provenance import Provenance
from napari_dualgland.results import Boundaries, Localization
from napari_dualgland.stack import ROLES, from_canonical
from napari_dualgland.typing import Float64Array, LabelArray

STAGES = 3
"""Steps of a frame beside the windows that a model is asked about."""


class BoundariesRun:
    """What one run holds.

    Parameters
    ----------
    frames : Frames
        Of the stack.
    given : callable or None
        As from :func:`~napari_dualgland.localization.given.given_planes`; None to find cells.
    params : BoundariesParams
        The options; the location as :func:`.location.location_named` writes it.
    found : Localization or None
        What the localizer found, where it was asked.
    """

    def __init__(
        self,
        frames: Frames,
        given: Callable[[int, int], LabelArray] | None,
        params: BoundariesParams,
        found: Localization | None = None,
    ) -> None:
        self.frames, self.given, self.params, self.found = frames, given, params, found
        self.stack = frames.stack
        self.notes: list[str] = []
        self.rows: list[dict[str, Any]] = []
        self.holes: list[Any] = []
        self.pixels = np.zeros((3, len(ROLES)), np.int64)
        self.spoken = 0
        self.pixel_um: float | None = None
        self.done = 0

    @cached_property
    def head(self) -> Head:
        """The model that speaks where a landmark is missing; loaded where one is."""
        return Head(self.params.model, choose_device(self.params.device))

    def steps(self) -> Iterator[Progress]:
        """Go through the frames."""
        count = len(self.frames)
        yield Progress(0, STAGES * count, "looking for missing pixels")
        for number, frame in enumerate(self.frames):
            where = "" if count == 1 else f", plane {number + 1} of {count}"
            self._begin(frame)
            assert self.pixel_um is not None
            if number == count - 1:
                self._refuse_unmeasured()
            blocks = in_blocks(frame, self.pixel_um)
            windows = windows_of(blocks)
            # Later planes are taken to be as much damaged as this one.
            total = self.done + (STAGES + windows) * (count - number)

            def told(message: str, total: int = total, where: str = where) -> Progress:
                self.done += 1
                return Progress(self.done, total, message + where)

            yield told("naming compartments")
            for named in name_compartments(blocks, lambda: self.head):
                if named is None:
                    yield told("naming compartments where a landmark is missing")
            assert named is not None
            self._keep(frame, named)
            yield told("finding cells" if self.given is None else "measuring")
            cells = self._cells(frame)
            self._measure(frame, blocks, named, cells)
            yield told("measuring")

    def _begin(self, frame: Frame) -> None:
        """Prepare what is kept, as soon as it is known how large a block is."""
        if self.pixel_um is None:
            self.pixel_um, note = pixel_um(self.stack, frame.values, self.params.nucleus_um)
            self.notes += [note] if note else []
            self.step = step_of(self.pixel_um)
            sizes = self.stack.sizes
            deep = [sizes.get("T", 1), sizes.get("Z", 1)]
            flat = [-(-n // self.step) for n in frame.shape]
            self._soft = shelf((*deep, len(COMPARTMENTS), *flat), "float16")
            self._edges = shelf((*deep, 1, *flat), "float16")
            self._said = shelf((*deep, 1, *flat), "bool")
            self._labels = shelf((*deep, 1, *frame.shape), "int32")
        for place, missing, imputed in zip(
            frame.at_hand, frame.missing, frame.imputed, strict=True
        ):
            counts = int(imputed.sum()), int(missing.sum())
            self.pixels[:, place] += (missing.size - sum(counts), *counts)

    def _known(self, *channels: int) -> bool:
        """Whether any pixel of these channels was measured or filled in."""
        return bool(self.pixels[:2, channels].any())

    def _refuse_unmeasured(self) -> None:
        """Refuse a stack of which the model alone would speak."""
        if not self._known(*LANDMARKS):
            raise DualglandError(
                Kind.EMPTY,
                self.stack.where,
                "no pixel of a landmark (microtubules, nucleus or er) was measured, so no "
                "compartment can be told",
                part="landmarks",
                way_out="check the image, or give a mask of what is missing",
            )

    def _keep(self, frame: Frame, named: Named) -> None:
        at = frame.t, frame.z
        self._soft[at], self._edges[at], self._said[at] = named.soft, named.boundary, named.spoken
        self.spoken += int(named.spoken.sum())

    def _cells(self, frame: Frame) -> Ranked:
        assert self.pixel_um is not None
        if self.given is not None:
            plane = self.given(frame.t, frame.z)
            cells = ranked(plane)
        else:
            sizes = {k: getattr(self.params, k) for k in ("nucleus_um", "smallest_um2")}
            found = segment_frame(frame, self.pixel_um, LocalizeParams(**sizes))
            if found.note and found.note not in self.notes:
                self.notes.append(found.note)
            cells, plane = found.cells, found.cells.rank
        self._labels[frame.t, frame.z, 0] = plane
        return cells

    def _measure(self, frame: Frame, blocks: Blocks, named: Named, cells: Ranked) -> None:
        """Measure the set points of a frame, cell by cell and as a whole."""
        rank = np.asarray(coarse_labels(cells.rank, blocks.step), np.int32)
        count = len(cells.labels)
        measured = over_cells(named.soft, blocks.measured, rank, count)
        imputed = over_cells(named.soft, blocks.imputed, rank, count)
        labels = [int(label) for label in cells.labels]
        names, *expected = self._expected(frame, labels)
        area, at = blocks.area_um2, (frame.t, frame.z)
        self.holes += rows_of_holes(at, named.soft, blocks, rank, measured, expected, labels)
        # What is in no cell is part of the field: row 0 becomes the whole of it.
        measured[:, 0], imputed[:, 0] = measured.sum(1), imputed.sum(1)
        both = measured + imputed
        counted = set_points_of(both if self.params.count_imputed else measured, area)
        touched = imputed[1].sum(-1, keepdims=True) > 0
        filled = np.where(touched, set_points_of(both, area), np.nan)
        shares = measured[1] / np.maximum(_areas(named, rank, count, blocks.step), 1e-9)[:, None]
        about = {
            "cell": np.array([0, *labels]),
            "t": np.full(count + 1, frame.t),
            "z": np.full(count + 1, frame.z),
            **_places(rank, count, blocks.step),
            "area_um2": np.bincount(cells.rank.ravel(), minlength=count + 1) * area,
            "location": np.array(names, object),
        }
        about["area_um2"][0] = cells.rank.size * area
        held = (counted, filled)
        channels = frame.at_hand
        self.rows.append(rows_of_frame(about, held, shares.clip(0, 1), expected, channels))

    def _expected(
        self, frame: Frame, labels: Sequence[int]
    ) -> tuple[list[str], Float64Array, Float64Array]:
        """Return what the field and its cells are held against: names, θ and τ, (N + 1, 4, 5)."""
        if self.found is None:
            places = [] if self.params.location == ANY else [self.params.location]
            asked = [places] * (len(labels) + 1)
        else:
            table = self.found.table
            for axis, at in (("t", frame.t), ("z", frame.z)):
                table = table[table[axis] == at] if axis in table else table
            said = {
                int(c): t.split("; ") for c, t in zip(table["cell"], table["classes"], strict=True)
            }
            every = list(dict.fromkeys(place for names in said.values() for place in names))
            asked = [every, *(said.get(label, []) for label in labels)]
        found = [expected_in(places) for places in asked]
        names = [name for name, _ in found]
        return names, np.stack([f.theta for _, f in found]), np.stack([f.tau for _, f in found])

    def result(self) -> Boundaries:
        """Return what was found."""
        assert self.pixel_um is not None
        axes, shape = self.stack.axes, (self.stack.sizes["Y"], self.stack.sizes["X"])
        flat = axes.replace("C", "")
        soft = lazily(self._soft, self.step, shape, "float32", adding_up)
        edges = lazily(self._edges, self.step, shape, "float32")
        said = lazily(self._said, self.step, shape, "bool")
        labels = lazily(self._soft, self.step, shape, "uint8", most_probable)
        return Boundaries(
            stack=self.stack,
            compartments=from_canonical(soft, axes if "C" in axes else axes.replace("Y", "CY")),
            map=from_canonical(edges, flat),
            labels=from_canonical(labels, flat),
            spoken=from_canonical(said, flat),
            cells=from_canonical(self._labels, flat),
            set_points=table_of(self.rows, axes),
            holes=holes_of(self.holes, axes),
            pixel_um=self.pixel_um,
            counts=self._counts(),
            provenance=self._provenance(),
        )

    def _counts(self) -> dict[str, dict[str, int]]:
        kinds = ("measured", "imputed", "missing")
        return {
            role: dict(zip(kinds, self.pixels[:, ROLES.index(role)].tolist(), strict=True))
            for role in self.stack.roles
        }

    def _provenance(self) -> Provenance:
        used, source = "head" in self.__dict__, self.stack.source
        head, spoken = self.head if used else None, self.spoken / self._said.size
        told = notes_of(self.stack, self.params, self.pixels, head, spoken)
        nowhere = [] if self._labels.any() else [NO_CELL]
        return Provenance(
            version=__version__,
            model=head.card.name if head else "landmarks",
            model_sha256=head.card.sha256 if head else None,
            options=self.params.model_dump(),
            device=str(head.device) if head else "cpu",
            date=datetime.now(UTC).isoformat(timespec="seconds"),
            source=Path(source).name if source else self.stack.name,
            notes=tuple(dict.fromkeys((*self.notes, *self.frames.doubts, *told, *nowhere))),
        )


def _areas(named: Named, rank: LabelArray, count: int, step: int) -> Float64Array:
    """Return how many pixels each compartment of each cell has, (N + 1, 5), the field first."""
    flat = rank.ravel()
    areas = np.stack(
        [np.bincount(flat, weights=part.ravel(), minlength=count + 1) for part in named.soft], 1
    )
    areas[0] = areas.sum(0)
    return np.asarray(areas * step**2)


def _places(rank: LabelArray, count: int, step: int) -> dict[str, Float64Array]:
    """Return where the middle of each cell is, in pixels; the field first."""
    flat = rank.ravel()
    pixels = np.maximum(np.bincount(flat, minlength=count + 1), 1)
    found = {}
    for axis, name in enumerate("yx"):
        along = np.arange(rank.shape[axis], dtype=np.float64)
        wide = np.broadcast_to(along[:, None] if axis == 0 else along, rank.shape).ravel()
        middle = np.bincount(flat, weights=wide, minlength=count + 1) / pixels
        middle[0] = along[-1] / 2
        found[name] = (middle + 0.5) * step - 0.5
    return found
