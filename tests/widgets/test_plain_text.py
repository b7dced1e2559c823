"""Names, paths and notes are shown as they are, whatever markup or control codes they hold."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from napari.utils.notifications import notification_manager
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel

import napari_dualgland.widgets
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.io import read, write
from napari_dualgland.io.layer_tuples import layers_of
from napari_dualgland.stack import ROLES, Channel, Stack
from napari_dualgland.widgets.field.layer_combo import LayerCombo
from napari_dualgland.widgets.field.source import Source
from napari_dualgland.widgets.kit.notify import notify
from napari_dualgland.widgets.kit.run_bar import RunBar
from napari_dualgland.widgets.kit.style import footnote, heading, in_lines, plain, plain_label

from .conftest import paint

HOSTILE = ["<b>bold</b>", '<img src="file:///etc/passwd">', "a &lt;b&gt; c", "<html>", "&amp;"]
ROOMS = Path(napari_dualgland.widgets.__file__).parent


@pytest.mark.parametrize("text", HOSTILE)
def test_tips_are_no_markup_and_look_the_same(text):
    for shown in (plain(text), in_lines(text), plain(f"name\n{text}")):
        assert not Qt.mightBeRichText(shown)
        assert text in shown.replace("\u2060", "")


def test_control_codes_are_written_out():
    assert plain("a\x1b[31mb\u202ec") == "a\\x1b[31mb\\u202ec"
    assert plain("two\nlines") == "two\nlines"


@pytest.mark.parametrize("made", [plain_label, footnote, heading])
def test_labels_show_a_text_as_it_is(qtbot, made):
    label = made("<b>x</b>")
    qtbot.addWidget(label)
    assert label.textFormat() == Qt.TextFormat.PlainText
    assert label.text() == "<b>x</b>"


@pytest.mark.parametrize("text", HOSTILE)
def test_the_line_of_a_run_and_its_notification(qtbot, text):
    bar = RunBar("Impute", "tiles")
    qtbot.addWidget(bar)
    bar.end(notify(DualglandError(Kind.DAMAGED, f"/data/{text}.tif", "is cut")), error=True)
    assert text in bar.says.text()
    assert bar.says.textFormat() == Qt.TextFormat.PlainText
    assert not Qt.mightBeRichText(notification_manager.records[-1].message)


def test_no_label_and_no_tip_is_made_elsewhere():
    """Only the kit makes labels, and a tip that is no constant goes through it."""
    wrong = []
    for path in ROOMS.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name == "QLabel" and path.name != "style.py":
                wrong.append(f"{path.name}:{node.lineno}")
            if name in ("setToolTip", "setStatusTip", "setWhatsThis"):
                (text,) = node.args
                names = [n.id for n in ast.walk(text) if isinstance(n, ast.Name)]
                # Names in capitals, roles, classes and counts are ours.
                ours = {"plain", "in_lines", "many", "role", "k"}
                free = [n for n in names if not n.isupper() and n not in ours]
                if free and not {"plain", "in_lines"} & {*names}:
                    wrong.append(f"{path.name}:{node.lineno}: {free}")
    assert not wrong


@pytest.mark.parametrize("text", HOSTILE)
def test_a_layer_of_that_name_in_a_dock(viewer, dock, qtbot, text):
    for role, pixels in zip(ROLES, paint(), strict=True):
        viewer.add_image(pixels, name=f"{role} {text}")
    widget = dock()
    for combo in widget.findChildren(LayerCombo):
        combo.setCurrentIndex(combo.count() - 1)
        combo.activated.emit(combo.currentIndex())
        assert not Qt.mightBeRichText(combo.toolTip())
    for label in widget.findChildren(QLabel):
        assert label.textFormat() == Qt.TextFormat.PlainText or not Qt.mightBeRichText(label.text())


def test_channels_of_one_name_are_told_apart_in_the_copied_command(tmp_path):
    from napari.layers import Layer

    from napari_dualgland.widgets.field.job_input import layers_input

    names = ["DAPI", "DAPI", "GFP", "ER"]
    channels = tuple(Channel(name, role) for name, role in zip(names, ROLES, strict=True))
    path = write(Stack(paint(), "CYX", channels), tmp_path / "a.ome.tif")
    made = [Layer.create(*layer) for layer in layers_of(read(path))]
    layers = {role: layer for role, layer in zip(ROLES, made, strict=True) if role != "er"}
    given = layers_input(Source(layers), made).file
    assert given is not None
    assert given.channels == {"microtubules": 0, "protein": 1, "nucleus": "GFP"}
    again = read(path, given.channels)
    assert {role: again.roles[role] for role in given.channels} == {
        "microtubules": 0,
        "protein": 1,
        "nucleus": 2,
    }
