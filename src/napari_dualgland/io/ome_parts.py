"""Of the source's OME-XML, what speaks of the channels and the planes that a new file holds.

A new file may hold some of the source's channels, in another order, or one of its planes. In
OME-XML a wavelength or an exposure hangs on a position in the source: that position is found
again here, and where it is not certain nothing is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ome_types import model

from napari_dualgland.io.ome import parse_ome
from napari_dualgland.stack import Stack


@dataclass(frozen=True)
class Parts:
    """Where the source speaks of what a stack holds.

    Attributes
    ----------
    pixels : ome_types.model.Pixels
        Of the source.
    channels : tuple of (int or None)
        Of every channel of the stack, its position in the source.
    first : (int, int) or None
        The (t, z) of the source that is the first of the stack; None where it is not known.
    frames : (int, int)
        How many there are in the stack along T and Z.
    whole : bool
        Whether the stack is as wide and as high as the source, and no part of it.
    """

    pixels: model.Pixels
    channels: tuple[int | None, ...]
    first: tuple[int, int] | None
    frames: tuple[int, int]
    whole: bool

    @classmethod
    def of(cls, stack: Stack, source: model.Pixels) -> Parts:
        """Return where the source speaks of a stack.

        Parameters
        ----------
        stack : Stack
        source : ome_types.model.Pixels
            Of the first image of the stack's header.

        Returns
        -------
        Parts
        """
        frames = stack.sizes.get("T", 1), stack.sizes.get("Z", 1)
        first = stack.header.frame
        if first is None and frames == (source.size_t, source.size_z):
            first = (0, 0)
        elif frames != (1, 1):
            first = None  # some of the frames, and nobody says which
        size = stack.sizes["Y"], stack.sizes["X"]
        whole = size == (source.size_y, source.size_x)
        return cls(source, _positions(stack, source), first, frames, whole)

    def channel(self, number: int) -> model.Channel | None:
        """Return a copy of what is said of a channel of the stack."""
        at = self.channels[number]
        told = None if at is None else self.pixels.channels[at]
        # One RGB channel there is three channels here.
        if told is None or _samples(told) > 1:
            return None
        return told.model_copy(deep=True)

    def planes(self) -> list[model.Plane]:
        """Return copies of what is said of the stack's planes, numbered as they are in it."""
        kept = []
        for plane in self.pixels.planes:
            t, z = self._time(plane.the_t), self._depth(plane.the_z)
            if t is None or z is None:
                continue
            # The pixels may be estimates by now, and a part lies elsewhere on the stage.
            other: dict[str, object] = {"the_t": t, "the_z": z, "hash_sha1": None}
            if not self.whole:
                other |= {"position_x": None, "position_y": None}
            kept += [
                plane.model_copy(update={**other, "the_c": c}, deep=True)
                for c in self._channels(plane.the_c)
            ]
        return kept

    def fit(self, image: model.Image, ome: model.OME) -> None:
        """Take from an image the shapes drawn on, and the label of, what the stack does not hold.

        Parameters
        ----------
        image : ome_types.model.Image
            Changed in place.
        ome : ome_types.model.OME
            That it is of; its regions are changed in place.
        """
        if not self.whole:
            image.stage_label = None
        named = {ref.id for ref in image.roi_refs}
        gone = {roi.id for roi in ome.rois if roi.id in named and not self._keeps(roi)}
        ome.rois = [roi for roi in ome.rois if roi.id not in gone]
        image.roi_refs = [ref for ref in image.roi_refs if ref.id not in gone]

    def _keeps(self, roi: model.ROI) -> bool:
        """Renumber the shapes of a region; whether any is left."""
        if not self.whole:
            return False
        for name in type(roi.union).model_fields:
            shapes = getattr(roi.union, name)
            setattr(roi.union, name, [shape for shape in shapes if self._renumber(shape)])
        return any(getattr(roi.union, name) for name in type(roi.union).model_fields)

    def _renumber(self, shape: model.Shape) -> bool:
        """Give a shape the stack's own numbers; what names none of an axis is on all along it."""
        ways: dict[str, Callable[[int], int | None]] = {
            "the_t": self._time,
            "the_z": self._depth,
            "the_c": lambda c: next(self._channels(c), None),
        }
        for name, way in ways.items():
            said = getattr(shape, name)
            if said is not None:
                setattr(shape, name, way(said))
                if getattr(shape, name) is None:
                    return False
        return True

    def _time(self, t: int) -> int | None:
        return self._along(0, t)

    def _depth(self, z: int) -> int | None:
        return self._along(1, z)

    def _along(self, axis: int, said: int) -> int | None:
        if self.first is None:
            return None
        here = said - self.first[axis]
        return here if 0 <= here < self.frames[axis] else None

    def _channels(self, said: int) -> Iterator[int]:
        return (i for i, at in enumerate(self.channels) if at == said)


def _positions(stack: Stack, source: model.Pixels) -> tuple[int | None, ...]:
    told = [c.described_at for c in stack.channels]
    nothing = (None,) * len(told)
    said = [c.name for c in parse_ome(stack.header.ome_xml or "").channels]
    if len(said) != len(source.channels):
        return nothing  # one was not sound and left out, so that others stand in its place
    samples = [_samples(c) for c in source.channels]
    if any(n > 1 for n in samples):
        return (0,) * len(told) if samples == [len(told)] else nothing
    if any(at is not None for at in told):
        return tuple(at if at is not None and 0 <= at < len(said) else None for at in told)
    # Nobody has kept the positions. What is called by its role may be a channel of zeros.
    names = [c.name for c in stack.channels]
    sure = [
        names.count(c.name) == said.count(c.name) == 1 and c.name != c.role for c in stack.channels
    ]
    return tuple(said.index(n) if known else None for n, known in zip(names, sure, strict=True))


def _samples(channel: model.Channel) -> int:
    return channel.samples_per_pixel or 1
