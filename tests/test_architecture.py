"""The house's arrows: imports run downward only, and what is light stays light.

The arrows are read from the source, so that an import inside a function counts too; that the
light parts load nothing heavy is seen in a fresh interpreter, through whatever they import.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src"
GROUND = {
    *("_version", "channel_names", "classes", "culling", "errors", "files", "findings", "frozen"),
    *("hot_pixels", "intensities", "intervals", "legible", "mask", "memory", "packed"),
    *("pixel_size", "progress", "provenance", "refusals", "results", "stack", "threads"),
    *("typing", "written"),
}

# What each room may import of the project's other rooms. "" is the package itself.
ALLOWED = {
    **dict.fromkeys(GROUND, GROUND),
    "": GROUND
    | {
        "io",
        "missing",
        "imputation",
        "localization",
        "compartments",
    },  # public, loaded on first use
    "io": GROUND,
    "missing": GROUND,
    "classical": GROUND,
    "sample": GROUND | {"io"},
    "model": GROUND,
    "imputation": GROUND | {"model", "missing"},
    "localization": GROUND | {"model", "missing"},
    "compartments": GROUND | {"model", "missing", "imputation", "localization"},
    "runs": GROUND | {"io", "model"},
    "jobs": GROUND
    | {"io", "missing", "model", "imputation", "localization", "compartments", "runs"},
    "batch": GROUND
    | {"io", "missing", "model", "imputation", "localization", "compartments", "jobs"},
    "widgets": GROUND
    | {"", "io", "missing", "model", "imputation", "localization", "compartments", "jobs"}
    | {"runs", "batch"},
    "cli": GROUND
    | {"", "io", "missing", "sample", "classical", "model", "imputation", "localization", "jobs"}
    | {"compartments", "runs", "batch"},
    "__main__": {"cli"},
}
# And each room of the training module of its others: losses and patterns stand alone, the loop
# knows no objective, an objective knows the loop and not another objective.
TRAINING = {
    "losses": set(),
    "simulate": set(),
    "trainer": set(),
    "data": {"trainer"},  # options of a run are read there
    "perceptual": {"data", "trainer"},
    "metrics": {"perceptual"},
    "generator": {"data", "losses", "perceptual", "trainer"},
    "cell_folds": {"data", "generator"},
    "cell_pictures": set(),
    "localizer": {"cell_folds", "cell_pictures", "data", "simulate", "trainer"},
    "evaluate": {"data", "generator", "metrics", "perceptual", "trainer"},
    "runs": {"generator", "localizer", "perceptual", "trainer"},
    "report": {"generator", "trainer"},
    "annotated": {"generator"},
    "__main__": {"runs", "trainer"},
    "": set(),
}
# The version, which provenance needs, is the one thing that all may ask of the package.
VERSION = {"napari_dualgland", "napari_dualgland.__version__"}

OUTSIDE = {
    "torch": {"model", "imputation", "localization", "compartments"},
    "torchvision": {"model", "imputation", "localization"},
    "napari": {"widgets"},
    "qtpy": {"widgets"},
    "PyQt6": set(),
    "PySide6": set(),
    "superqt": {"widgets"},
    "magicgui": {"widgets"},
    "cv2": {"classical"},
    "typer": {"cli"},
    "rich": {"cli"},
    "dualgland_training": set(),
}
# doctor tells what there is of torch and torchvision; that is its whole job.
EXCEPTIONS = {("cli/doctor.py", "torch"), ("cli/doctor.py", "torchvision")}


def modules() -> list[Path]:
    return sorted((SOURCE / "napari_dualgland").rglob("*.py"))


def files() -> dict[str, Path]:
    """Return every module of plugin and training by its dotted name."""
    found = {}
    for root in (SOURCE, ROOT / "training"):
        for path in sorted(root.rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def room_of(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


def imports(path: Path) -> Iterator[str]:
    """Yield the full name of everything that a file imports, but for annotations alone."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            skipped.update(inner for part in node.body for inner in ast.walk(part))
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room_imported(name: str) -> str:
    """Return the room that an imported name lives in; ``""`` where the package gives it."""
    room = room_of(name)
    folder = SOURCE / "napari_dualgland"
    return room if (folder / room).is_dir() or (folder / f"{room}.py").is_file() else ""


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(SOURCE)))
def test_imports_run_downward(path):
    inside = path.relative_to(SOURCE / "napari_dualgland")
    room = inside.parts[0].removesuffix(".py").replace("__init__", "")
    assert room in ALLOWED, f"{room} is a new room: say here what it may import"
    for name in imports(path):
        top = name.split(".")[0]
        if top == "napari_dualgland" and name not in VERSION:
            other = room_imported(name)
            assert other == room or other in ALLOWED[room], f"{inside} imports {name}"
        elif top in OUTSIDE and (inside.as_posix(), top) not in EXCEPTIONS:
            assert room in OUTSIDE[top], f"{inside} imports {name}"


def files_imported(path: Path, known: Collection[str]) -> set[str]:
    """Return which of the known modules a file imports; the package's version counts for none."""
    found = set()
    for name in {*imports(path)} - VERSION:
        while name and name not in known:
            name = name.rpartition(".")[0]
        found.add(name)
    return found & {*known}


def graph() -> dict[str, set[str]]:
    """Return the files that each file imports, by their dotted names."""
    known = files()
    return {name: files_imported(path, known) - {name} for name, path in known.items()}


def test_no_file_imports_itself_by_way_of_others():
    TopologicalSorter(graph()).prepare()  # says which circle there is


def test_a_circle_is_seen():
    circular = graph()
    circular["napari_dualgland.errors"] = {"napari_dualgland.cli.app"}
    with pytest.raises(CycleError):
        TopologicalSorter(circular).prepare()


def test_training_knows_neither_docks_nor_jobs():
    """It is a guest that borrows the command line's way of telling errors, and no more."""
    for name, imported in graph().items():
        if name.startswith("dualgland_training"):
            rooms = {room_of(other) for other in imported if other.startswith("napari_dualgland")}
            assert not rooms & {"widgets", "jobs", "batch"}, name
            own = {room_of(other) for other in imported if other.startswith("dualgland_training")}
            assert own - {room_of(name)} <= TRAINING[room_of(name)], name
            assert "cli" not in rooms or name.endswith("__main__"), name


def test_the_arrows_are_seen(tmp_path):
    """The reader of imports finds what it must, wherever it stands in a file."""
    sample = tmp_path / "sample.py"
    sample.write_text(
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    import napari\n"
        "def late():\n    from torch.nn import functional\n    import qtpy.QtWidgets\n"
    )
    assert set(imports(sample)) == {
        "typing.TYPE_CHECKING",
        "torch.nn.functional",
        "qtpy.QtWidgets",
    }


QT = {"napari", "qtpy", "PyQt6", "PySide6", "superqt", "magicgui", "vispy"}


WIDGETS = "napari_dualgland.widgets"
DOCK_NAMES = ("impute", "localize", "boundaries", "export", "batch", "train")


def import_all(names: Iterable[str]) -> str:
    """Return code that imports modules, but for those that do something when they are."""
    return "\n".join(f"import {name}" for name in names if not name.endswith("__main__"))


def loaded_after(steps: Sequence[str]) -> list[set[str]]:
    """Return what a fresh interpreter has loaded after each of these steps in turn."""
    code = "import json, sys\nseen = []\n"
    code += "".join(f"{step}\nseen.append([*sys.modules])\n" for step in steps)
    done = subprocess.run(
        [sys.executable, "-c", f"{code}sys.stdout.write(json.dumps(seen))"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [{*names} for names in json.loads(done.stdout)]


# One interpreter goes through these from the lightest to the heaviest: what it has loaded after
# a step is at least what the step alone would load.
LIGHT = [
    ("import napari_dualgland", QT | {"torch", "dask", "skimage", "typer"}),
    ("from napari_dualgland.cli import main", QT | {"torch", "skimage", "tifffile"}),
    ("napari_dualgland.Stack", QT | {"torch"}),
    ("from napari_dualgland import read, write, find_missing", QT | {"torch"}),
    ("from napari_dualgland import sample; sample.damaged_field()", QT | {"torch"}),
    (import_all(name for name in files() if not name.startswith(WIDGETS)), QT),
]


def test_what_is_light_stays_light_and_nothing_below_the_widgets_loads_qt():
    seen = loaded_after([step for step, _ in LIGHT])
    for (step, never), loaded in zip(LIGHT, seen, strict=True):
        assert not loaded & never, step
    assert {"torch", "dualgland_training"} <= seen[-1]  # the engine was really among them


# What takes long to load.
HEAVY = {"torch", "matplotlib", "pandas", "tifffile", "zarr", "dask.array", "scipy.ndimage"} | {
    *("scipy.sparse", "scipy.spatial", "skimage.measure", "skimage.filters"),
}
DOCKS = {f"{WIDGETS}.{name}.dock" for name in DOCK_NAMES}


def test_the_docks_open_without_what_takes_long_to_load():
    widgets = import_all(name for name in files() if name.startswith(WIDGETS))
    napari, loaded = loaded_after(["import napari._qt.qt_main_window, napari.layers", widgets])
    assert loaded >= DOCKS
    assert not (loaded - napari) & HEAVY


def test_every_public_name_is_there():
    import napari_dualgland

    assert {*napari_dualgland.__all__} <= {*dir(napari_dualgland)}
    for name in napari_dualgland.__all__:
        assert getattr(napari_dualgland, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'inpaint'"):
        _ = napari_dualgland.inpaint
