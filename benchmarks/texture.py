"""Does a fill pass for measured? A two-sample test of fills, their spectra and their errors.

``python benchmarks/texture.py [--data FOLDER]`` damages the small fields of the atlas collection,
and at two sizes the field that nothing was trained on, and fills them in every way. Trees that
were taught on the other small fields then say of patches whether they were measured. Writes
``results/texture.md``; the pixels are read and never written. Nothing is learned inside the image.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Annotated, NamedTuple
from unittest import mock

import numpy as np
import torch
import typer
from scipy import ndimage

import napari_dualgland as nd
import texture_cost
from dualgland_training.data.collection import read_field, read_table
from dualgland_training.data.damage import FAMILIES
from dualgland_training.data.source import shrink
from dualgland_training.evaluate.scoring import CROP, cut
from dualgland_training.metrics.sets import frechet_distance, kernel_distance
from dualgland_training.perceptual.judge import load_judge
from napari_dualgland.imputation.normalise import measure
from napari_dualgland.imputation.texture.textures import Textures
from napari_dualgland.model.device import processor_name
from napari_dualgland.typing import AnyArray, BoolArray
from texture_trees import power, told_apart

HERE = Path(__file__).parent
DATA = HERE.parents[1] / "shared" / "data" / "hpa"
HELD_OUT = "b6a469d8-bbad-11e8-b2ba-ac1f6b6435d0"
FINEST_UM = 0.08
HALF, QUARTER = "held out, half size", "held out, quarter size"
PIXEL_UM = 4 * FINEST_UM
KINDS = ("24", "40", "64", "40, protein alone", "scratches", "scattered, half of the pixels")
SIDE = 40
"""Of the patches that are shown of thin and scattered damage, pixels."""
SCRATCHED = 0.05
"""Share of such a patch that is missing at least."""
HOLES = 14
"""At most, in each field."""
APART = 8
"""Pixels between holes."""
OCTAVES = ((1 / 32, 1 / 16), (1 / 16, 1 / 8), (1 / 8, 1 / 4), (1 / 4, 1 / 2))
"""Cycles per pixel."""
MEASURED, ESTIMATE = "measured", "estimate"
NAMES = (MEASURED, ESTIMATE, "texture by the network", "texture by analogy")

Corner = tuple[int, int]


class Field(NamedTuple):
    """A field of view, and how its damage was filled.

    Attributes
    ----------
    image, missing : numpy.ndarray
        (4, Y, X), uint8 and boolean.
    fills : dict
        Name → (4, Y, X) uint8.
    filled, whole : list
        Corners of patches over damage, and elsewhere, where they are shown as measured.
    side : int
        Of the patches.
    """

    image: AnyArray
    missing: BoolArray
    fills: dict[str, AnyArray]
    filled: list[Corner]
    whole: list[Corner]
    side: int

    def cut(self, name: str, corners: list[Corner]) -> list[AnyArray]:
        """Return patches of a fill, (4, side, side) each."""
        return [self.fills[name][:, y : y + self.side, x : x + self.side] for y, x in corners]


def corners(rng: np.random.Generator, side: int, image: AnyArray, taken: BoolArray) -> list[Corner]:
    """Return corners of squares that lie apart, over cells, and touch nothing that is taken."""
    light = image.mean(0)
    cells = ndimage.gaussian_filter(light, 3) > np.percentile(light, 35)
    taken, found = taken.copy(), list[Corner]()
    for _ in range(4000):
        y, x = (int(rng.integers(4, size - side - 4)) for size in taken.shape)
        around = np.s_[max(y - APART, 0) : y + side + APART, max(x - APART, 0) : x + side + APART]
        over_cells = cells[y : y + side, x : x + side].mean() > 0.5
        if len(found) < HOLES and over_cells and not taken[around].any():
            taken[around] = True
            found.append((y, x))
    return found


def laid(shape: tuple[int, ...], squares: list[Corner], side: int) -> BoolArray:
    """Return where squares lie."""
    where = np.zeros(shape, bool)
    for y, x in squares:
        where[y : y + side, x : x + side] = True
    return where


def damaged(image: AnyArray, kind: str, rng: np.random.Generator) -> tuple[BoolArray, list[Corner]]:
    """Return what is missing, (4, Y, X), and the corners of patches that show it."""
    shape = (image.shape[1], image.shape[2])
    missing = np.zeros(image.shape, bool)
    none = np.zeros(shape, bool)
    if kind[0].isdigit():
        shown = corners(rng, int(kind[:2]), image, none)
        missing[1 if "protein" in kind else slice(None)] = laid(shape, shown, int(kind[:2]))
        return missing, shown
    thin = kind == "scratches"
    missing[:] = FAMILIES[kind](shape, rng, 1.0) if thin else rng.random(shape) < 0.5
    shown = corners(rng, SIDE, image, none)
    share = [missing[0, y : y + SIDE, x : x + SIDE].mean() for y, x in shown]
    return missing, [at for at, part in zip(shown, share, strict=True) if part > SCRATCHED]


def filled_field(image: AnyArray, pixel_um: float, kind: str, seed: int) -> Field:
    """Damage a field and fill it in every way."""
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    missing, shown = damaged(image, kind, rng)
    side = int(kind[:2]) if kind[0].isdigit() else SIDE
    taken = laid(image.shape[1:], shown, side)
    whole = corners(np.random.default_rng(1000 + seed), side, image, taken)
    hurt = np.where(missing, 0, image).astype(image.dtype)
    channels = tuple(nd.Channel(role, role) for role in nd.ROLES)
    stack = nd.Stack(hurt, "CYX", channels, nd.PixelSize(pixel_um, pixel_um))
    made = [image]
    if shown:
        both = partial(nd.impute, stack, missing, both=True, rehearse=False, adapt=False, seed=1)
        done = both()
        with mock.patch.object(Textures, "holds", return_value=False):  # as if nothing were alike
            made += [np.asarray(x) for x in (done.data, both().other, done.other)]
    return Field(image, missing, dict(zip(NAMES, made, strict=False)), shown, whole, side)


def rim_step(filled: AnyArray, truth: AnyArray, missing: BoolArray) -> float:
    """Return the mean step from missing to observed pixels over that of the truth."""
    steps = np.zeros(2)
    for axis in (1, 2):
        across = np.diff(missing, axis=axis)
        steps += [np.abs(np.diff(x * 1.0, axis=axis))[across].sum() for x in (filled, truth)]
    return float(steps[0] / steps[1])


def distances(fields: dict[str, Field], name: str) -> tuple[float, float]:
    """Return FID and KID, in the judge's features, of crops around damage and of others."""
    judge, filled, real = load_judge(), list[AnyArray](), list[AnyArray]()
    for field in fields.values():
        known = measure(iter(field.image))
        for crops, picture, places in (
            (filled, field.fills[name], field.filled),
            (real, field.image, field.whole),
        ):
            unit, middle = known.apply(picture), field.side // 2
            crops += [cut(unit, (y + middle, x + middle), CROP) for y, x in places]
    one, two = (torch.from_numpy(np.stack(crops)) for crops in (real, filled))
    return frechet_distance(judge, one, two), kernel_distance(judge, one, two)


def row(fields: dict[str, Field], kind: str, name: str) -> str:
    """Return the row of a fill in the table."""
    patches = {n: (f.cut(name, f.filled), f.cut(MEASURED, f.whole)) for n, f in fields.items()}
    auc = told_apart(patches, "held out")
    ratios, errors, rims = [], [], []
    for field in fields.values():
        made, true = (
            np.mean([power(x * 1.0, list(OCTAVES)) for x in field.cut(n, field.filled)], 0)
            for n in (name, MEASURED)
        )
        drawn = field.missing.any((1, 2))
        ratios.append((made / (true + 1e-9))[drawn].mean(0))
        off = [
            ((field.fills[n][field.missing].astype(float) - field.image[field.missing]) ** 2).mean()
            for n in (name, ESTIMATE)
        ]
        errors.append(off[0] / off[1])
        rims.append(rim_step(field.fills[name], field.image, field.missing))
    octaves = " / ".join(f"{x:.2f}" for x in np.median(ratios, 0))
    alone = " | ".join(f"{auc[n]:.2f}" if n in auc else "" for n in (QUARTER, HALF))
    fid, kid = distances(fields, name)
    return (
        f"| {kind} | {name} | {auc['']:.3f} | {alone} | {octaves} | {np.mean(errors):.2f} | "
        f"{np.mean(rims):.2f} | {fid:.2f} | {1000 * kid:.1f} |"
    )


def rows(data: Path, kind: str) -> list[str]:
    """Return the rows of a kind of damage, one for each fill."""
    names = sorted(row["field"] for row in read_table(data, "fields512"))
    images = {name: (read_field(data, name, "fields512"), PIXEL_UM) for name in names}
    finest = read_field(data, HELD_OUT)
    for name, by in ((QUARTER, 4), (HALF, 2)):
        images[name] = np.rint(shrink(finest, by)).astype(np.uint8), by * FINEST_UM
    fields = {
        name: filled_field(image, size, kind, number)
        for number, (name, (image, size)) in enumerate(images.items())
    }
    fields = {n: f for n, f in fields.items() if len(f.filled) > 1 and len(f.whole) > 1}
    return [row(fields, kind, name) for name in NAMES]


def main(
    data: Annotated[Path, typer.Option(help="The atlas collection.")] = DATA,
    kind: Annotated[list[str] | None, typer.Option(help="Of damage; all if left out.")] = None,
    workers: Annotated[int, typer.Option(help="Kinds that are done side by side.")] = 2,
) -> None:
    """Fill, judge, and write the table."""
    found = []
    with ProcessPoolExecutor(workers) as pool:
        costs = None if kind else pool.submit(texture_cost.rows, data, HELD_OUT)
        for lines in pool.map(partial(rows, data), kind or KINDS):
            found += lines
            typer.echo("\n".join(lines))
    if costs is None:
        return
    text = [
        "# Does a fill pass for measured?",
        "",
        f"Square holes of 24, 40 and 64 pixels, up to {HOLES} in each field, scratches and "
        f"scattered pixels, in all channels or the protein alone: in small fields of {PIXEL_UM} "
        "µm, some of which the generator was trained on, and at two sizes in a field "
        f"({HELD_OUT[:8]}) that nothing was trained on. Nothing is learned inside the image. AUC "
        "of trees on spectra, autocorrelations, moments and couplings of channels of single "
        "patches: 0.5 where they cannot tell filled from measured. They were taught on the small "
        "fields other than the one that is told apart; *measured* is what they say of patches "
        "that were not filled. Energy inside the damage over that of the truth, in octaves up to "
        "1/16, 1/8, 1/4 and 1/2 cycles per pixel: 1 is right. Squared error over that of the "
        "estimate: of a draw from the right distribution it is 2. Steps across the rim over "
        f"those of the truth. FID and 1000 × KID in the judge's features, of crops of {CROP}² "
        "around them and around patches elsewhere, of all fields together. The parameters of the "
        "analogy were "
        f"chosen on the small fields ({processor_name()}; `python benchmarks/texture.py`).",
        "",
        f"| damage | fill | AUC | {QUARTER} | {HALF} | energy by octave | error | rim | FID "
        "| KID |",
        "|---|---|---:|---:|---:|---|---:|---:|---:|---:|",
        *found,
        "",
        "CPU-seconds of one imputation with all that is on by default, on one thread, without and "
        "with a plausible picture:",
        "",
        *costs.result(),
    ]
    (HERE / "results" / "texture.md").write_text("\n".join(text) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
