"""A folder in which runs are struck, and what has to hold of its files afterwards."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import tifffile

from napari_dualgland.io import read, write
from napari_dualgland.pixel_size import PixelSize
from napari_dualgland.stack import ROLES, Channel, Stack
from struck_runs import run


class Place:
    """A folder with a source of four channels, a mask, labels, and what sound runs make of them."""

    def __init__(self, at: Path, side: int = 192) -> None:
        chance = np.random.default_rng(5)
        rough = chance.random((4, side // 8, side // 8))
        data = np.kron(rough, np.ones((8, 8))) * 50000 + chance.random((4, side, side)) * 9000 + 1
        channels = tuple(Channel(role, role) for role in ROLES)
        self.at, self.source, self.mask = at, at / "in.ome.tif", at / "mask.tif"
        write(Stack(data.astype(np.uint16), "CYX", channels, PixelSize(0.08, 0.08)), self.source)
        mask = np.zeros((side, side), np.uint8)
        mask[20:60, 30:90] = 1
        tifffile.imwrite(self.mask, mask)
        self.labels = [at / "l1.tif", at / "l2.tif"]
        for shift, path in enumerate(self.labels):
            cells = np.zeros((side, side), np.uint16)
            cells[10 + 9 * shift : 80, 10:90], cells[90:170, 60 + 9 * shift : 160] = 1, 2
            tifffile.imwrite(path, cells)
        self.out, self.folder = at / "o.ome.tif", at / "cells"
        self.sound = self.digest([self.source, self.mask, *self.labels])
        done = run(self.impute(), at)
        assert done.code == 0, done
        self.seconds = done.seconds
        self.right = self.pixels()
        done = run(self.localize(self.labels[1]), at)
        assert done.code == 0, done
        self.new = self.set()
        self.seconds_localize = done.seconds
        self.older = at / "older"
        run([*self.localize(self.labels[0])[:3], self.older, "--cells", self.labels[0]], at)
        self.old = self.set(self.older)
        assert self.new.keys() == self.old.keys()

    def impute(self, *more: object) -> list[object]:
        words: list[object] = ["impute", self.source, "--out", self.out, "--missing", self.mask]
        return [*words, "--model", "prior", "--no-rehearse", *more]

    def localize(self, labels: Path) -> list[object]:
        return ["localize", self.source, "--out", self.folder, "--cells", labels]

    @staticmethod
    def digest(paths: list[Path]) -> str:
        return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()

    def pixels(self) -> str:
        result = read(self.out)
        whole = [np.asarray(result.data), np.asarray(getattr(result, "missing", 0))]
        return hashlib.sha256(b"".join(part.tobytes() for part in whole)).hexdigest()

    def set(self, folder: Path | None = None) -> dict[str, str]:
        """Return what is in the files of a localization, without what tells of the run."""
        found = {}
        for path in sorted((folder or self.folder).iterdir()):
            if path.name.endswith(".tif"):
                found[path.name] = hashlib.sha256(tifffile.imread(path).tobytes()).hexdigest()
            elif not path.name.startswith("."):
                found[path.name] = self.digest([path])
        return found

    def changed(self) -> str | None:
        paths = [self.source, self.mask, *self.labels]
        return None if self.digest(paths) == self.sound else "a source was changed"

    def half(self) -> str | None:
        """Return what is wrong with the output, if anything: it is whole, or not there."""
        try:
            right = not self.out.exists() or self.pixels() == self.right
        except Exception as error:
            return f"the output cannot be read ({error})"
        return None if right else "the output is not whole"

    def clear(self) -> None:
        """Remove what an earlier kind of fault has left."""
        for path in self.at.rglob("*.part"):
            path.unlink()

    def left(self) -> str | None:
        """Return what unfinished files lie there."""
        parts = [path.name for path in self.at.rglob("*.part")]
        return f"left behind: {', '.join(parts)}" if parts else None
