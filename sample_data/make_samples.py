"""Make the sample stacks of this folder: simulated, so free of any rights or measurement.

Run it to make the files again: ``python sample_data/make_samples.py [FOLDER]``. What is
damaged, and where, stands in the two tables ``FIELD_DAMAGE`` and ``ZSTACK_DAMAGE``.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import tifffile

from dualgland_training.data.damage import FAMILIES
from dualgland_training.simulate import simulate_field
from napari_dualgland.io import write
from napari_dualgland.stack import Stack

HERE = Path(__file__).resolve().parent

MICROTUBULES, PROTEIN, NUCLEUS, ER = range(4)
ALL = (MICROTUBULES, PROTEIN, NUCLEUS, ER)

LOST, SATURATED = 0, 255
"""What damaged pixels read: a dead pixel is 0, a blinded one 255."""


@dataclass(frozen=True)
class Damage:
    """One piece of damage.

    Attributes
    ----------
    family : str
        ``box`` fills its window; ``row`` and ``column`` too, and are thin; ``blob`` is a
        disc in the window; ``dropout`` loses a share of its pixels; any other name is a
        family of ``dualgland_training.data.damage``, drawn inside the window.
    channels : tuple of int
        Channels that are hurt, all by the same hole.
    y, x, height, width : int
        Window on the field, in pixels.
    planes : tuple of int
        Planes of a z-stack; ignored for a single plane.
    value : int
        What the damaged pixels read.
    seed : int
        Of what is drawn at random.
    """

    family: str
    channels: tuple[int, ...]
    y: int
    x: int
    height: int
    width: int
    planes: tuple[int, ...] = (0,)
    value: int = LOST
    seed: int = 0

    def mask(self) -> npt.NDArray[np.bool_]:
        """Return which pixels of the window are damaged, shape (height, width)."""
        shape = (self.height, self.width)
        rng = np.random.default_rng(self.seed)
        if self.family in ("box", "row", "column"):
            return np.ones(shape, bool)
        if self.family == "blob":
            rows, columns = np.ogrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j]
            return np.asarray(np.hypot(rows, columns) < 1)
        if self.family == "dropout":
            return rng.random(shape) < 0.5
        return FAMILIES[self.family](shape, rng, 1.0)


FIELD_DAMAGE = (
    # A tile that the stage never delivered: dead in every channel.
    Damage("box", ALL, 96, 160, 88, 96),
    # A tile of the antibody channel alone, and one of a single landmark.
    Damage("box", (PROTEIN,), 400, 190, 104, 96),
    Damage("box", (MICROTUBULES,), 640, 400, 80, 110),
    Damage("box", (NUCLEUS,), 415, 895, 84, 90),
    # Lines that the scanner dropped: rows through all channels, a column of the ER.
    Damage("row", ALL, 330, 0, 2, 1024),
    Damage("row", (PROTEIN,), 770, 200, 3, 640),
    Damage("column", (ER,), 0, 560, 1024, 2),
    # Scratches and fibres on the slide hurt all channels alike.
    Damage("scratches", ALL, 540, 600, 340, 420, seed=3),
    # Large irregular holes.
    Damage("thick", ALL, 770, 380, 200, 260, seed=327),
    # Pixels that were lost one by one.
    Damage("dropout", ALL, 60, 640, 90, 120, seed=7),
    # A bright speck that blinded the detector in two channels.
    Damage("blob", (PROTEIN, ER), 700, 270, 44, 52, value=SATURATED),
)
"""Damage of ``dualgland_damaged.ome.tif``, 1024 x 1024."""

ZSTACK_DAMAGE = (
    Damage("box", ALL, 60, 70, 56, 64, planes=(2,)),
    Damage("box", (PROTEIN,), 150, 120, 48, 60, planes=(1, 2, 3)),
    Damage("row", ALL, 128, 0, 2, 256, planes=(4,)),
    Damage("thick", (MICROTUBULES, ER), 20, 110, 130, 140, planes=(1,), seed=215),
)
"""Damage of ``dualgland_zstack.ome.tif``, 5 planes of 256 x 256; plane 0 is whole."""


def damaged(
    pixels: npt.NDArray[np.uint8], damages: Sequence[Damage]
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]]:
    """Return a damaged copy of (Z, C, Y, X) or (C, Y, X) pixels and what is missing in it."""
    hurt, missing = pixels.copy(), np.zeros(pixels.shape, bool)
    planes = hurt.reshape(-1, *hurt.shape[-3:])
    lost = missing.reshape(planes.shape)
    for damage in damages:
        hole = damage.mask()
        rows, columns = (
            slice(start, start + size)
            for start, size in ((damage.y, damage.height), (damage.x, damage.width))
        )
        for z in damage.planes:
            for c in damage.channels:
                planes[z, c, rows, columns][hole] = damage.value
                lost[z, c, rows, columns] |= hole
    return hurt, missing


def write_mask(missing: npt.NDArray[np.bool_], stack: Stack, path: Path) -> None:
    """Write a mask as TIFF: 255 where a pixel is missing, 0 elsewhere."""
    tifffile.imwrite(
        path,
        np.where(missing, np.uint8(255), np.uint8(0)),
        photometric="minisblack",
        compression="zlib",
        metadata={"axes": stack.axes},
    )


def main(folder: Path = HERE) -> None:
    """Write the samples and their checksums into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    field = simulate_field((1024, 1024), seed=2)
    whole = field.stack("dualgland_whole")
    write(whole, folder / "dualgland_whole.ome.tif")

    pixels, missing = damaged(field.data, FIELD_DAMAGE)
    stack = replace(whole, data=pixels, name="dualgland_damaged")
    write(stack, folder / "dualgland_damaged.ome.tif")
    write_mask(missing, stack, folder / "dualgland_damaged_mask.tif")

    field = simulate_field((256, 256), seed=11, depth=5)
    pixels, missing = damaged(field.data, ZSTACK_DAMAGE)
    stack = replace(field.stack("dualgland_zstack"), data=pixels)
    write(stack, folder / "dualgland_zstack.ome.tif")
    write_mask(missing, stack, folder / "dualgland_zstack_mask.tif")

    sums = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
        for path in sorted(folder.glob("dualgland_*.tif"))
    ]
    (folder / "SHA256SUMS").write_text("".join(sums))


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:2]))
