"""How much memory and time it takes to impute a field, from one camera frame to a mosaic.

``python benchmarks/memory.py --scratch FOLDER`` tiles the bundled sample to fields of growing
size, lets ``dualgland impute`` fill them in a process of its own, file to file, and writes
``results/memory.json``, ``.md`` and ``.png``. Peaks are those that the system has kept of the
process, less those of an interpreter that has loaded torch. The model is the prior, without
rehearsal: what a network needs does not depend on the size of the field.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tifffile
import typer

from napari_dualgland.model.device import processor_name
from napari_dualgland.typing import AnyArray, BoolArray

HERE = Path(__file__).parent
SAMPLE = HERE.parent / "sample_data" / "dualgland_whole.ome.tif"
TILE = 512
HOLE = 700, 1158
"""First and last row and column of the one hole: 5 % of 2048²."""
CHANNELS = "microtubules=0,protein=1,nucleus=2,er=3"
OPTIONS = ("--model", "prior", "--no-adapt", "--no-rehearse", "--device", "cpu", "--json")
CHILD = """
import atexit, resource, runpy, sys
def tell(note=sys.argv.pop()):
    peak = [l.split()[1] for l in open("/proc/self/status") if l.startswith("VmHWM")][0]
    used = resource.getrusage(resource.RUSAGE_SELF)
    open(note, "w").write(f"{int(peak) / 1024} {used.ru_utime + used.ru_stime}")
atexit.register(tell)
if len(sys.argv) > 1:
    runpy.run_module("napari_dualgland", run_name="__main__", alter_sys=False)
else:
    import torch
"""


@dataclass(frozen=True)
class Scene:
    """A field in a file: its side in pixels, dtype, format, holes, and how the mask is given."""

    side: int
    dtype: str = "uint16"
    form: str = "tiff"
    mask: str = "file"
    holes: str = "one"

    def marks(self, y: int, x: int) -> BoolArray:
        """Return what is missing of a block of TILE²."""
        marked = np.zeros((TILE, TILE), bool)
        if self.holes == "one":
            rows, columns = (np.arange(TILE) + at for at in (y, x))
            inside = [(v >= HOLE[0]) & (v < HOLE[1]) for v in (rows, columns)]
            return inside[0][:, None] & inside[1]
        rng = np.random.default_rng([y, x])
        # Damage comes in groups: 1 % is 8 % of every eighth block.
        share = {"1 %": 0.08 * (rng.random() < 1 / 8), "5 %": 0.05}[self.holes]
        while marked.mean() < share:
            h, w = rng.integers(8, 48, 2)
            top, left = rng.integers(0, TILE - h), rng.integers(0, TILE - w)
            marked[top : top + h, left : left + w] = True
        return marked

    def pixels(self, c: int, y: int, x: int, sample: AnyArray) -> AnyArray:
        """Return a block of a channel of TILE²: the sample, turned, with noise of its own."""
        rng = np.random.default_rng([c, y, x])
        turns = int(np.random.default_rng([y, x]).integers(4))
        values = np.rot90(np.resize(sample[c], (TILE, TILE)), turns).astype(np.float32)
        values = values + rng.normal(0, 2, values.shape)
        if self.dtype == "uint16":
            values *= 40
        values = np.clip(values, 1, np.iinfo(self.dtype).max) if self.dtype[0] == "u" else values
        values = values.astype(self.dtype)
        if self.mask != "file":
            values[self.marks(y, x)] = np.nan if self.mask == "nan" else 0
        return np.asarray(values)


ONE_HOLE = [Scene(side) for side in (1024, 2048, 4096, 8192)]
SCENES = [
    *ONE_HOLE,
    *(Scene(side, form="zarr") for side in (2048, 8192)),
    *(Scene(side, "float32", mask="nan") for side in (2048, 4096)),
    *(Scene(side, mask="auto") for side in (2048, 4096)),
    *(Scene(side, "uint8", mask="auto", holes="1 %") for side in (8192, 16384)),
    *(Scene(side, "uint8", holes="1 %") for side in (4096, 8192, 16384)),
    Scene(16384, "uint8", "zarr", holes="1 %"),
    Scene(16384, holes="1 %"),
]


def blocks(side: int) -> Iterator[tuple[int, int]]:
    """Yield where the blocks of a field begin, row by row."""
    for y in range(0, side, TILE):
        for x in range(0, side, TILE):
            yield y, x


def written(scene: Scene, scratch: Path) -> tuple[Path, Path]:
    """Write field and mask of a scene, once; return where."""
    name = f"{scene.side}-{scene.dtype}-{scene.holes.replace(' %', 'pc')}"
    name += "" if scene.mask == "file" else f"-{scene.mask}"
    path = scratch / f"{name}.{'ome.zarr' if scene.form == 'zarr' else 'tif'}"
    mask = scratch / f"{name}-mask.tif"
    sample = tifffile.imread(SAMPLE)[:, :256, :256]
    sample = np.tile(sample, (1, 2, 2))
    size = scene.side, scene.side
    tiled: dict[str, Any] = {
        "tile": (TILE, TILE),
        "compression": "zlib",
        "compressionargs": {"level": 1},
    }
    if not path.exists() and scene.form == "zarr":
        import zarr

        group = zarr.open_group(path, mode="w", zarr_format=2)
        array = group.create_array("0", shape=(4, *size), chunks=(1, TILE, TILE), dtype=scene.dtype)
        for c in range(4):
            for y, x in blocks(scene.side):
                array[c, y : y + TILE, x : x + TILE] = scene.pixels(c, y, x, sample)
        axes: Any = [{"name": "c", "type": "channel"}]
        axes += [{"name": n, "type": "space", "unit": "micrometer"} for n in "yx"]
        scale: Any = [{"type": "scale", "scale": [1, 0.08, 0.08]}]
        levels: Any = [{"path": "0", "coordinateTransformations": scale}]
        group.attrs["multiscales"] = [{"version": "0.4", "axes": axes, "datasets": levels}]
    elif not path.exists():
        with tifffile.TiffWriter(path, bigtiff=True) as tif:
            places = ((c, y, x) for c in range(4) for y, x in blocks(scene.side))
            tiles = (scene.pixels(*place, sample) for place in places)
            shape = (4, *size)
            tif.write(tiles, shape=shape, dtype=scene.dtype, photometric="minisblack", **tiled)
    if not mask.exists():
        with tifffile.TiffWriter(mask) as tif:
            tiles = (scene.marks(y, x).astype(np.uint8) for y, x in blocks(scene.side))
            tif.write(tiles, shape=size, dtype=np.uint8, photometric="minisblack", **tiled)
    return path, mask


def child(arguments: list[str], scratch: Path) -> tuple[float, float]:
    """Return the peak in MiB and the CPU-seconds of a process."""
    note = scratch / "note.txt"
    run = [sys.executable, "-c", CHILD, *arguments, str(note)]
    subprocess.run(
        run, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"}, stdout=subprocess.DEVNULL
    )
    peak, seconds = map(float, note.read_text().split())
    return peak, seconds


def measured(scene: Scene, scratch: Path) -> tuple[float, float]:
    """Impute a scene, file to file; return the peak in MiB and the CPU-seconds."""
    path, mask = written(scene, scratch)
    out = scratch / "out.ome.tif"
    given = str(mask) if scene.mask == "file" else scene.mask
    words = ["impute", str(path), "--out", str(out), "--missing", given, "--channels", CHANNELS]
    return child([*words, *OPTIONS], scratch)


def key(scene: Scene) -> str:
    """Return what a scene is called in the tables."""
    given = {"file": "mask", "auto": "auto", "nan": "NaN"}[scene.mask]
    holes = "one hole" if scene.holes == "one" else scene.holes
    return f"{scene.side}² {scene.dtype}, {scene.form}, {given}, {holes}"


def main(
    scratch: Annotated[Path, typer.Option(help="Where fields of some gigabytes may lie.")],
    name: Annotated[str, typer.Option(help="What the code measured is called.")] = "now",
    source: Annotated[Path, typer.Option(help="Folder of that code.")] = HERE.parent / "src",
    only: Annotated[str, typer.Option(help="Measure what has this in its name.")] = "",
) -> None:
    """Measure, and write the table and the plot of all that was measured so far."""
    os.environ["PYTHONPATH"] = str(source)
    told = HERE / "results" / "memory.json"
    bare, _ = child([], scratch)

    def so_far() -> dict[str, Any]:
        known: dict[str, Any] = json.loads(told.read_text()) if told.exists() else {"rows": {}}
        return known | {"processor": processor_name(), "bare": bare}

    for scene in SCENES:
        if only in key(scene):
            peak, seconds = measured(scene, scratch)
            report = so_far()  # others may be measured beside
            row = {"peak": peak - bare, "seconds": seconds, **vars(scene)}
            report["rows"].setdefault(key(scene), {})[name] = row
            told.write_text(json.dumps(report, indent=1) + "\n")
    report = so_far()
    order = [key(scene) for scene in SCENES]
    report["rows"] = dict(sorted(report["rows"].items(), key=lambda row: order.index(row[0])))
    (HERE / "results" / "memory.md").write_text(markdown(report))
    draw(report, HERE / "results" / "memory.png")


def markdown(report: dict[str, Any]) -> str:
    """Return the table for people."""
    names = sorted({name for row in report["rows"].values() for name in row})
    lines = [
        "# Memory and time of imputing, by the size of the field",
        "",
        f"Four channels, file to file, the prior without rehearsal, one thread of an "
        f"{report['processor']}. Peaks in MiB above the {report['bare']:.0f} of an interpreter "
        "with torch; CPU-seconds with start and writing (`python benchmarks/memory.py`).",
        "",
        "| field | " + " | ".join(f"{n}: MiB | CPU-s" for n in names) + " |",
        "|---" + "|---:|---:" * len(names) + "|",
    ]
    for field, row in report["rows"].items():
        found = (row.get(name) for name in names)
        cells = (f"{f['peak']:.0f} | {f['seconds']:.0f}" if f else "– | –" for f in found)
        lines.append(f"| {field} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def draw(report: dict[str, Any], path: Path) -> None:
    """Draw peaks of the one hole against the side of the field."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    series: dict[str, list[tuple[int, float]]] = {}
    for row in report["rows"].values():
        for name, found in row.items():
            given = found["mask"], found["form"], found["dtype"]
            label = f"{name}: {'one hole' if found['holes'] == 'one' else found['holes']}, "
            series.setdefault(label + ", ".join(given), []).append((found["side"], found["peak"]))
    for label, points in sorted(series.items()):
        axes.plot(*zip(*sorted(points), strict=True), marker="o", label=label)
    axes.set_xscale("log", base=2)
    axes.set_xlabel("side of the field in pixels, four channels")
    axes.set_ylabel("peak in MiB above interpreter and torch")
    axes.set_ylim(0)
    axes.legend(fontsize=6)
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    typer.run(main)
