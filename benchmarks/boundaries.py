"""How well compartments are told: intersection over union on simulated cells that are known.

``python benchmarks/boundaries.py`` draws simulated fields, takes their compartments from what
was drawn, and writes ``benchmarks/results/boundaries.md``. Beside the landmarks as they are
stands what is told where they are missing, counted inside the holes alone: by the model that
names compartments, and by the landmarks as the prior fills them (``--model prior``).

The truth: nucleus and cell as drawn; nuclear rim within 0.55 µm of where a nucleus ends, cell
edge within 0.55 µm of where the cells end. Where cells touch each other nothing ends, for no
landmark tells it. What the border of the image cuts does not end there.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import typer
from scipy import ndimage

import napari_dualgland as nd
from dualgland_training.simulate import SimulatedField, simulate_field
from napari_dualgland.classes import COMPARTMENTS
from napari_dualgland.model.compartments import RIM_UM
from napari_dualgland.model.device import processor_name
from napari_dualgland.stack import ROLES
from napari_dualgland.typing import AnyArray, BoolArray, ByteArray

OUT = Path(__file__).parent / "results" / "boundaries.md"
SEEDS = range(101, 109)
SIDE, PIXEL_UM = 384, 0.16
HOLES, HOLE = 5, 60
LOST: dict[str, tuple[str, ...]] = {
    "boxes, all channels": ROLES,
    "boxes, nucleus": ("nucleus",),
    "boxes, microtubules": ("microtubules",),
    "boxes, ER": ("er",),
}


def near_end(inside: BoolArray) -> BoolArray:
    """Return where something ends within RIM_UM; beyond the border it goes on as it is."""
    far = np.pad(inside, 32, mode="edge")
    away = np.where(far, ndimage.distance_transform_edt(far), ndimage.distance_transform_edt(~far))
    return np.asarray(away[32:-32, 32:-32] * PIXEL_UM <= RIM_UM)


def truth_of(field: SimulatedField) -> ByteArray:
    """Return the compartment of each pixel as it was drawn, (Y, X)."""
    nucleus, cell = field.nuclei > 0, field.cells > 0
    told = np.full(nucleus.shape, COMPARTMENTS.index("background"), np.uint8)
    told[cell] = COMPARTMENTS.index("cytoplasm")
    told[near_end(cell)] = COMPARTMENTS.index("cell edge")
    told[nucleus] = COMPARTMENTS.index("nucleus")
    told[near_end(nucleus)] = COMPARTMENTS.index("nuclear rim")
    return told


def overlaps(told: AnyArray, truth: ByteArray, where: BoolArray) -> list[tuple[int, int]]:
    """Return intersection and union of each compartment, in pixels."""
    pairs = [((told == k) & where, (truth == k) & where) for k in range(len(COMPARTMENTS))]
    return [(int((a & b).sum()), int((a | b).sum())) for a, b in pairs]


def named(stack: nd.Stack, missing: BoolArray, model: str) -> AnyArray:
    """Return the most probable compartment of each pixel, (Y, X)."""
    found = nd.boundaries(stack, missing=missing, model=model, device="cpu")
    return np.asarray(np.asarray(found.compartments).argmax(0))


def main(out: Path = OUT) -> None:
    """Measure and write the table."""
    torch.set_num_threads(1)
    rows: dict[str, list[list[tuple[int, int]]]] = {}
    for seed in SEEDS:
        field = simulate_field((SIDE, SIDE), PIXEL_UM, seed)
        stack, truth = field.stack("simulated"), truth_of(field)
        whole = np.zeros(stack.shape, bool)
        told = named(stack, whole, "generator")
        rows.setdefault("intact | landmarks", []).append(
            overlaps(told, truth, np.ones(truth.shape, bool))
        )
        rng, box = np.random.default_rng(seed), np.zeros(truth.shape, bool)
        for y, x in rng.integers(0, SIDE - HOLE, (HOLES, 2)):
            box[y : y + HOLE, x : x + HOLE] = True
        for name, roles in LOST.items():
            missing = whole.copy()
            missing[[stack.roles[role] for role in roles]] = box
            for model, who in (("generator", "model"), ("prior", "filled landmarks")):
                told = named(stack, missing, model)
                rows.setdefault(f"{name} | {who}", []).append(overlaps(told, truth, box))
    out.write_text(report(rows), encoding="utf-8")


def report(rows: dict[str, list[list[tuple[int, int]]]]) -> str:
    """Return the table as Markdown; pixels of all fields are put together."""
    lines = [
        "# Compartments of simulated cells: intersection over union",
        "",
        f"{len(SEEDS)} simulated fields of {SIDE}² pixels of {PIXEL_UM} µm; holes of {HOLE}² "
        "pixels, counted inside the holes alone. `python benchmarks/boundaries.py`, on the CPU"
        f" ({processor_name()}), one thread. How the truth is defined stands in the script.",
        "",
        f"| missing | told by | {' | '.join(COMPARTMENTS)} | mean |",
        f"|---|---|{'---|' * (len(COMPARTMENTS) + 1)}",
    ]
    for name, fields in rows.items():
        both = np.sum(fields, axis=0)
        shares = both[:, 0] / np.maximum(both[:, 1], 1)
        numbers = " | ".join(f"{share:.2f}" for share in (*shares, shares.mean()))
        lines.append(f"| {name} | {numbers} |")
    lines += [
        "",
        "Rim and edge are a micrometre wide: a shift of half of it costs half of the overlap. Dim"
        " cells of a simulated field, half told from the background, are called cell edge.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    typer.run(main)
