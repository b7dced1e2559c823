"""What is done before each picture is taken, as a person would do it; a function for each dock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import copyfile, rmtree
from tempfile import gettempdir
from typing import Any

import numpy as np

from napari_dualgland.sample import sample_path
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


def boundaries(out: Path, size: tuple[int, int]) -> None:
    """Map the compartments of the whole sample."""
    with window(out, size) as shown:
        shown.sample("whole")
        dock = shown.dock("Boundaries")
        shown.run(dock)
        shown.await_plots(dock)
        shown.take("boundaries.png", settle=2)


def export(out: Path, size: tuple[int, int]) -> None:
    """Show what would be written of an imputed sample; the prior is enough for that."""
    with window(out, size) as shown:
        shown.sample("damaged")
        dock = shown.dock("Impute")
        dock.set_value(dock.params.value().model_copy(update={"model": "prior"}))
        shown.run(dock)
        shown.dock("Export")
        shown.take("export.png", settle=2)


def batch(out: Path, size: tuple[int, int]) -> None:
    """Work on three sound files and one that is cut short."""
    with window(out, size) as shown, lab() as place:
        folder = place / "plate 7"
        folder.mkdir()
        for number, name in enumerate(("whole", "damaged", "zstack"), 1):
            copyfile(sample_path(f"dualgland_{name}.ome.tif"), folder / f"A{number}_{name}.ome.tif")
        (folder / "A4_cut_short.tif").write_bytes((folder / "A1_whole.ome.tif").read_bytes()[:99])
        dock = shown.dock("Batch")
        dock.add([folder])
        wait_until(lambda: len(dock.queue.stacks()) == 4)
        dock.results.set_output(folder / "repaired")
        shown.run(dock)
        dock.queue.view.selectRow(1)
        dock.queue.open_result.click()
        wait_until(lambda: "missing" in shown.viewer.layers)
        shown.take("batch.png", settle=2)


def train(out: Path, size: tuple[int, int]) -> None:
    """Train the tiny recipe on the sample for a while, to the end."""
    with window(out, size) as shown, lab() as place:
        folder = place / "our fields"
        folder.mkdir()
        copyfile(sample_path("dualgland_whole.ome.tif"), folder / "field_1.ome.tif")
        dock = shown.dock("Train")
        asked = {"recipe": "tiny", "name": "tiny", "steps": 100}
        dock.set_value(dock.params.value().model_copy(update=asked))
        dock.images.set_value(folder)
        wait_until(lambda: dock.images.checked is not None)
        button = dock.run_bar.button
        button.click()
        wait_until(lambda: "Stop" in button.text())
        wait_until(lambda: "Stop" not in button.text())
        shown.await_plots(dock)
        shown.take("train.png", settle=2)


@contextmanager
def lab() -> Iterator[Path]:
    """Return a folder whose name may stand in a picture, as long as that is taken."""
    folder = Path(gettempdir()) / "our lab"
    folder.mkdir(exist_ok=True)
    try:
        yield folder
    finally:
        rmtree(folder)


def any_other(name: str, out: Path, size: tuple[int, int]) -> None:
    """Open a dock beside the whole sample."""
    with window(out, size) as shown:
        shown.sample("whole")
        shown.dock(name)
        shown.take(f"{name.lower()}.png")


SCENES = {
    "Impute": impute,
    "Localize": localize,
    "Boundaries": boundaries,
    "Export": export,
    "Batch": batch,
    "Train": train,
}
"""By the name of the dock; one that has none is opened over the sample."""
