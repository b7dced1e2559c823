"""Make the pictures of the pages anew: ``python docs/screenshots.py [DOCK …]``.

And the tables of controls in the pages of the docks; ``--controls`` makes these alone, in seconds.
They show the docks as they are, so make them anew when one changes; without a name all of the
manifest are taken. Without a screen, on Linux, the script starts itself on a virtual one (Xvfb).
Nothing but the simulated samples is shown: their pixels belong to nobody.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from npe2 import PluginManifest

import napari_dualgland
from pictures import controls
from pictures.scenes import SCENES, any_other
from pictures.window import on_virtual_screen, window, with_defaults

DOCS = Path(__file__).resolve().parent
MANIFEST = Path(napari_dualgland.__file__).parent / "napari.yaml"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    docks = [widget.display_name for widget in manifest().contributions.widgets or []]
    parser.add_argument("docks", nargs="*", help=f"Some of {', '.join(docks)}; all if left out.")
    parser.add_argument("--out", type=Path, default=DOCS / "images", help="Where they go.")
    parser.add_argument("--controls", action="store_true", help="Tables of controls, no picture.")
    parser.add_argument("--size", type=size, default=(1280, 800), help="Of the window.")
    chosen = parser.parse_args()
    on_virtual_screen(chosen.size)
    with_defaults()
    chosen.out.mkdir(parents=True, exist_ok=True)
    for name in chosen.docks or docks:
        with window(chosen.out, chosen.size) as opened:
            controls.write(opened.dock(name), name)
        if chosen.controls:
            continue
        if name in SCENES:
            SCENES[name](chosen.out, chosen.size)
        else:
            any_other(name, chosen.out, chosen.size)


def manifest() -> PluginManifest:
    """Return what the plugin tells napari of itself."""
    return PluginManifest.from_file(MANIFEST)


def size(text: str) -> tuple[int, int]:
    """Return the width and height that a text like ``1280x800`` tells."""
    width, height = text.split("x")
    return int(width), int(height)


if __name__ == "__main__":
    main()
