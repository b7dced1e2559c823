"""Impute: fill what is missing of a stack, and nothing else.

The engine is a generator of progress events that knows nothing of who is listening. It
looks over the stack once (exposure, couplings), then goes through the frames and, in each,
through the tiles that hold missing pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from napari_dualgland._version import __version__
from napari_dualgland.errors import DualglandError
from napari_dualgland.imputation.belief import no_rehearsal
from napari_dualgland.imputation.frame import FilledTile, Frame
from napari_dualgland.imputation.noise import noise_at
from napari_dualgland.imputation.outcome import Outcome
from napari_dualgland.imputation.packed import Mask, PackedMasks
from napari_dualgland.imputation.params import ImputeParams
from napari_dualgland.imputation.rehearsal import rehearse_steps
from napari_dualgland.imputation.survey import Survey, survey
from napari_dualgland.imputation.tiles import Box, tiles_with_holes
from napari_dualgland.intervals import Reach
from napari_dualgland.missing import find_missing, match_mask
from napari_dualgland.model.device import choose_device, out_of_memory
from napari_dualgland.model.filler import Filler, load_filler
from napari_dualgland.progress import Cancelled, Patch, Progress, finish
from napari_dualgland.provenance import Provenance
from napari_dualgland.results import NOTHING_MISSING, Imputation
from napari_dualgland.stack import ROLES, Stack, from_canonical, to_canonical

SMALLEST_TILE = 64

PLAUSIBLE = (
    "filled with one plausible picture of many: it is further from the truth than the estimate; "
    "do not measure intensities in it"
)
"""What stands in the notes of a result that was asked to look measured."""

PIXELS_PER_WINDOW = 64
"""Missing pixels that are worth a window of rehearsal: a speck is not worth a minute."""


def impute(
    stack: Stack,
    missing: Any = None,
    params: ImputeParams | None = None,
    progress: Callable[[Progress], None] | None = None,
    **options: Any,
) -> Imputation:
    """Fill the missing pixels of a stack.

    Parameters
    ----------
    stack : Stack
        Any axes, any real dtype; lazy data stay lazy.
    missing : array_like, optional
        Boolean or number, non-zero = missing: (Y, X) for all channels, (C, Y, X), or the
        shape of ``stack.data``. Found by :func:`napari_dualgland.find_missing` if left out.
    params : ImputeParams, optional
        The options; or give them one by one as keywords.
    progress : callable, optional
        Called with every :class:`~napari_dualgland.progress.Progress`.
    **options
        Fields of :class:`ImputeParams` that replace those of ``params``.

    Returns
    -------
    Imputation
        Observed pixels are the source's own bits; what was filled is marked.

    Raises
    ------
    DualglandError
        If everything is missing, no channel has a role, or model or device do not exist.
    """
    chosen = (params or ImputeParams()).model_dump() | options
    return finish(impute_steps(stack, missing, ImputeParams(**chosen)), progress)


def impute_steps(
    stack: Stack,
    missing: Any = None,
    params: ImputeParams | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Generator[Progress, None, Imputation]:
    """Fill the missing pixels of a stack, saying after each tile how far it is.

    As :func:`impute`, but a generator of :class:`Progress` whose return value is the
    :class:`Imputation`. ``should_stop`` is asked between tiles.

    Raises
    ------
    Cancelled
        If ``should_stop`` returned true.
    """
    params = params or ImputeParams()
    if not stack.roles:
        raise DualglandError(
            f"{stack.source or stack.name}: no channel has a role; say which is which, e.g. "
            "--channels microtubules=0,protein=1,nucleus=2,er=3"
        )
    filler = load_filler(params.model, choose_device(params.device), params.precision)
    if (params.samples or params.plausible) and not filler.draws:
        raise DualglandError(
            f"the model {filler.card.name} draws no plausible pictures; choose another one, or "
            "ask for the estimate alone"
        )
    yield Progress(0, 0, "looking for missing pixels")
    given = find_missing(stack) if missing is None else match_mask(missing, stack)
    work = _Work(stack, given, filler, params)
    for number, _ in enumerate(work.read_masks(), 1):
        if should_stop():
            raise Cancelled("cancelled; nothing was changed")
        if work.frame_count > 1:
            yield Progress(0, 0, f"looking for missing pixels, frame {number}/{work.frame_count}")
    if work.total == 0:
        return work.unchanged()
    if params.plausible:
        work.note(PLAUSIBLE)
    work.refuse_if_nothing_is_observed()
    yield Progress(0, work.total, "measuring exposure")
    for message in work.look_over(should_stop):
        yield Progress(0, work.total, message)
        if should_stop():
            raise Cancelled("cancelled; nothing was changed")
    yield Progress(0, work.total)
    for patch in work.patches(should_stop):
        yield Progress(work.done, work.total, work.news(), patch)
    return work.result()


class _Work:
    """What one imputation holds while it runs."""

    def __init__(self, stack: Stack, missing: Any, filler: Filler, params: ImputeParams) -> None:
        self.source, self.filler, self.params = stack, filler, params
        self.stack = stack.completed()
        self.data = self.stack.canonical()
        self.given = to_canonical(missing, stack.axes)
        self.places = [(t, z) for t, z in stack.frames()]
        self.frame_count = len(self.places)
        self.index = [self.stack.roles[role] for role in ROLES]
        self.absent = [self.stack.roles[role] for role in stack.absent_roles]
        self.masks = PackedMasks(self.data.shape)
        self.total, self.done = 0, 0
        self.notes: list[str] = []
        self._told = 0
        self._surveyed: Survey | None = None
        self._rehearsed = no_rehearsal()
        self.outcome = Outcome(self.stack.dtype, len(self.stack.channels), params)

    # What is missing ---------------------------------------------------------------------

    def read_masks(self) -> Iterator[None]:
        """Read the mask of each frame once and keep it; count the tiles to do."""
        passed_over = False
        for t, z in self.places:
            mask = np.zeros(self.data.shape[2:], bool)
            mask[: len(self.source.channels)] = np.asarray(self.given[t, z])
            others = [i for i in range(len(mask)) if i not in self.index]
            passed_over |= bool(mask[others].any())
            mask[others] = False
            mask[self.absent] = True
            lost = mask[self.index].all((0, 1, 2))
            if lost.all() and self.frame_count > 1:
                self.note(f"frame t={t}, z={z} has no observed pixel and was left as it is")
                mask[:] = False
            self.masks.add(mask)
            self.total += sum(1 for _ in tiles_with_holes(mask, self.params.tile))
            yield
        if passed_over:
            self.note("channels without a role were left as they are")
        if self.absent:
            names = ", ".join(self.source.absent_roles)
            self.note(
                f"{names}: no such channel was recorded; all of it is estimated from the others, "
                "its intensities are relative"
            )
            if self.filler.card.architecture["kind"] == "prior":
                self.note(f"{names}: the prior knows no channel but itself; it stays empty")

    def refuse_if_nothing_is_observed(self) -> None:
        """Raise where there is nothing to learn from."""
        if all(self.masks[f][self.index].all() for f in range(self.frame_count)):
            raise DualglandError(
                f"{self.source.source or self.source.name}: everything is missing; "
                "there is no observed pixel to fill from"
            )

    # How it is filled --------------------------------------------------------------------

    def _pixels(self, frame: int, box: Box) -> npt.NDArray[Any]:
        """Return the (4, h, w) pixels of a box in the order of ROLES."""
        t, z = self.places[frame]
        return np.asarray(self.data[(t, z, slice(None), *box.slices)])[self.index]

    def _hidden(self, frame: int) -> Mask:
        """Return what must not be looked at: the mask, and all that is not finite."""
        mask = self.masks[frame][self.index]
        if self.stack.dtype.kind == "f":
            height, width = mask.shape[1:]
            mask |= ~np.isfinite(self._pixels(frame, Box(0, height, 0, width)))
        return mask

    def look_over(self, should_stop: Callable[[], bool]) -> Iterator[str]:
        """Measure exposure and couplings over the stack; rehearse on it and learn from it."""
        frames = [self.data[t, z][self.index] for t, z in self.places]
        masks = [self._hidden(f) for f in range(self.frame_count)]
        self._surveyed = survey(frames, masks)
        if not self.params.rehearse:
            return
        # Counted in pixels and not in tiles, or the size of a tile would show.
        windows = 1 + sum(int(mask.any(0).sum()) for mask in masks) // PIXELS_PER_WINDOW
        try:
            self._rehearsed = yield from rehearse_steps(
                frames,
                masks,
                self._surveyed,
                self.filler,
                self.params.seed,
                windows,
                self.params.adapt,
                should_stop,
            )
        except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
            if not out_of_memory(error):
                raise
            self.note("memory ran out while rehearsing; the model is believed as it was trained")

    def patches(self, should_stop: Callable[[], bool]) -> Iterator[Patch]:
        """Fill frame after frame, with smaller tiles, then on the CPU, if memory runs out."""
        tile = self.params.tile
        for frame in range(self.frame_count):
            if not self.masks[frame].any():
                continue
            finished: set[Box] = set()
            while True:
                try:
                    for patch, box in self._frame_patches(frame, tile, finished):
                        yield patch
                        finished.add(box)
                        if should_stop():
                            raise Cancelled("cancelled; nothing was changed")
                    break
                except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
                    if not out_of_memory(error):
                        raise
                    tile = self._with_less_memory(tile, error)
                    self.total = self.done + self._tiles_from(frame, tile, finished)

    def _tiles_from(self, frame: int, tile: int, finished: set[Box]) -> int:
        """Count the tiles that are left, from a frame on that is partly finished."""
        count = 0
        for number in range(frame, self.frame_count):
            mask = self.masks[number]
            for box in finished if number == frame else ():
                mask[(slice(None), *box.slices)] = False
            count += sum(1 for _ in tiles_with_holes(mask, tile))
        return count

    def _frame_patches(
        self, frame: int, tile: int, finished: set[Box]
    ) -> Iterator[tuple[Patch, Box]]:
        """Yield the tiles of a frame, less what an earlier attempt has finished."""
        surveyed, mask = self._surveyed, self.masks[frame]
        assert surveyed is not None
        apply = surveyed.normalisation.apply
        hidden = self._hidden(frame)

        def read(box: Box) -> npt.NDArray[np.float32]:
            dark = hidden[(slice(None), *box.slices)]
            return apply(np.where(dark, 0, self._pixels(frame, box)))

        wanted = hidden & mask[self.index].any(0)
        for box in finished:
            wanted[(slice(None), *box.slices)] = False

        def noise(box: Box) -> list[npt.NDArray[np.float32]]:
            place = self.places[frame]
            return [noise_at(box, self.params.seed, n, place) for n in self.outcome.pictures]

        field = Frame(
            read, hidden, self.filler, surveyed.beta, tile, wanted, self._rehearsed, noise
        )
        for filled in field.fill():
            self.done += 1
            yield self._patch(frame, filled, mask), filled.box

    def _patch(self, frame: int, filled: FilledTile, mask: Mask) -> Patch:
        """Bring a filled tile back to the intensities of the stack, and keep it."""
        surveyed = self._surveyed
        assert surveyed is not None
        (t, z), (y, x) = self.places[frame], filled.box.slices
        source = np.array(self.data[t, z, :, y, x])
        patch = Patch(t, z, y, x, source, mask[:, y, x])
        return self.outcome.add(patch, filled, surveyed, self.index)

    def _with_less_memory(self, tile: int, error: BaseException) -> int:
        """Return a smaller tile, or move to the CPU; raise where neither is left."""
        if tile // 2 >= SMALLEST_TILE:
            self.note(f"memory ran out on {self.filler.device}; went on with tiles of {tile // 2}")
            return tile // 2
        if self.filler.device.type != "cpu":
            self.note(f"memory ran out on {self.filler.device}; went on on the CPU")
            self.filler = self.filler.to(torch.device("cpu"))
            return self.params.tile
        raise DualglandError(
            "out of memory, even on the CPU with the smallest tiles; close other programs or "
            "cut the field"
        ) from error

    # What comes out ----------------------------------------------------------------------

    def note(self, text: str) -> None:
        """Keep what a reader of the result must know."""
        self.notes.append(text)

    def news(self) -> str:
        """Return what has been noted since the last call, for people."""
        fresh = "; ".join(self.notes[self._told :]) if self.done else ""
        self._told = len(self.notes)
        return fresh

    def _provenance(self) -> Provenance:
        per_channel = int(np.prod(self.data.shape)) // self.data.shape[2]
        card = self.filler.card
        return Provenance(
            version=__version__,
            model=card.name,
            model_sha256=card.sha256,
            options=self.params.model_dump(),
            seed=self.params.seed,
            device=str(self.filler.device),
            precision=self.filler.precision,
            date=datetime.now(UTC).isoformat(timespec="seconds"),
            source=Path(self.source.source).name if self.source.source else self.source.name,
            missing_fraction={
                channel.name: int(count) / per_channel
                for channel, count in zip(self.stack.channels, self.outcome.filled, strict=True)
            },
            reach=self._reach(),
            notes=tuple(dict.fromkeys(self.notes)),
        )

    def _reach(self) -> dict[str, Reach]:
        """Return how far errors reach, by the name of the channel."""
        if not self.outcome.states_sigma:
            return {}
        names = [self.stack.channels[i].name for i in self.index]
        return dict(zip(names, self._rehearsed.reach, strict=True))

    def unchanged(self) -> Imputation:
        """Return the source itself, with an empty mask."""
        self.note(NOTHING_MISSING)
        if isinstance(self.source, Imputation):
            known = self.source.provenance
            told = known.model_copy(update={"notes": (*known.notes, *self.notes)})
            return replace(self.source, provenance=told)
        missing = np.zeros_like(self.source.data, dtype=bool)
        return Imputation.of(self.source, missing, provenance=self._provenance())

    def result(self) -> Imputation:
        """Return the filled stack."""
        axes = self.stack.axes
        missing = self.masks.like(self.data, axes)
        blank: Any = np.zeros_like(self.data, dtype=np.float32)
        fill, sigma, samples = self.outcome.over(self.data, blank)
        uncertainty = None if sigma is None else from_canonical(sigma, axes)
        filled = replace(self.stack, data=from_canonical(fill, axes))
        drawn = tuple(from_canonical(sample, axes) for sample in samples)
        return Imputation.of(filled, missing, uncertainty, drawn, self._provenance())
