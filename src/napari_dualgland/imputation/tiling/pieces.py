"""What of which tile is filled from which window, and which windows are filled at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from napari_dualgland.imputation.tiling.boxes import OVERLAP, Box, Mask
from napari_dualgland.imputation.tiling.clusters import clusters, window_box

Place = tuple[int, int]
"""Row and column of a tile in the grid of tiles."""


class Piece(NamedTuple):
    """A group of holes of a tile and of its rim, and the window that it is filled from."""

    tile: Place
    hole: Box
    window: Box

    @property
    def size(self) -> tuple[int, int]:
        """(h, w) of the window."""
        return self.window.y1 - self.window.y0, self.window.x1 - self.window.x0


def pieces_of(
    places: Sequence[Place], tiles: Mapping[Place, Box], wanted: Mask, shape: tuple[int, int]
) -> list[Piece]:
    """Return what is to be filled of some tiles, windows of one size together.

    Parameters
    ----------
    places : sequence of tuple
        Of the tiles.
    tiles : mapping
        Tiles by their places.
    wanted : numpy.ndarray or other Mask
        (C, Y, X), boolean.
    shape : tuple of int
        (Y, X) of the frame.

    Returns
    -------
    list of Piece
    """
    found = [
        Piece(place, hole, window_box(hole, shape))
        for place in places
        for hole in clusters(wanted, tiles[place].grown(OVERLAP, shape), shape)
    ]
    return sorted(found, key=lambda piece: (piece.size, piece))


def batches(pieces: Sequence[Piece], pixels: int) -> Iterator[list[Piece]]:
    """Yield pieces whose windows are of one size, as many as make up so many pixels.

    Parameters
    ----------
    pieces : sequence of Piece
        Windows of one size beside each other.
    pixels : int
        Of the windows of a batch, at most; one is always taken.

    Yields
    ------
    list of Piece
    """
    for _, same in groupby(pieces, lambda piece: piece.size):
        several = list(same)
        count = max(1, pixels // several[0].window.area)
        for start in range(0, len(several), count):
            yield several[start : start + count]


def bundles(pieces: Sequence[Piece], pixels: int) -> Iterator[list[list[Piece]]]:
    """Yield batches that make up so many pixels together, of windows of several sizes.

    Parameters
    ----------
    pieces : sequence of Piece
        Windows of one size beside each other.
    pixels : int
        Of the windows of a bundle, at most; one is always taken.

    Yields
    ------
    list of list of Piece
    """
    bundle: list[list[Piece]] = []
    left = pixels
    for batch in batches(pieces, pixels):
        size = sum(piece.window.area for piece in batch)
        if bundle and size > left:
            yield bundle
            bundle, left = [], pixels
        bundle.append(batch)
        left -= size
    if bundle:
        yield bundle


def around(place: Place, tiles: Mapping[Place, Box]) -> Iterator[Place]:
    """Yield the tile itself and its neighbours, as far as there are such tiles.

    Parameters
    ----------
    place : tuple of int
        Of the tile.
    tiles : mapping
        Tiles by their places.

    Yields
    ------
    tuple of int
    """
    for row in range(place[0] - 1, place[0] + 2):
        for column in range(place[1] - 1, place[1] + 2):
            if (row, column) in tiles:
                yield row, column
