"""What is done before each picture is taken, as a person would do it; a function for each dock."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from pictures.before_after import before_after
from pictures.saving import LARGEST, save
from pictures.window import Window, wait_until, window


def impute(out: Path, size: tuple[int, int]) -> None:
    """Go through the main job: what is missing, half of it filled, all of it filled."""
    with window(out, size) as shown:
        shown.sample("damaged")
        shown.take("tutorial_open.png")
        dock = shown.dock("Impute")
        dock.show_missing.click()
        wait_until(lambda: dock.idle)
        shown.take("widget.png")

        found: list[object] = []
        dock.result_ready.connect(found.append)
        take_at_patch(4, dock, shown)
        dock.run_bar.button.click()
        wait_until(lambda: dock.idle)
        shown.choose("protein", "imputed")
        shown.take("imputed.png")
    save(before_after(found[0]), out / "before_after.png", 2 * LARGEST)


def take_at_patch(number: int, dock: Any, shown: Window) -> None:
    """Take a picture as soon as so many parts are filled: they come faster than one can look."""
    patches = []
    show_progress = dock.show_progress

    def shown_and_taken(step: Any) -> None:
        show_progress(step)
        if step.patch is not None:
            patches.append(step.patch)
            if len(patches) == number:
                for layer in shown.viewer.layers:
                    layer.refresh()
                shown.take("working.png", settle=0)

    dock.show_progress = shown_and_taken


def localize(out: Path, size: tuple[int, int]) -> None:
    """Localize the whole sample and fly to a cell in the middle."""
    with window(out, size) as shown:
        shown.sample("whole")
        dock = shown.dock("Localize")
        result = shown.run(dock)
        middle = result.table[["y", "x"]] - np.array(result.cells.shape[-2:]) / 2
        row = int(np.hypot(middle["y"], middle["x"]).argmin())
        dock.results.table.view.selectRow(row)
        shown.viewer.reset_view()
        shown.take("localize.png")


def any_other(name: str, out: Path, size: tuple[int, int]) -> None:
    """Open a dock beside the whole sample."""
    with window(out, size) as shown:
        shown.sample("whole")
        shown.dock(name)
        shown.take(f"{name.lower()}.png")


SCENES = {"Impute": impute, "Localize": localize}
"""By the name of the dock; one that has none is opened over the sample."""

__all__ = ["SCENES", "Window", "any_other"]
