"""Does a fill pass for measured? A two-sample test of fills, their spectra and their errors.

``python benchmarks/texture.py [--data FOLDER]`` lays square holes, all channels missing, over the
small fields of the atlas collection and fills them in every way. Trees that were taught on the
other fields then say of patches whether they were measured: an AUC of 0.5 means that they cannot
tell, 1 that they always can. Writes ``results/texture.md``; the pixels are read and never written.
Nothing is learned inside the image. Some of the fields were in the generator's training.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import typer
from scipy import ndimage
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.metrics import roc_auc_score

import napari_dualgland as nd
from dualgland_training.data.collection import read_field, read_table
from napari_dualgland.model.device import processor_name
from napari_dualgland.typing import AnyArray, BoolArray, Float64Array
from texture_analogy import Donor, texture

HERE = Path(__file__).parent
DATA = HERE.parents[1] / "shared" / "data" / "hpa"
PIXEL_UM = 0.32
SIDES = (24, 40, 64)
HOLES = 14
"""At most, in each field."""
APART = 8
"""Pixels between holes."""
DONORS = 3
"""Sets of holes, from which texture is taken."""
OCTAVES = ((1 / 32, 1 / 16), (1 / 16, 1 / 8), (1 / 8, 1 / 4), (1 / 4, 1 / 2))
"""Cycles per pixel."""
RINGS = np.geomspace(1 / 32, 0.71, 9)
LAGS = (1, 2, 3, 4, 6)
CONTROL, ESTIMATE = "measured", "estimate"
NAMES = (CONTROL, ESTIMATE, "plausible picture", "estimate + texture by analogy")

TREES: Any = ExtraTreesClassifier
"""scikit-learn has no types."""

Corner = tuple[int, int]


class Field(NamedTuple):
    """A field of view, and how its holes were filled.

    Attributes
    ----------
    image : numpy.ndarray
        (4, Y, X) uint8.
    fills : dict
        Name → (4, Y, X) uint8.
    holes, whole : list
        Corners of the holes, and of patches elsewhere that are shown as measured.
    """

    image: AnyArray
    fills: dict[str, AnyArray]
    holes: list[Corner]
    whole: list[Corner]


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


def fill(image: AnyArray, missing: BoolArray, plausible: bool = False) -> AnyArray:
    """Return the image with the generator's fill, without learning inside it."""
    hurt = np.where(missing, 0, image).astype(image.dtype)
    channels = tuple(nd.Channel(role, role) for role in nd.ROLES)
    stack = nd.Stack(hurt, "CYX", channels, nd.PixelSize(PIXEL_UM, PIXEL_UM))
    done = nd.impute(stack, missing, rehearse=False, adapt=False, plausible=plausible, seed=1)
    return np.asarray(done.data)


def filled_field(image: AnyArray, side: int, seed: int) -> Field:
    """Lay holes over a field and fill them in every way."""
    rng, shape = np.random.default_rng(seed), image.shape[1:]
    holes = corners(rng, side, image, np.zeros(shape, bool))
    missing = laid(shape, holes, side)
    sets = [laid(shape, corners(rng, side, image, missing), side) for _ in range(DONORS)]
    if not (holes and all(there.any() for there in sets)):
        return Field(image, {}, [], [])  # too small for such holes
    donors = [Donor(there, fill(image, missing | there)) for there in sets]
    estimate = fill(image, missing)
    hurt = np.where(missing, 0, image).astype(image.dtype)
    drawn = texture(hurt, missing, estimate, donors, seed)
    fills = (image, estimate, fill(image, missing, plausible=True), estimate + drawn)
    rounded = [np.where(missing, np.rint(x).clip(0, 255), image) for x in fills]
    return Field(
        image,
        dict(zip(NAMES, (x.astype(np.uint8) for x in rounded), strict=True)),
        holes,
        corners(np.random.default_rng(1000 + seed), side, image, missing),
    )


def power(patch: AnyArray, rings: list[tuple[float, float]]) -> Float64Array:
    """Return (channels, rings): the energy of a patch between frequencies, cycles per pixel."""
    side = patch.shape[-1]
    slope = np.hanning(side)
    middle = patch - patch.mean((1, 2), keepdims=True)
    energy = np.abs(np.fft.fft2(middle * np.outer(slope, slope))) ** 2
    grid = np.hypot(*np.meshgrid(np.fft.fftfreq(side), np.fft.fftfreq(side)))
    found = [energy[:, (grid >= low) & (grid < high)].mean(1) for low, high in rings]
    return np.stack(found, 1)


def looks(patch: AnyArray) -> Float64Array:
    """Return what trees are shown of a patch: spectra, autocorrelations, moments, couplings."""
    pixels = patch.astype(np.float64)
    bands = np.log(power(pixels, list(pairwise(RINGS))) + 1e-2)
    mean, spread = pixels.mean((1, 2)), pixels.std((1, 2)) + 1e-3
    z = (pixels - mean[:, None, None]) / spread[:, None, None]
    lags = [(z[:, :, k:] * z[:, :, :-k]).mean((1, 2)) for k in LAGS]
    lags += [(z[:, k:] * z[:, :-k]).mean((1, 2)) for k in LAGS]
    couplings = np.einsum("iyx,jyx->ij", z, z)[np.triu_indices(len(z), 1)] / z[0].size
    parts = (bands, np.diff(bands), np.log(mean + 1), np.log(spread), *lags, (z**3).mean((1, 2)))
    return np.concatenate([np.ravel(x) for x in (*parts, (z**4).mean((1, 2)), couplings)])


def told_apart(fields: list[Field], name: str, side: int) -> tuple[float, list[float]]:
    """Return the AUC over all fields, each judged by trees taught on the others, and of each."""
    shown, filled, of_field = [], [], []
    for number, field in enumerate(fields):
        for image, squares, kind in (
            (field.fills[name], field.holes, True),
            (field.image, field.whole, False),
        ):
            for y, x in squares:
                shown.append(looks(image[:, y : y + side, x : x + side]))
                filled.append(kind)
                of_field.append(number)
    seen, truth, home = np.array(shown), np.array(filled), np.array(of_field)
    said = np.zeros(len(truth))
    for number in range(len(fields)):
        there = home == number
        trees = TREES(600, min_samples_leaf=2, random_state=0)
        said[there] = trees.fit(seen[~there], truth[~there]).predict_proba(seen[there])[:, 1]
    each = [float(roc_auc_score(truth[home == n], said[home == n])) for n in range(len(fields))]
    return float(roc_auc_score(truth, said)), each


def row(fields: list[Field], name: str, side: int) -> str:
    """Return the row of a fill in the table."""
    whole, each = told_apart(fields, name, side)
    ratios, errors = [], []
    for field in fields:
        filled, truth = (
            np.mean([power(x[:, a : a + side, b : b + side] * 1.0, list(OCTAVES))
                     for a, b in field.holes], 0)
            for x in (field.fills[name], field.image)
        )  # fmt: skip
        ratios.append((filled / (truth + 1e-9)).mean(0))
        inside = laid(field.image.shape[1:], field.holes, side)
        off = [
            ((field.fills[n][:, inside].astype(float) - field.image[:, inside]) ** 2).mean()
            for n in (name, ESTIMATE)
        ]
        errors.append(off[0] / off[1])
    octaves = " / ".join(f"{x:.2f}" for x in np.median(ratios, 0))
    spread = f"{np.min(each):.2f} to {np.max(each):.2f}"
    return f"| {side} | {name} | {whole:.3f} | {spread} | {octaves} | {np.mean(errors):.2f} |"


def main(
    data: Annotated[Path, typer.Option(help="The atlas collection.")] = DATA,
    side: Annotated[list[int] | None, typer.Option(help="Of the holes, pixels.")] = None,
) -> None:
    """Fill, judge, and write the table."""
    names = sorted(row["field"] for row in read_table(data, "fields512"))
    rows = []
    for length in side or SIDES:
        fields = []
        for number, name in enumerate(names):
            found = filled_field(read_field(data, name, "fields512"), length, number)
            if len(found.holes) > 1 and len(found.whole) > 1:
                fields.append(found)
        for name in NAMES:
            rows.append(row(fields, name, length))
            typer.echo(rows[-1])
    if side:
        return
    lines = [
        "# Does a fill pass for measured?",
        "",
        f"Square holes in all channels of {len(names)} fields of 512² at {PIXEL_UM} µm, up to "
        f"{HOLES} in each; nothing is learned inside the image, and the generator was trained on "
        "some of the fields. AUC of trees on spectra, "
        "autocorrelations, moments and couplings of channels, taught on the other fields: 0.5 "
        "where they cannot tell filled from measured. Energy inside the holes over that of the "
        "truth, in octaves up to 1/16, 1/8, 1/4 and 1/2 cycles per pixel: 1 is right. Squared "
        "error over that of the estimate: of a draw from the right distribution it is 2. The "
        "parameters of the analogy were chosen at 40 pixels on these fields "
        f"({processor_name()}; `python benchmarks/texture.py`).",
        "",
        "| side | fill | AUC | of single fields | energy by octave | error |",
        "|---:|---|---:|---|---|---:|",
        *rows,
    ]
    (HERE / "results" / "texture.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
