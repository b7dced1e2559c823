"""A bank of cells into which every class has been drawn once, each class by itself.

Drawing costs tens of milliseconds a cell, mixing none: a training step takes a cell of the
bank, weighs some of its classes against each other, and has a protein channel with its exact
truth that nobody has seen before. ``python -m dualgland_training.localizer.bank --help``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
import typer
from scipy import ndimage
from skimage.io import imread

from dualgland_training.simulate.layout import draw_layout
from dualgland_training.simulate.mixture import in_focus, pattern_light, scaled_per_cell
from dualgland_training.simulate.patterns import PATTERNS
from dualgland_training.simulate.real import real_scene
from dualgland_training.simulate.scene import Scene, Streams, draw_scene, flattened
from napari_dualgland.model.localizer import PIXEL_UM

DRAWN_UM = 0.16
"""Pixel size at which scenes are drawn, before they are brought to the localizer's."""

FIELD = 768
"""Side of a drawn field, in pixels."""

UNIT = 100
"""Grey value of light 1: a bank holds uint8."""

NEAR = 9.0
"""A cell with its nucleus nearer than this to the end of the canvas is left out, in µm."""

REFERENCE_UM = 0.107
"""Pixel size of the collection's reference cells, about."""

LANDMARKS = 3
"""Planes before those of the classes: microtubules, nucleus, ER."""

Bytes = npt.NDArray[np.uint8]


@dataclass
class Bank:
    """Cells with everything drawn into them.

    Attributes
    ----------
    planes : list of numpy.ndarray
        Per cell uint8 (3 + 18, h, w) at the localizer's pixel size: light of microtubules,
        nucleus, ER and of every class, in units of 1 / :data:`UNIT`.
    inside : list of numpy.ndarray
        Per cell bool (h, w).
    origin : list of str
        ``simulated`` or ``reference``.
    """

    planes: list[Bytes] = field(default_factory=list)
    inside: list[npt.NDArray[np.bool_]] = field(default_factory=list)
    origin: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.planes)

    def add(self, planes: npt.NDArray[np.floating], own: npt.NDArray[np.bool_], um: float) -> None:
        """Keep one cell of (21, Y, X) light, brought to the localizer's pixel size."""
        scale = um / PIXEL_UM
        sides = [max(16, round(n * scale)) for n in own.shape]
        both = np.concatenate([planes * own, own[None]]).astype(np.float32)
        small = F.interpolate(torch.from_numpy(both)[None], sides, mode="bilinear", antialias=True)[
            0
        ].numpy()
        self.planes.append(np.clip(np.rint(small[:-1] * UNIT), 0, 255).astype(np.uint8))
        self.inside.append(small[-1] > 0.5)

    def available(self, index: int) -> npt.NDArray[np.bool_]:
        """Return which classes this cell can show, (18,): not all divide, not all have spots."""
        return np.asarray(self.planes[index][LANDMARKS:].max((1, 2)) > 0.6 * UNIT)

    def save(self, path: Path) -> None:
        """Write the bank as ``.npz``, without pickles."""
        shapes = np.array([p.shape[1:] for p in self.planes])
        np.savez(
            path,
            planes=np.concatenate([p.ravel() for p in self.planes]),
            inside=np.concatenate([i.ravel() for i in self.inside]),
            shapes=shapes,
            origin=np.array(self.origin),
        )


def load_bank(*paths: Path) -> Bank:
    """Return the cells of one or several ``.npz`` files."""
    bank = Bank()
    depth = LANDMARKS + len(PATTERNS)
    for path in paths:
        with np.load(path, allow_pickle=False) as stored:
            planes, inside = stored["planes"], stored["inside"]
            at = 0
            for (h, w), origin in zip(stored["shapes"], stored["origin"], strict=True):
                size = int(h) * int(w)
                bank.planes.append(planes[depth * at : depth * (at + size)].reshape(depth, h, w))
                bank.inside.append(inside[at : at + size].reshape(h, w))
                bank.origin.append(str(origin))
                at += size
    return bank


def draw_into(scene: Scene, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Return the light of all 18 classes in a scene, (18, Y, X), bright parts of each cell 1."""
    return np.stack([pattern_light(scene, name, rng) for name in PATTERNS])


def simulated_cells(bank: Bank, fields: int, seed: int) -> Iterator[int]:
    """Add the cells of simulated fields, and yield how many there are after each field."""
    for child in np.random.default_rng(seed).spawn(fields):
        layout = draw_layout((FIELD, FIELD), DRAWN_UM, child, mitotic=child.choice([0.0, 0.15]))
        scene, dna = draw_scene(layout, Streams(*child.spawn(4)), bridges=0.05)
        flat = flattened(scene)
        marks = [in_focus(scene, v) for v in (scene.microtubules, dna, scene.er)]
        marks = [scaled_per_cell(m, layout.cells, scene.pixels_per_um) for m in marks]
        planes = np.concatenate([np.stack(marks), draw_into(flat, child)])
        windows = ndimage.find_objects(layout.cells, max_label=scene.count)
        for label in range(1, scene.count + 1):
            outline = layout.outlines[label - 1]
            ends = (n * DRAWN_UM for n in layout.shape)
            if not all(
                c > NEAR and c < e - NEAR for c, e in zip((outline.y, outline.x), ends, strict=True)
            ):
                continue
            window = windows[label - 1]
            own = layout.cells[window] == label
            bank.add(planes[(slice(None), *window)], own, DRAWN_UM)
            bank.origin.append("simulated")
        yield len(bank)


def add_real(
    bank: Bank,
    marks: npt.NDArray[Any],
    own: npt.NDArray[np.bool_],
    um: float,
    name: str,
    rng: np.random.Generator,
) -> None:
    """Add a real cell, landmarks (3, Y, X) in the order of the bank; one without nucleus not."""
    scene = real_scene(marks[0], marks[1], marks[2], own, um)
    if scene is None:
        return
    scaled = [scaled_per_cell(m.astype(np.float32), scene.layout.cells, 1 / um) for m in marks]
    bank.add(np.concatenate([np.stack(scaled), draw_into(scene, rng)]), own, um)
    bank.origin.append(name)


def references(bank: Bank, root: Path, seed: int) -> None:
    """Add the reference cells of the collection, several times with other proteins."""
    rng = np.random.default_rng(seed)
    for path in sorted((root / "references").iterdir()):
        image = _landmarks_of(path)
        own = np.asarray((image > 0).any(0))
        for _ in range(4):
            add_real(bank, image, own, REFERENCE_UM, "reference", rng)


def _landmarks_of(path: Path) -> npt.NDArray[np.floating]:
    """Return (3, Y, X): microtubules, nucleus, ER."""
    image = np.asarray(imread(path))
    return np.moveaxis(image, -1, 0) if image.shape[-1] == 3 else image


def main(
    out: Annotated[Path, typer.Option(help="The .npz file to write.")],
    fields: Annotated[int, typer.Option(help="Simulated fields to draw.")] = 0,
    data: Annotated[
        Path | None, typer.Option(help="Collection whose reference cells are drawn into.")
    ] = None,
    seed: Annotated[int, typer.Option()] = 0,
) -> None:
    """Draw a bank of cells."""
    torch.set_num_threads(1)
    bank = Bank()
    for count in simulated_cells(bank, fields, seed):
        typer.echo(f"{count} cells")
    if data is not None:
        references(bank, data, seed + 1)
        typer.echo(f"{len(bank)} with references")
    bank.save(out)


if __name__ == "__main__":
    typer.run(main)
