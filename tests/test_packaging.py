"""What a person gets with pip: everything inside the wheel, and an editable install alike.

The wheel is built by way of the sdist, as installers do that find no wheel. It is installed
into an empty environment; what it *depends* on is lent from the environment that runs the
tests, as a path alone: installing torch a second time would cost minutes and prove nothing
of our wheel. A path that is lent does not run the ``.pth`` files in it, so that an editable
install of this project there stays out of sight; the tests assert that.
"""

from __future__ import annotations

import email
import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
SAMPLES = (
    "dualgland_whole.ome.tif",
    "dualgland_damaged.ome.tif",
    "dualgland_damaged_mask.tif",
    "dualgland_zstack.ome.tif",
)

pytestmark = pytest.mark.slow


def run(*command: object, cwd: Path) -> str:
    # Whoever runs the tests with PYTHONPATH would have the checkout seen in every install.
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> tuple[Path, Path]:
    """The sdist, and the wheel that is built from it."""
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, ROOT, cwd=out)
    (sdist,) = out.glob("*.tar.gz")
    (wheel,) = out.glob("*.whl")
    return sdist, wheel


def lend_environment(folder: Path) -> Path:
    """Make an empty environment that sees what we depend on; return its python."""
    venv.EnvBuilder(with_pip=False, symlinks=True).create(folder)
    python = folder / "bin" / "python"
    site = Path(
        run(python, "-c", "import site; print(site.getsitepackages()[0])", cwd=folder).strip()
    )
    (site / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


def install(python: Path, *what: object) -> None:
    run(
        *(sys.executable, "-m", "pip", "--python", python, "install", "--quiet"),
        *("--disable-pip-version-check", "--no-index", "--no-deps", "--no-build-isolation"),
        # The copy that is lent is no copy of ours to replace.
        *("--ignore-installed", *what),
        cwd=python.parent,
    )


@pytest.fixture(scope="module")
def from_wheel(built, tmp_path_factory) -> Path:
    python = lend_environment(tmp_path_factory.mktemp("from_wheel"))
    install(python, built[1])
    return python


@pytest.fixture(scope="module")
def from_checkout(tmp_path_factory) -> Path:
    python = lend_environment(tmp_path_factory.mktemp("from_checkout"))
    install(python, "--editable", ROOT)
    return python


@pytest.fixture(scope="module", params=["from_wheel", "from_checkout"])
def python(request) -> Path:
    """The python of an environment with the project installed, one way and the other."""
    return request.getfixturevalue(request.param)


LOOK = """
import json, sys
from importlib import resources
from pkgutil import resolve_name
import dualgland_training, napari_dualgland
heavy = sorted({"torch", "qtpy", "napari", "PyQt6", "PySide6"} & set(sys.modules))
home = resources.files("napari_dualgland")
from npe2 import PluginManager
manager = PluginManager()
manager.discover()
manifest = manager.get_manifest("napari-dualgland")
print(json.dumps({
    "home": str(home),
    "training": dualgland_training.__file__,
    "heavy": heavy,
    "typed": (home / "py.typed").is_file(),
    "samples": sorted(p.name for p in (home / "sample_data").iterdir() if p.is_file()),
    "weights": sorted(p.name for p in (home / "weights").iterdir()),
    "plugin": [manifest.name, manifest.package_version],
    "commands": [resolve_name(c.python_name).__name__ for c in manifest.contributions.commands],
}))
"""


@pytest.fixture(scope="module")
def seen(python) -> dict[str, Any]:
    """What a fresh interpreter of that environment finds of the project."""
    return json.loads(run(python, "-c", LOOK, cwd=python.parent).strip().splitlines()[-1])


def test_everything_is_reached_in_both_installs(seen):
    assert seen["heavy"] == []
    assert seen["typed"]
    assert {*SAMPLES} <= {*seen["samples"]}
    shipped = {p.name for p in (ROOT / "src/napari_dualgland/weights").iterdir()}
    assert {*seen["weights"]} == shipped


def test_npe2_finds_the_manifest_and_every_command_it_names(seen):
    from napari_dualgland import __version__

    assert seen["plugin"] == ["napari-dualgland", __version__]
    assert seen["commands"]


def test_what_is_installed_is_what_runs(python, seen, from_checkout):
    """Nothing but the install itself is looked at, nor the environment that lends."""
    place = ROOT if python == from_checkout else python.parents[1]
    for found in (seen["home"], seen["training"]):
        assert Path(found).is_relative_to(place)
    if python == from_checkout:  # nothing is copied
        site = python.parents[1] / "lib"
        assert not [p for p in site.rglob("napari_dualgland") if p.is_dir()]


def test_the_command_line_works_in_both_installs(python, tmp_path):
    told = json.loads(run(python.parent / "dualgland", "models", "--json", cwd=tmp_path))
    assert "prior" in {model["name"] for model in told["models"]}


def test_the_wheel_says_what_it_is(built):
    with zipfile.ZipFile(built[1]) as wheel:
        names = wheel.namelist()
        (about,) = [n for n in names if n.endswith(".dist-info/METADATA")]
        metadata = email.message_from_bytes(wheel.read(about))
    assert metadata["License-Expression"] == "BSD-3-Clause"
    assert "Framework :: napari" in metadata.get_all("Classifier")
    base = [r for r in metadata.get_all("Requires-Dist") if "extra ==" not in r]
    for binding in ("pyqt", "pyside", "napari"):
        assert not [r for r in base if r.lower().startswith(binding)]
    assert {"all", "napari", "train", "test", "dev", "demo"} <= {
        *metadata.get_all("Provides-Extra")
    }
    assert any(n.endswith("licenses/LICENSE") for n in names)
    assert len(names) == len({*names})
    assert not [n for n in names if n.split("/")[0] in ("tests", "training", "benchmarks", "docs")]


def test_the_sdist_holds_one_copy_of_every_sample(built):
    with tarfile.open(built[0]) as sdist:
        members = [m for m in sdist.getmembers() if m.name.endswith(".ome.tif") and m.isfile()]
    assert len({Path(m.name).name for m in members}) == len(members)


def test_constraints_are_plain_pins_of_what_is_installed():
    """What CI tests is what is pinned: no addresses, no ranges, and every direct need."""
    from importlib import metadata

    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = dict(line.split("==") for line in lines)
    assert all(
        set(version) <= set("0123456789.abcdefghijklmnopqrstuvwxyz") for version in pins.values()
    )
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *(need for needs in extras.values() for need in needs)]
    names = {need.split(">=")[0].split("[")[0] for need in wanted} - {"napari-dualgland"}
    assert not names - {*pins}
    for name in names - {"napari"}:
        installed = metadata.version(name).split("+")[0]
        assert installed == pins[name], f"{name} {installed} is installed, {pins[name]} pinned"


def test_torch_and_torchvision_are_a_pair():
    """A torchvision of another torch imports and then fails at its first own operator."""
    import torch
    from torchvision.ops import nms

    assert nms(torch.tensor([[0.0, 0, 1, 1]]), torch.ones(1), 0.5).tolist() == [0]
