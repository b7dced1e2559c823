"""Draw every class of the pattern simulator, and lay it beside the atlas's dictionary.

``python docs/contact_sheet.py`` writes ``docs/images/patterns.png``, simulated pixels alone.
``--dictionary DIR --beside FILE`` also draws each class next to the real pictures of the
locations that come down to it; those pixels are the atlas's and never enter the repository.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import typer
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from dualgland_training.simulate.layout import draw_layout
from dualgland_training.simulate.mixture import pattern_light
from dualgland_training.simulate.patterns import PATTERNS
from dualgland_training.simulate.scene import Scene, Streams, draw_scene, flattened
from napari_dualgland.classes import CLASS_OF_LOCATION, CLASSES, LOCATIONS, SHORT_NAMES

ROOT = Path(__file__).resolve().parents[1]

TILE, TITLE = 200, 24
"""Side of a picture and height of its title, in pixels."""

SIDE, PIXEL_UM = 300, 0.12
"""Side of a simulated field in pixels, and their size."""

Bytes = npt.NDArray[np.uint8]


def draw_scenes(seed: int) -> tuple[Scene, Scene]:
    """Return a scene of resting cells, and one in which all divide."""
    scenes = []
    for mitotic in (0.0, 1.0):
        rng = np.random.default_rng(seed)
        layout = draw_layout((SIDE, SIDE), PIXEL_UM, rng, cells=2, mitotic=mitotic)
        scenes.append(flattened(draw_scene(layout, Streams(*rng.spawn(4))).scene))
    return scenes[0], scenes[1]


def simulated(name: str, seed: int) -> Bytes:
    """Return a picture of one class, with photon noise, (TILE, TILE)."""
    resting, dividing = draw_scenes(seed)
    scene = dividing if name == "Mitotic spindle" else resting
    rng = np.random.default_rng(seed + 1)
    light = pattern_light(scene, name, rng)[scene.layout.window]
    if scene is dividing:
        y, x = np.unravel_index(np.argmax(ndimage.gaussian_filter(light, 15)), light.shape)
        top, left = (int(np.clip(c - SIDE // 4, 0, SIDE // 2)) for c in (y, x))
        light = light[top : top + SIDE // 2, left : left + SIDE // 2]
    counts = rng.poisson(np.clip(light, 0, 2) * 80 + 1) / 80
    grey = np.clip(counts / max(float(np.quantile(light, 0.999)), 0.5), 0, 1) ** 0.8
    picture = Image.fromarray((grey * 255).astype(np.uint8))
    return np.asarray(picture.resize((TILE, TILE), Image.Resampling.BICUBIC))


def real(path: Path) -> Bytes:
    """Return the middle of a dictionary picture's green channel, scale bar left out."""
    green = Image.open(path).convert("RGB").split()[1]
    return np.asarray(green.crop((200, 200, 640, 640)).resize((TILE, TILE)))


def short(name: str) -> str:
    """Return a title that fits."""
    return SHORT_NAMES.get(name, name)


def titled(picture: Bytes, title: str) -> Bytes:
    """Return a picture under its title."""
    whole = Image.new("L", (TILE + 6, TILE + TITLE + 6), 24)
    whole.paste(Image.fromarray(picture), (3, TITLE + 3))
    ImageDraw.Draw(whole).text((8, 5), title, fill=235, font=ImageFont.load_default(13))
    return np.asarray(whole)


def sheet(tiles: list[Bytes], columns: int) -> Image.Image:
    """Return tiles in rows."""
    blank = np.full_like(tiles[0], 24)
    tiles = tiles + [blank] * (-len(tiles) % columns)
    rows = [np.hstack(tiles[i : i + columns]) for i in range(0, len(tiles), columns)]
    return Image.fromarray(np.vstack(rows))


def beside(dictionary: Path, seed: int) -> Image.Image:
    """Return each class in a row: two drawn ones, then the real pictures of its locations."""
    tiles = []
    for k, name in enumerate(CLASSES[:-1]):
        row = [titled(simulated(name, seed + 7 * i), short(name)) for i in range(2)]
        places = [i for i, c in enumerate(CLASS_OF_LOCATION) if c == k]
        row += [titled(real(dictionary / f"{i}.jpg"), LOCATIONS[i]) for i in places]
        row += [np.full_like(row[0], 24)] * (8 - len(row))
        tiles += row[:8]
    return sheet(tiles, 8)


def main(
    out: Annotated[Path, typer.Option()] = ROOT / "docs/images/patterns.png",
    dictionary: Annotated[Path | None, typer.Option(help="Folder of <index>.jpg.")] = None,
    beside_out: Annotated[
        Path | None, typer.Option("--beside", help="A file outside the repository.")
    ] = None,
    seed: int = 3,
) -> None:
    """Draw the sheets."""
    drawn = sheet([titled(simulated(n, seed), short(n)) for n in PATTERNS], 6)
    drawn.quantize(28).save(out, optimize=True)  # a README's picture, not a measurement
    if dictionary is not None and beside_out is not None:
        if beside_out.resolve().is_relative_to(ROOT):
            raise typer.BadParameter("pictures of the atlas stay outside the repository")
        beside(dictionary, seed).save(beside_out)


if __name__ == "__main__":
    typer.run(main)
