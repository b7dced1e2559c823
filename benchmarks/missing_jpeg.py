"""How much of fields that have been a JPEG is taken for missing, and what is found in them.

``python benchmarks/missing_jpeg.py`` looks at the fields of the other atlas, which were
published as JPEG, and at those of the collection after they were made one: each channel by
itself (*grey*), or three of them as the colours of a picture with the colours at full size
(*4:4:4*) or at half (*4:2:0*); whole, cropped off the grid of blocks, and halved after
that. Then it damages them, with the families and the measures of ``missing.py``, and last
it damages a field before it is made a JPEG, which rings around the damage. It writes
``benchmarks/results/missing_jpeg.json`` and ``.md``. The pixels themselves are never written.

All but the other atlas's own fields are parts of 1024² pixels, those that are damaged of 512².
"""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from PIL import Image

from dualgland_training.data.collection import OTHER_ATLAS
from dualgland_training.data.source import shrink
from dualgland_training.evaluate.report import write_report
from missing import ASKED, FAMILIES, HERE, busiest, damaged, fields, found_in, prepare, score
from napari_dualgland.typing import AnyArray

QUALITIES = (50, 75, 90, 95)
DAMAGED_AT = ("never", "grey 75", "4:2:0 75", "4:4:4 90")

log = logging.getLogger("benchmarks.missing_jpeg")


def through_jpeg(pixels: AnyArray, quality: int, subsampling: int = -1) -> AnyArray:
    """Return a (Y, X) or (Y, X, 3) image as it comes back from a JPEG."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality, subsampling=subsampling)
    return np.asarray(Image.open(file))


def grey(image: AnyArray, quality: int) -> AnyArray:
    """Return a (C, Y, X) image of which every channel was a JPEG of its own."""
    return np.stack([through_jpeg(plane, quality) for plane in image])


def colours(image: AnyArray, quality: int, subsampling: int) -> AnyArray:
    """Return one of which three channels were the colours of a picture."""
    picture = np.ascontiguousarray(np.moveaxis(image[:3], 0, -1))
    split = np.moveaxis(through_jpeg(picture, quality, subsampling), -1, 0)
    return np.concatenate([split, grey(image[3:], quality)])


def halved(image: AnyArray) -> AnyArray:
    """Return an image of half the size, by averaging."""
    return np.asarray(np.rint(shrink(image, 2)), dtype=image.dtype)


def off_grid(image: AnyArray) -> AnyArray:
    """Return an image cropped so that its blocks begin anywhere."""
    return np.ascontiguousarray(image[:, 3:-2, 5:-6])


SHAPES: dict[str, Callable[[AnyArray], AnyArray]] = {
    "whole": lambda image: image,
    "cropped": off_grid,
    "halved": lambda image: halved(off_grid(image)),
}


def coded(image: AnyArray) -> Iterator[tuple[str, AnyArray]]:
    """Yield the name of every codec and what it makes of a (C, Y, X) image."""
    yield "never", image
    for quality in QUALITIES:
        yield f"grey {quality}", grey(image, quality)
        yield f"4:2:0 {quality}", colours(image, quality, 2)
        yield f"4:4:4 {quality}", colours(image, quality, 0)


def intact() -> dict[str, list[float]]:
    """Return what is flagged in whole images, by codec and shape: one share per channel."""
    shares: dict[str, list[float]] = {}

    def look(name: str, image: AnyArray) -> None:
        for shape, shaped in SHAPES.items():
            flagged = found_in(shaped(image)).mean(axis=(1, 2))
            shares.setdefault(f"{name} | {shape}", []).extend(map(float, flagged))

    for _, image in fields(OTHER_ATLAS):
        look("other atlas", image)
    for name, image in fields():
        for codec, made in coded(busiest(image)):
            look(codec, made)
        log.info("%s whole", name)
    return shares


def hurt() -> list[dict[str, Any]]:
    """Return the counts of what is found of damage set into the images."""
    rows = []

    def hurt_one(name: str, image: AnyArray, seed: int) -> None:
        for family in FAMILIES:
            for value in (0, 255):
                shown, mask = damaged(image, family, value, seed)
                for counts in score(image, found_in(shown), mask):
                    row: dict[str, Any] = {"codec": name, "family": family, "value": value}
                    rows.append(row | counts)

    for seed, (_, image) in enumerate(fields(OTHER_ATLAS)):
        hurt_one("other atlas", busiest(image, 512), seed)
    for seed, (name, image) in enumerate(fields()):
        for codec, made in coded(busiest(image, 512)):
            if codec in DAMAGED_AT:
                hurt_one(codec, made, seed)
        log.info("%s damaged", name)
    return rows


def ringing() -> list[dict[str, Any]]:
    """Return the counts for damage that was there before the image was made a JPEG."""
    rows = []
    for seed, (_, image) in enumerate(fields()):
        part = busiest(image, 512)
        for family in ASKED:
            shown, mask = damaged(part, family, 0, seed)
            for counts in score(part, found_in(grey(shown, 90)), mask):
                rows.append({"family": family} | counts)
    return rows


def _share(rows: list[dict[str, Any]], part: str, whole: str) -> str:
    total = sum(row[whole] for row in rows)
    return f"{100 * sum(row[part] for row in rows) / total:.2f}" if total else "–"


def table(
    shares: dict[str, list[float]], rows: list[dict[str, Any]], before: list[dict[str, Any]]
) -> str:
    """Return all figures as Markdown."""
    lines = ["# Fields that have been a JPEG", "", *(__doc__ or "").splitlines()[2:], ""]
    lines += ["## Whole: pixels of a channel flagged, in %", ""]
    lines += ["| codec and quality | shape | channels | mean | worst |", "|---" * 5 + "|"]
    for key, flagged in shares.items():
        mean, worst = 100 * float(np.mean(flagged)), 100 * max(flagged)
        lines.append(f"| {key} | {len(flagged)} | {mean:.4f} | {worst:.4f} |")
    lines += ["", "## Damage set into them, to 0 / to 255: recall amid signal, in %", ""]
    lines += ["| codec and quality | " + " | ".join(FAMILIES) + " | false |", "|---" * 8 + "|"]
    for codec in dict.fromkeys(row["codec"] for row in rows):
        cells = []
        for family in FAMILIES:
            pair = [
                [r for r in rows if (r["codec"], r["family"], r["value"]) == (codec, family, value)]
                for value in (0, 255)
            ]
            cells.append(" / ".join(_share(some, "signal_found", "signal") for some in pair))
        false = _share([r for r in rows if r["codec"] == codec], "whole_found", "whole")
        lines.append(f"| {codec} | {' | '.join(cells)} | {false} |")
    lines += ["", "## Damage to 0 that was there before, then grey at 90: recall and false, in %"]
    lines += ["", "| family | recall | false |", "|---|---|---|"]
    for family in ASKED:
        some = [row for row in before if row["family"] == family]
        recall, false = (
            _share(some, "signal_found", "signal"),
            _share(some, "whole_found", "whole"),
        )
        lines.append(f"| {family} | {recall} | {false} |")
    return "\n".join(lines) + "\n"


def main(
    out: Annotated[Path, typer.Option(help="Folder of the tables.")] = HERE / "results",
) -> None:
    """Measure, and write missing_jpeg.json and missing_jpeg.md."""
    prepare()
    shares, rows, before = intact(), hurt(), ringing()
    figures = {"whole": shares, "damaged": rows, "damaged before": before}
    write_report(out / "missing_jpeg", figures, lambda _: table(shares, rows, before))


if __name__ == "__main__":
    typer.run(main)
