"""What one imputation holds while it runs: frames, masks, what was measured, what comes out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch

from napari_dualgland._version import __version__
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.imputation import costs
from napari_dualgland.imputation.calibration.calibrate import calibrate_steps
from napari_dualgland.imputation.calibration.calibration import uncalibrated
from napari_dualgland.imputation.calibration.rehearsed import RehearsedFills
from napari_dualgland.imputation.estimates import Estimates
from napari_dualgland.imputation.exposure import exposed
from napari_dualgland.imputation.filling import Filling
from napari_dualgland.imputation.frames import StackFrames
from napari_dualgland.imputation.kept import Kept, Shelf, fingerprint
from napari_dualgland.imputation.marks import Marks
from napari_dualgland.imputation.masks import HiddenMasks
from napari_dualgland.imputation.notes import Notes
from napari_dualgland.imputation.packed import PackedMasks
from napari_dualgland.imputation.params import ImputeParams
from napari_dualgland.imputation.statistics import StackStatistics, StatisticsWindows
from napari_dualgland.imputation.texture.textures import Textures
from napari_dualgland.imputation.tiling.boxes import lost_throughout, tiles_with_holes
from napari_dualgland.intervals import Reach
from napari_dualgland.mask import Mask
from napari_dualgland.memory import is_out_of_memory
from napari_dualgland.model.filler import Filler
from napari_dualgland.progress import Cancelled, Course, Patch
from napari_dualgland.provenance import Provenance
from napari_dualgland.results import NOTHING_MISSING, Imputation
from napari_dualgland.stack import ROLES, Stack, from_canonical
from napari_dualgland.typing import BoolArray

NOT_OBSERVED = "the channel is there and no pixel of it was observed"


class ImputationRun:
    """One imputation.

    Parameters
    ----------
    stack : Stack
        What is filled.
    given : Mask or None
        What is missing; found frame by frame if None. What it marks beyond its bounds is damage,
        too: it is not filled, and not looked at.
    filler : Filler
        The model.
    params : ImputeParams
        The options.
    both : bool
        Whether to make the other fill, too, where the model draws.
    """

    def __init__(
        self,
        stack: Stack,
        given: Mask | None,
        filler: Filler,
        params: ImputeParams,
        both: bool = False,
    ) -> None:
        self.source, self.params, self.notes = stack, params, Notes()
        self.stack = stack.completed()
        self.data = self.stack.canonical()
        self._keeps_earlier = False  # some of what an earlier run has estimated
        self.index = [self.stack.roles[role] for role in ROLES]
        self.frames = StackFrames(self.data, self.index)
        self._marks = Marks(stack, given, self.frames, self.notes)
        self.masks = PackedMasks(self.data.shape)
        self.hidden = HiddenMasks(self.masks, self.frames)
        self._windows = StatisticsWindows(self.hidden)
        self._statistics: StackStatistics | None = None
        self._calibration = uncalibrated()
        self._rehearsed: RehearsedFills | None = None
        self._lost = np.ones(self.data.shape[2], bool)  # channels of which all is missing
        self._observed = False  # some pixel
        self._estimates = Estimates(
            self.stack.dtype, len(self.stack.channels), self.masks, params, both and filler.draws
        )
        if self._estimates.pictures:
            self._rehearsed = RehearsedFills()
        self.filling = Filling(self.hidden, filler, params, self._estimates, self.notes, 0)

    # What is missing ---------------------------------------------------------------------

    def read_masks(self, should_stop: Callable[[], bool]) -> Iterator[None]:
        """Read the mask of each frame once and keep it; count the tiles to do."""
        passed_over = False
        others = [i for i in range(len(self.stack.channels)) if i not in self.index]
        absent = [self.stack.roles[role] for role in self.source.absent_roles]
        for frame in range(len(self.frames)):
            mask, lost = self.masks.begin(), np.ones(self.data.shape[2], bool)
            loaded = self._marks.loads_pixels(frame)
            for first, found, beyond in self._marks.rows(frame, should_stop):
                rows = self._completed(found)
                passed_over |= bool(rows[others].any())
                rows[others] = False
                rows[absent] = True
                lost &= rows.all((1, 2))
                mask.put(first, rows)
                self._set_apart(frame, first, beyond)
            for first, estimated in self._marks.earlier(frame):
                here = slice(first, first + estimated.shape[1])
                kept = estimated & ~mask[slice(None), here, slice(None)][: len(estimated)]
                self._keeps_earlier |= bool(kept.any())
                self._set_apart(frame, first, kept)
            observed = not lost_throughout(self.hidden.marked(frame)).all()
            if observed or len(self.frames) == 1:
                self._lost &= lost
                self._observed |= observed
            else:
                t, z = self.frames.place(frame)
                self.notes.add(f"frame t={t}, z={z} has no observed pixel and was left as it is")
                mask.clear()
                self.hidden.set_all_apart(frame)
            self.filling.total += sum(1 for _ in tiles_with_holes(mask, self.params.tile))
            if loaded:
                # Its pixels are at hand now; later they would be loaded again.
                self._look_at(frame)
            yield
        self._note_channels(passed_over)

    def _completed(self, rows: BoolArray) -> BoolArray:
        """Return rows of the source's channels as those of the completed stack."""
        every = np.zeros((self.data.shape[2], *rows.shape[1:]), bool)
        every[: len(rows)] = rows
        return every

    def _set_apart(self, frame: int, first: int, rows: BoolArray | None) -> None:
        """Neither look at pixels of the source's channels nor fill them."""
        if rows is not None and rows.any():
            self.hidden.set_apart(frame, first, self._completed(rows)[self.index])

    def _look_at(self, frame: int) -> None:
        """Take what is needed of a frame's pixels before any frame is filled."""
        self._windows.take(frame)
        if self.params.rehearse or self._estimates.pictures:
            self.hidden.look_at(frame)

    def _note_channels(self, passed_over: bool) -> None:
        if passed_over:
            self.notes.add("channels without a role were left as they are")
        absent = self.source.absent_roles
        unseen = [r for r, at in self.source.roles.items() if self._lost[at]]
        if len(absent) + len(unseen) == len(ROLES):
            return  # nothing is estimated
        for roles, why in ((absent, "no such channel was recorded"), (unseen, NOT_OBSERVED)):
            if not roles:
                continue
            names = ", ".join(roles)
            self.notes.add(
                f"{names}: {why}; all of it is estimated from the others, its intensities are "
                "relative"
            )
            if self.filling.filler.card.architecture["kind"] == "prior":
                self.notes.add(f"{names}: the prior knows no channel but itself; it stays empty")

    def refuse_if_nothing_is_observed(self) -> None:
        """Raise where there is nothing to learn from.

        Raises
        ------
        DualglandError
            If everything is missing.
        """
        if not self._observed:
            raise DualglandError(
                Kind.EMPTY,
                self.source.where,
                "everything is missing; there is no observed pixel to fill from",
                way_out="check the image, or give a mask of what is missing",
            )

    # How it is filled --------------------------------------------------------------------

    def calibrate(self, should_stop: Callable[[], bool]) -> Iterator[tuple[str, float]]:
        """Measure exposure and couplings, calibrate the model.

        Yields
        ------
        tuple
            What is being done, for people, and how much of the calibration is done, 0 to 1.
        """
        for frame in range(len(self.frames)):
            self._look_at(frame)
        # A hole in a channel of which nothing but estimates is there is to have the exposure of its
        # surroundings, relative as that is.
        places = self._windows.frames
        self._statistics = self._windows.measure(lambda role: self._marks.estimated(role, places))
        if self.params.rehearse or self._estimates.pictures:
            yield from self._rehearse(should_stop)
        if self.source.absent_roles and not should_stop():
            self._expose()

    def _rehearse(self, should_stop: Callable[[], bool]) -> Iterator[tuple[str, float]]:
        assert self._statistics is not None
        course = Course(rehearsing=costs.rehearsing(self.params), learning=4 * costs.LEARNING)
        steps = calibrate_steps(
            self.hidden,
            self._statistics,
            self.filling.filler,
            self.params.seed,
            self.params.adapt and self.params.rehearse,
            should_stop,
            course,
            self._rehearsed,
        )
        try:
            while True:
                message = next(steps)
                yield message, course.told
        except StopIteration as end:
            # Rehearsed for its texture alone, the model is believed as it was trained.
            self._calibration = end.value if self.params.rehearse else self._calibration
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            self.notes.add(
                "memory ran out while rehearsing; the model is believed as it was trained"
            )

    def _expose(self) -> None:
        """Choose the exposure of channels that were never recorded: nobody can know it."""
        assert self._statistics is not None
        absent = [ROLES.index(role) for role in self.source.absent_roles]
        self._statistics = exposed(
            self._statistics, absent, self.hidden, self.filling.filler, self._calibration
        )

    def keep_on(self, shelf: Shelf) -> str:
        """Keep estimates, and take those of the same run that was cut off; say so if there are."""
        assert self._statistics is not None
        filler, params = self.filling.filler, self.params
        masks = [self.masks[frame].bits for frame in range(len(self.frames))]
        facts = fingerprint(
            (__version__, torch.__version__, torch.get_num_threads()),
            (filler.card.name, filler.card.sha256, filler.precision, str(filler.device)),
            (params.model_dump(), self.source.roles, self.data.shape, str(self.data.dtype)),
            (masks, self.hidden.apart, self._statistics, self._calibration),
            self._estimates.pictures,
        )
        self.filling.kept = Kept(shelf)
        count = shelf.begin(facts, self.filling.total)
        return f"going on with {count} pieces of a run that was cut off" if count else ""

    def fill(self, should_stop: Callable[[], bool]) -> Iterator[Patch | None]:
        """Yield every tile with missing pixels as soon as it is filled, and drawn."""
        assert self._statistics is not None
        known = (self._statistics, self._calibration, should_stop)
        return self.filling.patches(*known, self._textures(should_stop))

    def _textures(self, should_stop: Callable[[], bool]) -> Textures | None:
        """Return what plausible pictures are drawn with, if some are wanted."""
        if self._rehearsed is None:
            return None
        assert self._statistics is not None
        known = (self._calibration, self._statistics, self.frames.dtype)
        residuals = []
        for residual in self._rehearsed.residuals(*known):
            residuals.append(residual)
            if should_stop():
                raise Cancelled.run()
        return Textures(residuals, self.params.seed, should_stop)

    # What comes out ----------------------------------------------------------------------

    def _provenance(self) -> Provenance:
        per_channel = int(np.prod(self.data.shape)) // self.data.shape[2]
        filler = self.filling.filler
        reach: dict[str, Reach] = {}
        if self._estimates.states_sigma:
            keys = [self.stack.channel_keys[i] for i in self.index]
            reach = dict(zip(keys, self._calibration.reach, strict=True))
        return Provenance(
            version=__version__,
            model=filler.card.name,
            model_sha256=filler.card.sha256,
            options=self.params.model_dump(),
            seed=self.params.seed,
            device=str(filler.device),
            precision=filler.precision,
            date=datetime.now(UTC).isoformat(timespec="seconds"),
            source=Path(self.source.source).name if self.source.source else self.source.name,
            missing_fraction={
                key: int(count) / per_channel
                for key, count in zip(self.stack.channel_keys, self._estimates.filled, strict=True)
            },
            reach=reach,
            notes=tuple(dict.fromkeys((*self._earlier_notes(), *self.notes.every()))),
        )

    def _earlier_notes(self) -> tuple[str, ...]:
        """Return what had to be said of what an earlier run has filled, if some of it is left."""
        if not (isinstance(self.source, Imputation) and self._keeps_earlier):
            return ()
        return tuple(note for note in self.source.provenance.notes if note != NOTHING_MISSING)

    def unchanged(self) -> Imputation:
        """Return the source itself, with an empty mask."""
        self.notes.add(NOTHING_MISSING)
        if isinstance(self.source, Imputation):
            known = self.source.provenance
            told = known.model_copy(update={"notes": (*known.notes, *self.notes.every())})
            return replace(self.source, provenance=told)
        missing = np.zeros_like(self.source.data, dtype=bool)
        return Imputation.of(self.source, missing, provenance=self._provenance())

    def result(self) -> Imputation:
        """Return the filled stack."""
        axes = self.stack.axes
        missing = self.masks.like(self.data, axes)
        fill, sigma, samples, other = self._estimates.over(self.data)
        filled = replace(self.stack, data=from_canonical(fill, axes))
        uncertainty = None if sigma is None else from_canonical(sigma, axes)
        drawn = tuple(from_canonical(sample, axes) for sample in samples)
        made = Imputation.of(filled, missing, uncertainty, drawn, self._provenance())
        return made if other is None else replace(made, other=from_canonical(other, axes))
