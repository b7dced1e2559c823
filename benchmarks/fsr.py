"""FSR beside the other classical fills and ours, on a few held-out crops of every damage.

``python benchmarks/fsr.py [--crops N] [--cells N]`` fills 256² crops of the held-out field at
0.16 µm and held-out cells, writes ``benchmarks/results/fsr.json`` after each fill, ``.md`` at the
end, and does not do again what is in there. The pixels are read from the atlas collection beside
the repository and never written.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from dualgland_training.data.damage import draw_damage
from dualgland_training.evaluate.cases import CASES, held_out, read_images
from dualgland_training.evaluate.methods import CLASSICAL, Method, fill_with, find_method
from napari_dualgland.typing import AnyArray, BoolArray

HERE = Path(__file__).parent
DATA = HERE.parents[1] / "shared" / "data" / "hpa"
RESULTS = HERE / "results" / "fsr.json"
METHODS = (
    *(find_method(name) for name in (*CLASSICAL, "prior", "generator --no-adapt")),
    Method("generator", {"model": "generator"}),  # for its estimate alone, without samples
)
NAMES = [method.name for method in METHODS]
SHOWN = (
    *(case for case in CASES if case.endswith("all channels")),
    "box, protein only",
    "scratches, protein only",
    "box, nucleus only",
)
SIDE = 256

Rows = dict[str, dict[str, dict[str, float]]]
"""Damage → method → crop → PSNR in dB."""


def crops_of(data: Path, crops: int, cells: int) -> dict[str, AnyArray]:
    """Return held-out pictures by name, (4, Y, X) uint8: of the field's crops those with most
    signal that do not overlap, and cells.

    Parameters
    ----------
    data : pathlib.Path
        The atlas collection.
    crops, cells : int
        How many of each.

    Returns
    -------
    dict
        Name → picture.
    """
    held = read_images(data, held_out(["generator"]), max(cells, 1), False)
    found: dict[str, AnyArray] = {}
    field = next(image for title, image in held.items() if "0.16 µm" in title)
    corners = [
        (y, x)
        for y in range(0, field.shape[1] - SIDE + 1, SIDE)
        for x in range(0, field.shape[2] - SIDE + 1, SIDE)
    ]
    windows = {f"crop {y}, {x}": field[:, y : y + SIDE, x : x + SIDE] for y, x in corners}
    brightest = sorted(windows, key=lambda name: -float(windows[name].std(axis=(1, 2)).mean()))
    found |= {name: windows[name].copy() for name in brightest[:crops]}
    titles = [title for title in held if title.startswith("cell")][:cells]
    return found | {title: held[title] for title in titles}


def damage(case: str, image: AnyArray, number: int) -> BoolArray:
    """Return a damage that leaves something of every channel; the same for all methods.

    Parameters
    ----------
    case : str
        Of :data:`SHOWN`.
    image : numpy.ndarray
        (4, Y, X).
    number : int
        Of the picture: its seed.

    Returns
    -------
    numpy.ndarray
        (4, Y, X) boolean.
    """
    family, channels = CASES[case]
    for seed in range(number, number + 1000, 10):
        missing = draw_damage(image, family, np.random.default_rng(seed), channels, 1.0)
        if missing.mean() > 0.005 and missing.mean(axis=(1, 2)).max() < 0.8:
            break
    return missing


def psnr(filled: AnyArray, truth: AnyArray, missing: BoolArray) -> float:
    """Return the PSNR in dB inside the hole, mean over the channels that miss something.

    Parameters
    ----------
    filled, truth : numpy.ndarray
        (4, Y, X) uint8.
    missing : numpy.ndarray
        (4, Y, X) boolean.

    Returns
    -------
    float
        Of a range of 255.
    """
    errors = (filled.astype(float) - truth) ** 2
    every = [errors[c][missing[c]].mean() for c in range(len(truth)) if missing[c].any()]
    return float(np.mean([10 * np.log10(255**2 / max(e, 1e-3)) for e in every]))


def table(rows: Rows) -> str:
    """Return the results as Markdown."""
    lines = [
        "# FSR beside the other fills",
        "",
        "Made by `python benchmarks/fsr.py`. PSNR in dB inside the hole, mean over channels and "
        f"over {min(len(next(iter(r.values()))) for r in rows.values())} held-out pictures "
        f"({SIDE}² crops of the field at 0.16 µm; with `--cells`, cells too): few, so "
        "differences of some tenths tell little. *FSR* is the fast variant of OpenCV's "
        "`xphoto.inpaint`.",
        "",
        f"| damage | {' | '.join(NAMES)} | best classical | ours over it |",
        "|---" * (len(METHODS) + 3) + "|",
    ]
    for case, found in rows.items():
        mean = {name: float(np.mean([*each.values()])) for name, each in found.items()}
        best = max(CLASSICAL, key=lambda name: mean[name])
        gain = mean["generator"] - mean[best]
        figures = " | ".join(f"{mean[name]:.2f}" for name in NAMES)
        lines.append(f"| {case} | {figures} | {best} | {gain:+.2f} |")
    return "\n".join(lines) + "\n"


def main(
    crops: Annotated[int, typer.Option(help="Crops of the field.")] = 2,
    cells: Annotated[int, typer.Option(help="Cells.")] = 0,
    data: Annotated[Path, typer.Option(help="The atlas collection.")] = DATA,
) -> None:
    """Fill what is not yet filled, and write the table."""
    rows: Rows = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    for number, (title, image) in enumerate(crops_of(data, crops, cells).items()):
        for case in SHOWN:
            missing = damage(case, image, number)
            for method in METHODS:
                done = rows.setdefault(case, {}).setdefault(method.name, {})
                if title not in done:
                    made = fill_with(method, image, missing)
                    done[title] = round(psnr(made.estimate, image, missing), 3)
                    RESULTS.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n")
            sys.stdout.write(f"{title}: {case}\n")
            sys.stdout.flush()
    RESULTS.with_suffix(".md").write_text(table(rows))


if __name__ == "__main__":
    typer.run(main)
