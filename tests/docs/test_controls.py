"""Pages of docks list what the docks have: each control, with its tip."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from npe2 import PluginManifest
from npe2.manifest.utils import import_python_name

from pictures import controls

ROOT = Path(__file__).parents[2]
MANIFEST = ROOT / "src" / "napari_dualgland" / "napari.yaml"
DOCKS = [w.display_name for w in PluginManifest.from_file(MANIFEST).contributions.widgets or []]


@pytest.mark.parametrize("name", DOCKS)
def test_the_page_of_a_dock_lists_its_controls(name, make_napari_viewer, qtbot):
    viewer = make_napari_viewer()
    _, dock = viewer.window.add_plugin_dock_widget("napari-dualgland", name)
    qtbot.wait(50)
    page = controls.page(name).read_text()
    listed = controls.table(dock)
    assert f"| {name} |" in listed  # the button that starts the work
    assert controls.with_table(page, name, listed) == page, (
        "the dock has changed: python docs/screenshots.py --controls"
    )


@pytest.mark.parametrize("name", DOCKS)
def test_the_button_of_a_dock_leads_to_its_page(name):
    contributions = PluginManifest.from_file(MANIFEST).contributions
    (widget,) = (w for w in contributions.widgets if w.display_name == name)
    (command,) = (c for c in contributions.commands if c.id == widget.command)
    dock = import_python_name(command.python_name)
    source = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]["Source"]
    page = ROOT / dock.page().removeprefix(f"{source}/blob/main/")
    assert page.samefile(controls.page(name))
