"""How long napari stands still while the plugin works on a 2048 x 2048 field.

``xvfb-run -a -s "-screen 0 1280x800x24" python benchmarks/responsiveness.py`` opens a viewer, acts
as a person would and looks at a heartbeat of 20 ms on the main thread: the most processor time that
lies between two beats of an act is the longest that the person waits for the next frame. Processor
time, not time by the wall: other programs on the machine do not count. What of it was Python's
collection of all garbage stands beside it: napari has it done whenever a layer is removed, Python
does it now and then by itself. Writes ``results/responsiveness.md``; ``--only NAME`` does the acts
whose names hold that, and writes nothing. What one act needs of another is done before it,
unmeasured.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import numpy as np
import typer

from napari_dualgland.imputation.params import ImputeParams
from napari_dualgland.io import write
from napari_dualgland.model.device import processor_name
from napari_dualgland.pixel_size import PixelSize
from napari_dualgland.runs.folder import EVENTS, runs_folder
from napari_dualgland.stack import ROLES, Channel, Stack
from napari_session import BEAT_MS, CHANNELS, SAMPLE, SIDE, Session, field, open_files

HERE = Path(__file__).parent
LOG = HERE.parent / "training" / "recipes" / "generator.events.jsonl"
ALLOWED_MS = 200
NOTE = (
    "What napari does alone is measured in the rows that say so: its first layer costs {first:.0f} "
    "ms once, whatever is opened; the removal of a layer costs {removed:.0f} ms before the plugin "
    "is loaded, {collected:.0f} ms of it the collection of garbage, which grows with all that "
    "Python has loaded; the manifests of all plugins, which napari reads again where someone has "
    "set something in *Preferences*, cost {manifests:.0f} ms."
)
"""Filled from the rows."""
FIRST = "napari alone: its first layer, 16 x 16"
REMOVED = "napari alone: that layer removed"
MANIFESTS = "napari alone: manifests of all plugins read again"


Act = Callable[[Session], None]


def first_layer(session: Session) -> None:
    """A layer of 16 x 16 pixels by napari alone: what it does once, whatever is opened first."""
    with session.measured(FIRST):
        session.act(
            lambda: session.viewer.add_image(np.eye(16), units="micrometer", blending="additive")
        )
    with session.measured(REMOVED):
        session.act(session.viewer.layers.clear)


def manifests(session: Session) -> None:
    """The manifests of all plugins, as ``napari.settings.get_plugin_settings`` reads them."""
    from npe2 import PluginManager

    with session.measured(MANIFESTS):
        session.act(PluginManager.instance().discover)


def open_impute(session: Session) -> None:
    """The dock, and options of a quick run in it."""
    with session.measured("open Impute"):
        session.act(lambda: session.dock("Impute"))
    session.dock("Impute").set_value(ImputeParams(model="prior", rehearse=False, tile=256))


def show_missing(session: Session) -> None:
    """The button, pressed once and again."""
    dock = session.dock("Impute")
    with session.measured("show missing, the first time"):
        session.act(dock.show_missing.click)
        session.until(lambda: dock.idle)
    with session.measured("hide missing"):
        session.act(dock.show_missing.click)
    with session.measured("show missing again"):
        session.act(dock.show_missing.click)
        session.until(lambda: dock.idle)


def impute(session: Session) -> None:
    """Run, and run again over the result."""
    dock = session.dock("Impute")
    for name in ("impute", "impute again"):
        with session.measured(name):
            session.act(dock.run_bar.button.click)
            session.until(lambda: dock.idle)


def cancel(session: Session) -> None:
    """A run over the result, cancelled."""
    dock = session.dock("Impute")
    with session.measured("cancel"):
        session.act(dock.run_bar.button.click)
        session.rest(0.5)
        session.act(dock.run_bar.button.click)
        session.until(lambda: dock.idle)


def compare(session: Session) -> None:
    """Flip to the sources and back."""
    button = session.dock("Impute").results.compare
    with session.measured("compare"):
        session.act(button.click)
        session.rest(0.5)
        session.act(button.click)


def turn_3d(session: Session) -> None:
    """Three dimensions and back."""
    with session.measured("to 3-D and back"):
        for ndisplay in (3, 2):
            session.act(partial(setattr, session.viewer.dims, "ndisplay", ndisplay))
            session.rest(0.5)


def localize(session: Session) -> None:
    """Cells, places, and what a person does with them."""
    with session.measured("open Localize"):
        session.act(lambda: session.dock("Localize"))
    dock = session.dock("Localize")
    with session.measured("localize"):
        session.act(dock.run_bar.button.click)
        session.until(lambda: dock.idle)
    with session.measured("click on a cell in the table"):
        session.act(lambda: dock.findChildren(_table())[0].selectRow(1))


def boundaries(session: Session) -> None:
    """The boundary map."""
    with session.measured("open Boundaries"):
        session.act(lambda: session.dock("Boundaries"))
    dock = session.dock("Boundaries")
    with session.measured("boundaries"):
        session.act(dock.run_bar.button.click)
        session.until(lambda: dock.idle)


def export(session: Session) -> None:
    """The list of what would be written, and the topmost result written."""
    with session.measured("open Export, list what would be written"):
        session.act(lambda: session.dock("Export"))
    dock, output = session.dock("Export"), session.folder / "exported.ome.tif"
    session.act(lambda: dock.place.set_value(output))
    with session.measured("export"):
        session.act(dock.run_bar.button.click)
        session.until(lambda: dock.idle)
    if not output.is_file():
        raise FileNotFoundError(f"{output}: {dock.run_bar.says.text()}")


def batch(session: Session) -> None:
    """Two stacks, imputed by processes of their own, and a result looked at."""
    stacks = []
    for name in ("one", "two"):
        stacks.append(session.folder / name / f"{name}.ome.tif")
        stacks[-1].parent.mkdir()
        channels = tuple(Channel(role, role) for role in ROLES)
        write(Stack(field(), "CYX", channels, pixel_size=PixelSize(0.1, 0.1)), stacks[-1])
    with session.measured("open Batch"):
        session.act(lambda: session.dock("Batch"))
    dock = session.dock("Batch")
    with session.measured("batch: add two stacks"):
        session.act(lambda: dock.add(stacks))
        session.until(lambda: len(dock.queue.stacks()) == len(stacks))
    dock.todo.set_value({"impute": ImputeParams(model="prior", rehearse=False, tile=256)})
    dock.results.set_output(session.folder / "batch")
    with session.measured("batch"):
        session.act(dock.run_bar.button.click)
        session.until(lambda: dock.idle)
    before = len(session.viewer.layers)
    with session.measured("batch: open a result"):
        session.act(lambda: dock.queue.view.selectRow(0))
        session.act(dock.queue.open_result.click)
        session.until(lambda: len(session.viewer.layers) >= before + 5)


def train(session: Session) -> None:
    """A folder looked through, and a run found again that has trained a shipped model."""
    with session.measured("open Train"):
        session.act(lambda: session.dock("Train"))
    dock = session.dock("Train")
    with session.measured("train: look through a folder"):
        session.act(lambda: dock.images.set_value(SAMPLE.parent))
        session.until(lambda: dock.images.checked is not None)
    run = runs_folder() / "looked-at"
    job = dock.value().model_copy(update={"output": run})
    job.save()
    shutil.copyfile(LOG, run / EVENTS)
    with session.measured("train: a run found again, its first curves"):
        session.act(lambda: dock.show_run(run))
        curves = dock.panel.view.curves
        session.until(lambda: curves.canvas is not None and len(curves.canvas.figure.axes) == 4)


def delete_results(session: Session) -> None:
    """All that was made goes; the sources stay."""
    made = [x for x in session.viewer.layers if x.name not in CHANNELS]
    with session.measured("delete results"):
        for layer in made:
            session.act(partial(session.viewer.layers.remove, layer))


ACTS: tuple[Act, ...] = (
    first_layer,
    manifests,
    open_files,
    open_impute,
    show_missing,
    impute,
    compare,
    cancel,
    turn_3d,
    localize,
    boundaries,
    export,
    delete_results,
    batch,
    train,
)
NEEDED: tuple[Act, ...] = (first_layer, open_files, open_impute)
"""Done in any case."""


def _table() -> Any:
    from qtpy.QtWidgets import QTableView

    return QTableView


def table_of(gaps: dict[str, tuple[float, float]], qt: str) -> str:
    """Return the results as Markdown."""
    import napari

    lines = [
        "# The longest that napari stands still",
        "",
        f"A field of 4 x {SIDE}² (uint8), napari {napari.__version__}, {qt}, a virtual screen of "
        f"1280 x 800 drawn in software, {processor_name()}. The most processor time of the main "
        f"thread between two beats of {BEAT_MS} ms, in ms; {ALLOWED_MS} are allowed. Beside it, "
        "what of that was Python's collection of all garbage. All modules had been loaded by an "
        "earlier start, so that Python has them compiled (`python benchmarks/responsiveness.py`).",
        "",
        "| act | ms | of it garbage |",
        "|---|---:|---:|",
        *(
            f"| {name} | {gap:.0f}{' !' if gap > ALLOWED_MS else ''} | {collected:.0f} |"
            for name, (gap, collected) in gaps.items()
        ),
    ]
    removed, collected = gaps[REMOVED]
    note = NOTE.format(
        first=gaps[FIRST][0], removed=removed, collected=collected, manifests=gaps[MANIFESTS][0]
    )
    return "\n".join([*lines, "", note]) + "\n"


def main(
    only: Annotated[str, typer.Option(help="Do the acts whose names hold this.")] = "",
) -> None:
    """Measure every act and write the table."""
    if sys.dont_write_bytecode:
        raise typer.BadParameter("without PYTHONDONTWRITEBYTECODE: every import would compile")
    with TemporaryDirectory() as folder:
        # A person who starts napari for the first time, and whose own runs stay what they are.
        os.environ["NAPARI_CONFIG"] = f"{folder}/settings.yaml"
        os.environ["XDG_CONFIG_HOME"] = os.environ["DUALGLAND_RUNS"] = folder
        session = Session(Path(folder))
        from qtpy import API_NAME, QT_VERSION

        for act in ACTS:
            if act in NEEDED or only in act.__name__:
                act(session)
        session.viewer.close()  # type: ignore[no-untyped-call]
    if not only:
        out = HERE / "results" / "responsiveness.md"
        out.write_text(table_of(session.gaps, f"{API_NAME} {QT_VERSION}"), encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
