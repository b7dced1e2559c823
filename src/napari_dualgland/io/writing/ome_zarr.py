"""OME-Zarr (NGFF 0.5): chunks for the largest fields, and for whoever reads a part of them.

The image with its resolutions lies at the top, the mask of estimated pixels among the labels,
uncertainty and plausible pictures as images of their own in groups beside; our record among the
attributes says which is which. Written frame by frame, so that a lazy result is never held.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from napari_dualgland.io.frame_store import TILE, FrameStore, Part, halved, read_frame
from napari_dualgland.io.ome import MISSING
from napari_dualgland.io.record import KEY, Record
from napari_dualgland.io.tiff_writing import levels_of
from napari_dualgland.io.writing.content import Content
from napari_dualgland.io.writing.contrast import range_of
from napari_dualgland.io.writing.format import Format
from napari_dualgland.io.writing.ngff import VERSION, image_said, labels_said, omero_said
from napari_dualgland.io.writing.planned import PlannedFile
from napari_dualgland.io.writing.words import all_in_one
from napari_dualgland.io.zarr import require_zarr

if TYPE_CHECKING:
    import zarr

CHUNK = 2 * TILE
"""Side of a chunk, in pixels."""


class OmeZarr(Format):
    """Writes folders of chunks."""

    name = "OME-Zarr"
    endings = (".ome.zarr", ".zarr")
    about = (
        "A folder of chunks with image, mask, uncertainty and history inside: for the largest "
        "fields and for the cloud; opens in napari, Fiji (MoBIE, BigDataViewer) and OMERO."
    )
    is_folder = True

    @override
    def refuse(self, content: Content, path: Path) -> None:
        """Refuse where zarr is lacking; see :class:`.format.Format`."""
        require_zarr(path)

    @override
    def files(self, content: Content, path: Path) -> list[PlannedFile]:
        """Return what will be written; see :class:`.format.Format`."""
        return [all_in_one(content, path, _axes(content.axes))]

    @override
    def fill(self, content: Content, beside: Mapping[Path, Path]) -> None:
        """Write it; see :class:`.format.Format`."""
        import zarr

        (folder,) = beside.values()
        stack = content.stack
        root = zarr.open_group(folder, mode="w", zarr_format=3)
        places = {part.name: _place(part) for part in content.parts[1:]}
        groups = [root, *(root.require_group(place) for place in places.values())]
        images = [_Image(g, content, part) for g, part in zip(groups, content.parts, strict=True)]
        ranges: list[tuple[float, float]] = []
        for t, z in stack.frames():
            with contextlib.ExitStack() as frame:
                stores = read_frame(content.parts, t, z, folder.parent, frame)
                ranges = ranges or [range_of(stores[0], c) for c in range(stores[0].shape[0])]
                for image, store in zip(images, stores, strict=True):
                    image.put(t, z, store, folder.parent, content.pause)
        for image in images[1:]:
            image.describe()
        if MISSING in places:
            root["labels"].attrs["ome"] = {"version": VERSION, "labels": [MISSING]}
        record = Record.of(stack, {name: (place,) for name, place in places.items()})
        images[0].describe(omero=omero_said(stack, ranges))
        root.attrs[KEY] = record.as_data()


class _Image:
    """One image of the group, with its resolutions.

    Parameters
    ----------
    group : zarr.Group
    content : Content
    part : Part
    """

    def __init__(self, group: zarr.Group, content: Content, part: Part) -> None:
        self._group, self._stack, self._part = group, content.stack, part
        self._axes = _axes(content.axes)
        sizes = content.stack.sizes
        height, width = sizes["Y"], sizes["X"]
        self._arrays = []
        for level in range(levels_of(height, width) + 1):
            shape = [sizes[a] for a in self._axes[:-2]] + [height, width]
            chunks = (1,) * (len(shape) - 2) + (min(CHUNK, height), min(CHUNK, width))
            self._arrays.append(
                group.create_array(
                    str(level),
                    shape=tuple(shape),
                    chunks=chunks,
                    dtype=part.dtype,
                    dimension_names=list(self._axes.lower()),
                    # A chunk that is left out looks like one that was lost.
                    config={"write_empty_chunks": True},
                )
            )
            height, width = -(-height // 2), -(-width // 2)

    def put(
        self, t: int, z: int, store: FrameStore, folder: Path, pause: Callable[[], None]
    ) -> None:
        """Write one frame at every resolution.

        Parameters
        ----------
        t, z : int
        store : FrameStore
        folder : pathlib.Path
            Where scratch files may lie.
        pause : callable
            Called before every row of chunks.
        """
        for channel in range(store.shape[0]):
            at = {"T": t, "C": channel, "Z": z}
            lead = tuple(at[a] for a in self._axes[:-2])
            with contextlib.ExitStack() as scratch:
                level, c = store, channel
                for number, array in enumerate(self._arrays):
                    for row in range(0, level.shape[1], CHUNK):
                        pause()
                        rows = level[c, row, row + CHUNK]
                        at_rows: Any = (*lead, slice(row, row + len(rows)), slice(None))
                        array[at_rows] = rows
                    if number + 1 < len(self._arrays):
                        level, c = halved(level, c, self._part, folder), 0
                        scratch.callback(level.close)

    def describe(self, **more: Any) -> None:
        """Say what the image is, once its pixels are there."""
        said = image_said(self._stack, self._part.name, self._axes, len(self._arrays))
        if self._part.is_mask:
            more |= labels_said()
        self._group.attrs["ome"] = {**said, **more}


def _place(part: Part) -> str:
    """Return where a further image lies in the group."""
    return f"labels/{MISSING}" if part.name == MISSING else part.name.replace(" ", "_")


def _axes(axes: str) -> str:
    """Return axes in the order of NGFF: time, channel, space."""
    return "".join(a for a in "TCZYX" if a in axes)
