"""Fill frame after frame, with smaller tiles, then on the CPU, if memory runs out."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.imputation.boxes_by_place import BoxesByPlace
from napari_dualgland.imputation.calibration.calibration import Calibration
from napari_dualgland.imputation.estimates import Estimates
from napari_dualgland.imputation.kept import Kept
from napari_dualgland.imputation.masks import HiddenMask, HiddenMasks, WantedMask
from napari_dualgland.imputation.notes import Notes
from napari_dualgland.imputation.params import ImputeParams
from napari_dualgland.imputation.statistics import StackStatistics
from napari_dualgland.imputation.texture.pictures import NOTHING_TO_COPY, Pictures
from napari_dualgland.imputation.texture.textures import Textures
from napari_dualgland.imputation.tiling.boxes import Box, bands, tiles_with_holes
from napari_dualgland.imputation.tiling.frame import FilledTile, Frame
from napari_dualgland.imputation.tiling.noise import noise_at
from napari_dualgland.memory import is_out_of_memory
from napari_dualgland.model.filler import Filler
from napari_dualgland.packed import PackedMask
from napari_dualgland.progress import Cancelled, Patch
from napari_dualgland.typing import Float32Array

SMALLEST_TILE = 64

DRAWING = 0.2
"""Cost of a plausible picture of a tile, beside its estimate."""

UNMEASURED = (
    "pixels that are NaN, infinite or beyond what a camera counts were not looked at; those that "
    "are not marked as missing were left as they are"
)
"""What stands in the notes where there are such pixels."""


class Filling:
    """The tiles of a stack that hold missing pixels, filled one by one.

    Parameters
    ----------
    hidden : HiddenMasks
        What must not be looked at, with the masks of what is missing and the frames.
    filler : Filler
        The model; ``filler`` is another one after memory ran out on its device.
        What an earlier run has estimated stands in ``kept``.
    params : ImputeParams
        The options.
    estimates : Estimates
        Keep what is filled.
    notes : Notes
        Keep what went wrong.
    total : int
        Tiles that hold missing pixels.
    """

    def __init__(
        self,
        hidden: HiddenMasks,
        filler: Filler,
        params: ImputeParams,
        estimates: Estimates,
        notes: Notes,
        total: int,
    ) -> None:
        self.hidden, self.masks, self.frames = hidden, hidden.masks, hidden.frames
        self.filler, self.params = filler, params
        self.estimates, self.notes = estimates, notes
        self.done, self.total, self.drawn = 0, total, 0
        self.kept, self.model_draws = Kept(), False

    def patches(
        self,
        statistics: StackStatistics,
        calibration: Calibration,
        should_stop: Callable[[], bool],
        textures: Textures | None = None,
    ) -> Iterator[Patch | None]:
        """Fill every tile that holds missing pixels.

        Parameters
        ----------
        statistics : StackStatistics
            Exposure and couplings.
        calibration : Calibration
            How far to follow the model.
        should_stop : callable
            Asked between tiles.
        textures : Textures, optional
            What plausible pictures are drawn with.

        Yields
        ------
        Patch or None
            Each tile as soon as it is finished, once more with its plausible picture if that is
            what is filled in; None where another picture was drawn.

        Raises
        ------
        Cancelled
            If ``should_stop`` returned true.
        DualglandError
            If memory does not suffice for the smallest tiles on the CPU.
        """
        tile = self.params.tile
        pictures = None if textures is None else self._pictures(statistics, textures)
        for frame in range(len(self.frames)):
            mask = self.masks[frame]
            if not mask.any():
                continue
            self._note_unmeasured(frame)
            finished: BoxesByPlace[None] = BoxesByPlace()
            device = self.filler.device
            while True:
                try:
                    for filled in self._tiles(frame, tile, finished, statistics, calibration):
                        if filled is not None:
                            self.done += 1
                            yield self._patch(frame, mask, filled, statistics)
                            finished.add(filled.box, None)
                        if should_stop():
                            raise Cancelled.run()
                    break
                except Exception as error:
                    if not is_out_of_memory(error):
                        raise
                    tile = self._with_less_memory(tile, error)
                    self.total = self.done + self._tiles_from(frame, tile, finished)
            if self.filler.device != device:
                tile = self.params.tile
            for picture in () if pictures is None else pictures.of_frame(frame, should_stop):
                self.drawn += 1
                yield picture

    @property
    def share(self) -> float:
        """How much of the work is done, 0 to 1."""
        drawing = DRAWING * len(self.estimates.pictures)
        return (self.done + drawing * self.drawn) / (self.total * (1 + drawing))

    def _pictures(self, statistics: StackStatistics, textures: Textures) -> Pictures:
        """Return what draws pictures; the model does where there is nothing to copy."""
        pictures = Pictures(self.hidden, self.estimates, statistics, textures, self.params.seed)
        not_copied = pictures.not_copied()
        self.model_draws = bool(not_copied)
        if not_copied:
            self.notes.add(f"{', '.join(not_copied)}: {NOTHING_TO_COPY}")
        return pictures

    def _note_unmeasured(self, frame: int) -> None:
        """Say so where pixels that are not marked as missing cannot have been measured."""
        hidden = self.hidden[frame]
        if hidden.unmeasured is None or not hidden.unmeasured.any():
            return
        for band in bands(hidden.shape):
            at = (slice(None), *band.slices)
            if (hidden.unmeasured[at] & ~hidden.missing[(hidden.index, *band.slices)]).any():
                self.notes.add(UNMEASURED)
                return

    def _tiles_from(self, frame: int, tile: int, finished: BoxesByPlace[None]) -> int:
        """Count the tiles that are left, from a frame on that is partly finished."""
        count = 0
        for number in range(frame, len(self.frames)):
            hidden = HiddenMask(self.masks[number], self.frames.index)
            left = WantedMask(hidden, finished if number == frame else None)
            count += sum(1 for _ in tiles_with_holes(left, tile))
        return count

    def _tiles(
        self,
        frame: int,
        tile: int,
        finished: BoxesByPlace[None],
        statistics: StackStatistics,
        calibration: Calibration,
    ) -> Iterator[FilledTile | None]:
        """Yield the tiles of a frame, less what an earlier attempt has finished."""
        hidden = self.hidden[frame]

        def read(box: Box) -> Float32Array:
            dark = hidden[(slice(None), *box.slices)]
            return statistics.normalisation.shown(self.frames.roles(frame, box), dark)

        def noise(box: Box) -> list[Float32Array]:
            if not self.model_draws:
                return []
            place, seed = self.frames.place(frame), self.params.seed
            return [noise_at(box, seed, n, place) for n in self.estimates.pictures]

        wanted = WantedMask(hidden, finished)
        beta, apply = statistics.beta, calibration.apply
        kept = self.kept.part(str(frame))
        yield from Frame(
            read, hidden, self.filler, beta, tile, wanted, apply, noise, kept=kept
        ).fill()

    def _patch(
        self, frame: int, mask: PackedMask, filled: FilledTile, statistics: StackStatistics
    ) -> Patch:
        """Bring a filled tile back to the intensities of the stack, and keep it."""
        (t, z), (y, x) = self.frames.place(frame), filled.box.slices
        source = np.array(self.frames.channels(frame, filled.box))
        patch = Patch(t, z, y, x, source, mask[:, y, x])
        return self.estimates.add(patch, filled, statistics, self.frames.index)

    def _with_less_memory(self, tile: int, error: BaseException) -> int:
        """Return a smaller tile, or move to the CPU; raise where neither is left."""
        device = self.filler.device
        if tile // 2 >= SMALLEST_TILE:
            self.notes.add(f"memory ran out on {device}; went on with tiles of {tile // 2}")
            return tile // 2
        if device.type != "cpu":
            self.notes.add(f"memory ran out on {device}; went on on the CPU")
            self.filler = self.filler.to(torch.device("cpu"))
            # Larger tiles of this frame would lie over finished ones.
            return tile
        raise DualglandError(
            Kind.TOO_LARGE,
            f"device {device}",
            "out of memory, even on the CPU with the smallest tiles",
            way_out="close other programs, or cut the field",
        ) from error
