"""Make the pictures of the README from the bundled samples: ``python docs/screenshots.py``.

They show the widget as it is, so make them anew when it changes. Without a screen, on
Linux, the script starts itself on a virtual one (Xvfb). Nothing but the simulated samples
is shown: their pixels belong to nobody.
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

IMAGES = Path(__file__).parent / "images"
LARGEST = 400_000
"""Bytes of a picture, so that the README loads at once."""

CLOSE_UPS = {
    "dead tile": (140, 208),
    "microtubules lost": (680, 455),
    "dropped pixels": (110, 700),
    "scratches": (600, 830),
    "saturated": (722, 296),
}
"""What the sample's damage is and where its centre lies (y, x)."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=IMAGES, help="Where the pictures go.")
    parser.add_argument("--model", default=None, help="Another model than the widget's own choice.")
    parser.add_argument("--size", type=size, default=(1400, 900), help="Of the window: 1280x800.")
    chosen = parser.parse_args()
    if sys.platform == "linux" and not os.environ.get("DISPLAY"):
        on_virtual_screen(chosen.size)
    # Nobody's own settings: theme, fonts and window state are napari's defaults.
    os.environ["NAPARI_CONFIG"] = str(Path(tempfile.mkdtemp()) / "settings.yaml")
    chosen.out.mkdir(parents=True, exist_ok=True)
    result = photograph_widget(chosen.out, chosen.size, chosen.model)
    photograph_localize(chosen.out, chosen.size)
    save(before_after(result), chosen.out / "before_after.png")


def size(text: str) -> tuple[int, int]:
    """Return the width and height that a text like ``1280x800`` tells."""
    width, height = text.split("x")
    return int(width), int(height)


def on_virtual_screen(window: tuple[int, int]) -> None:
    """Start this script again under Xvfb; does not return."""
    xvfb = shutil.which("xvfb-run")
    if xvfb is None:
        sys.exit("no screen, and no xvfb-run to make a virtual one; install the package xvfb")
    screen = f"-screen 0 {window[0] + 100}x{window[1] + 100}x24"
    os.execv(xvfb, [xvfb, "-a", "-s", screen, sys.executable, *sys.argv])


def photograph_widget(out: Path, window: tuple[int, int], model: str | None):
    """Go through the main job as a person does, taking pictures; return the widget's result."""
    import napari

    viewer = napari.Viewer(show=True)
    viewer.theme = "dark"
    viewer.window.resize(*window)
    viewer.open_sample("napari-dualgland", "damaged")
    viewer.layers["damage"].visible = False
    viewer.layers.selection.active = viewer.layers["protein"]
    _, widget = viewer.window.add_plugin_dock_widget("napari-dualgland", "Impute")
    if model is not None:
        widget.set_value(widget.params.value().model_copy(update={"model": model}))
    wait(1)

    def photograph(name: str) -> None:
        wait(0.3)
        pixels = viewer.screenshot(canvas_only=False, flash=False)
        save(Image.fromarray(pixels).convert("RGB"), out / name)

    widget.show_missing.click()
    wait_until(lambda: widget.idle)
    photograph("widget.png")

    results = []
    widget.run_bar.button.click()
    widget.result_ready.connect(results.append)
    wait_until(lambda: widget.idle or widget.run_bar.bar.value() >= 0.4 * widget.run_bar.total > 0)
    photograph("working.png")
    wait_until(lambda: widget.idle)
    if not results:
        sys.exit(widget.run_bar.says.text())
    viewer.layers.selection.active = viewer.layers["protein imputed"]
    photograph("imputed.png")
    viewer.close()
    return results[0]


def photograph_localize(out: Path, window: tuple[int, int], model: str | None = None) -> None:
    """Localize the whole sample as a person does, fly to a cell, and take a picture."""
    import napari

    viewer = napari.Viewer(show=True)
    viewer.theme = "dark"
    viewer.window.resize(*window)
    viewer.open_sample("napari-dualgland", "whole")
    _, widget = viewer.window.add_plugin_dock_widget("napari-dualgland", "Localize")
    if model is not None:
        widget.set_value(widget.params.value().model_copy(update={"model": model}))
    wait(1)
    widget.run_bar.button.click()
    wait_until(lambda: widget.idle)
    result = widget.results.result
    if result is None:
        sys.exit(widget.run_bar.says.text())
    # A cell in the middle, of which the field around it is seen too.
    middle = result.table[["y", "x"]] - np.array(result.cells.shape[-2:]) / 2
    row = int(np.hypot(middle["y"], middle["x"]).argmin())
    widget.results.table.view.selectRow(row)
    viewer.reset_view()
    wait(0.5)
    pixels = viewer.screenshot(canvas_only=False, flash=False)
    picture = Image.fromarray(pixels).convert("RGB")
    save(picture, out / "localize.png", Image.Quantize.MAXCOVERAGE)
    viewer.close()


def wait(seconds: float) -> None:
    """Let Qt work for a while."""
    from qtpy.QtWidgets import QApplication

    end = time.monotonic() + seconds
    while time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.01)


def wait_until(done, seconds: float = 600) -> None:
    """Let Qt work until something is done."""
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            sys.exit(f"waited {seconds} s in vain")
        wait(0.02)


def before_after(result) -> Image.Image:
    """Return the field and close-ups of its damage, before and after."""
    from napari_dualgland.io import read
    from napari_dualgland.sample import sample_path

    source = read(sample_path("dualgland_damaged.ome.tif"))
    limits = [
        np.percentile(np.asarray(source.canonical())[0, 0, i], (1, 99.7))
        for i in source.roles.values()
    ]
    before, after = as_shown(source, limits), as_shown(result.stack, limits)
    gap, top, small, half = 10, 26, 208, 64
    width = len(CLOSE_UPS) * (small + gap) - gap
    field = (width - gap) // 2
    figure = Image.new("RGB", (width, 2 * (top + small) + field + top + 2 * gap), "#ffffff")
    draw = ImageDraw.Draw(figure)
    font = ImageFont.load_default(15)
    for k, (pixels, title) in enumerate(((before, "before"), (after, "after"))):
        x = k * (field + gap)
        draw.text((x, 4), title, "#222222", font)
        figure.paste(pixels.resize((field, field), Image.Resampling.LANCZOS), (x, top))
    y0 = top + field + gap
    for k, (title, (y, x)) in enumerate(CLOSE_UPS.items()):
        left = k * (small + gap)
        draw.text((left, y0 + 4), title, "#222222", font)
        box = (x - half, y - half, x + half, y + half)
        for row, pixels in enumerate((before, after)):
            crop = pixels.crop(box).resize((small, small), Image.Resampling.BICUBIC)
            figure.paste(crop, (left, y0 + top + row * (small + gap)))
    return figure.crop((0, 0, width, y0 + top + 2 * small + gap))


def as_shown(stack, limits) -> Image.Image:
    """Return a field as the atlas shows it: red, green, blue and yellow added up."""
    from napari_dualgland.stack import ROLE_COLORS

    canonical = np.asarray(stack.canonical())[0, 0].astype(np.float32)
    mixed = np.zeros((*canonical.shape[1:], 3), np.float32)
    for (role, i), (low, high) in zip(stack.roles.items(), limits, strict=True):
        color = np.frombuffer(bytes.fromhex(ROLE_COLORS[role][1:]), np.uint8) / np.float32(255)
        shown = ((canonical[i] - low) / (high - low)).clip(0, 1)
        mixed += shown[..., None] * color
    return Image.fromarray((mixed.clip(0, 1) * 255).astype(np.uint8))


def save(
    picture: Image.Image, path: Path, method: Image.Quantize = Image.Quantize.MEDIANCUT
) -> None:
    """Write a PNG with as many colours as fit into its size.

    The median cut keeps large areas as they are; maximal coverage keeps the few pixels of a
    legend in their colours.
    """
    for colors in (256, 192, 128, 96, 64, 48, 32):
        reduced = picture.quantize(colors, method, dither=Image.Dither.NONE)
        file = io.BytesIO()
        reduced.save(file, "PNG", optimize=True)
        if file.tell() <= LARGEST:
            break
    path.write_bytes(file.getvalue())


if __name__ == "__main__":
    main()
