"""Tables and plots of ``benchmarks/speed.py``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from speed_fills import NAMES, OURS

Cells = Mapping[str, Mapping[str, Any]]
"""``family / side / share / fill`` → what was measured, or ``over``."""

FIGURES: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "CPU-seconds of the fill alone": lambda row: f"{row['fill_cpu']:.2f}",
    "CPU-seconds of the whole process, with its start": lambda row: f"{row['cpu']:.1f}",
    "Wall-seconds of the fill alone": lambda row: f"{row['fill_wall']:.1f}",
    "Peak memory above what the process held before, MiB": lambda row: (
        f"{row['peak_mib'] - row['start_mib']:.0f}"
    ),
    "PSNR inside the holes, dB": lambda row: f"{row['psnr']:.2f}" if "psnr" in row else "–",
}


def _split(key: str) -> tuple[str, int, float, str]:
    family, side, share, fill = key.split(" / ")
    return family, int(side), float(share), fill


def markdown(report: Mapping[str, Any]) -> str:
    """Return a table per figure: a row per fill, a column per frame and share."""
    cells: Cells = report["cells"]
    scenes = sorted({_split(key)[:3] for key in cells}, key=lambda s: (s[0], s[1], s[2]))
    lines = [
        "# What a fill costs",
        "",
        f"Made by `python benchmarks/speed.py`: one thread of an {report['processor']}, every cell "
        "in a process of its own, the held-out field (4 channels, mirrored copies of it beyond "
        "2048²) with the same holes in all channels, which are given. Other work ran on the "
        "machine: wall-seconds are upper bounds. The network of LaMa's size has random weights "
        "and is there for its cost.",
    ]
    for title, said in FIGURES.items():
        for family in dict.fromkeys(scene[0] for scene in scenes):
            here = [scene for scene in scenes if scene[0] == family]
            head = " | ".join(f"{side}², {share:g} %" for _, side, share in here)
            lines += ["", f"## {title}: {family}", "", f"| fill | {head} |"]
            lines.append("|---" * (len(here) + 1) + "|")
            for name in NAMES:
                rows = [cells.get(f"{family} / {s} / {p:g} / {name}") for _, s, p in here]
                if any(rows):
                    said_of = [("" if r is None else r.get("over") or said(r)) for r in rows]
                    lines.append(f"| {name} | {' | '.join(said_of)} |")
    return "\n".join(lines) + "\n"


def draw(cells: Cells, out: Path) -> None:
    """Draw CPU-seconds against missing pixels (in boxes), and memory against the side.

    Parameters
    ----------
    cells : mapping
        What was measured.
    out : pathlib.Path
        Gets ``speed_time.png`` and ``speed_memory.png``.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    done = [(*_split(key), row) for key, row in cells.items() if "over" not in row]
    in_boxes = [cell for cell in done if cell[0] == "boxes"]
    figure, axes = pyplot.subplots(figsize=(8, 5.5), layout="constrained")
    for number, name in enumerate(NAMES):
        mine = [(side, r["missing"], r["fill_cpu"]) for _, side, _, n, r in in_boxes if n == name]
        # A line joins the shares of one size; larger frames have larger marks.
        for side in sorted({side for side, *_ in mine}):
            points = sorted(point for s, *point in mine if s == side)
            axes.plot(
                *zip(*points, strict=True),
                "o-" if name in OURS else "x--",
                color=f"C{number}",
                label=name if side == min(s for s, *_ in mine) else None,
                markersize=2 + side / 700,
                linewidth=0.8,
            )
    axes.set(xscale="log", yscale="log", xlabel="missing pixels, all channels together")
    axes.set_ylabel("CPU-seconds of the fill, one thread")
    if in_boxes:
        axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    figure.savefig(out / "speed_time.png", dpi=120)
    pyplot.close(figure)

    shares = sorted({share for _, _, share, _, _ in in_boxes}, key=lambda s: abs(s - 5))
    figure, axes = pyplot.subplots(figsize=(8, 5.5), layout="constrained")
    for name in NAMES:
        peaks = sorted(
            (side, max(1, r["peak_mib"] - r["start_mib"]))
            for _, side, share, fill, r in in_boxes
            if fill == name and share == shares[0]
        )
        style = "o-" if name in OURS else "x--"
        if peaks:
            axes.plot(*zip(*peaks, strict=True), style, label=name, markersize=4, linewidth=1)
    axes.set(xscale="log", yscale="log", xlabel="side of the frame, pixels (4 channels)")
    if shares:
        axes.set_title(f"{shares[0]:g} % missing in boxes", fontsize=9)
        sides = sorted({side for _, side, *_ in in_boxes})
        axes.set_xticks(sides, [f"{side}²" for side in sides])
        axes.minorticks_off()
        axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    axes.set_ylabel("peak memory of the fill, MiB above what was held before")
    figure.savefig(out / "speed_memory.png", dpi=120)
    pyplot.close(figure)
