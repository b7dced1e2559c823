"""The copied code does again what the widget did, pixel by pixel."""

from __future__ import annotations

import shlex
from dataclasses import replace

import numpy as np
import pytest
from napari.layers import Labels, Shapes

from napari_dualgland.cli import main
from napari_dualgland.imputation.params import ImputeParams
from napari_dualgland.io import read
from napari_dualgland.stack import ROLES
from napari_dualgland.widgets.impute.code import as_command, as_python

from .conftest import HOLE, SIDE, paint
from .test_impute_widget import plain_field


def execute(code):
    names = {}
    exec(compile(code, "copied", "exec"), names)
    return names["result"]


def assert_same_pixels(result, viewer):
    canonical = np.asarray(result.stack.canonical())
    for role, i in result.stack.roles.items():
        shown = np.asarray(viewer.layers[f"{role} imputed"].data)
        np.testing.assert_array_equal(canonical[:, :, i].reshape(shown.shape), shown)


def copied(action):
    from qtpy.QtGui import QGuiApplication

    QGuiApplication.clipboard().clear()
    action.trigger()
    return QGuiApplication.clipboard().text()


def test_python_for_a_file_needs_no_napari(opened, viewer, run, saved):
    opened.set_value(ImputeParams(model="prior", device="cpu", tile=96, seed=5, rehearse=False))
    run(opened)
    code = copied(opened.results.copy.python_action)
    assert "napari import" not in code
    assert_same_pixels(execute(code), viewer)
    written = saved.with_name("field 7_imputed.ome.tif")
    assert written.is_file()
    assert read(written).provenance.seed == 5


@pytest.mark.binding
def test_command_for_a_file(opened, viewer, run, saved):
    opened.set_value(ImputeParams(model="prior", device="cpu", tile=96, seed=5, rehearse=False))
    run(opened)
    line = copied(opened.results.copy.command_action)
    words = shlex.split(line)
    assert words[0] == "dualgland"
    with pytest.raises(SystemExit) as end:
        main(words[1:])
    assert end.value.code == 0
    stack = read(saved.with_name("field 7_imputed.ome.tif"))
    for role, i in stack.roles.items():
        np.testing.assert_array_equal(stack.data[i], viewer.layers[f"{role} imputed"].data)


def test_a_mask_from_a_file_is_named(opened, viewer, run, tmp_path):
    import tifffile

    mask = np.zeros((SIDE, SIDE), "uint8")
    mask[HOLE] = 255
    tifffile.imwrite(tmp_path / "mask.tif", mask)
    viewer.open(tmp_path / "mask.tif", plugin="napari", layer_type="labels", scale=(0.1, 0.1))
    opened.missing.set_value("labels")
    run(opened)
    assert_same_pixels(execute(copied(opened.results.copy.python_action)), viewer)
    command = copied(opened.results.copy.command_action)
    assert f"--missing {shlex.quote(str(tmp_path / 'mask.tif'))}" in command


def test_roles_given_by_hand_go_with_the_command(opened, viewer):
    er, nucleus = (viewer.layers[name] for name in ("er", "nucleus"))
    source = opened.channels.value()
    swapped = {**source.layers, "er": nucleus, "nucleus": er}
    opened.channels.set_value(replace(source, layers={r: swapped[r] for r in ROLES}))
    command = copied(opened.results.copy.command_action)
    wanted = "microtubules=microtubules,protein=protein,nucleus=er,er=nucleus"
    assert shlex.split(command)[6] == wanted
    stack = execute(copied(opened.results.copy.python_action)).stack
    assert stack.channels[stack.roles["er"]].name == "nucleus"


@pytest.mark.parametrize("how", ["detect", "labels", "shapes", "nan"])
def test_python_for_open_layers(viewer, dock, run, how):
    painted = np.zeros((2, SIDE, SIDE), int)
    painted[1, 60:80, 60:80] = 1
    outline = np.array([[40, 50], [40, 119], [89, 119], [89, 50]])
    pixels = np.stack([paint("float32", seed=k) for k in range(2)], axis=1)
    pixels[1, 1, 10:14, 10:14] = np.nan
    widget = dock(
        [*plain_field(pixels, contrast_limits=(0, 255)), Labels(painted), Shapes([outline])]
    )
    viewer.dims.set_current_step(0, 1)
    widget.extent.setCurrentIndex(1)
    widget.missing.set_value(how)
    widget.missing.roles["er"].setChecked(False)
    run(widget)
    code = copied(widget.results.copy.python_action)
    result = execute(code)
    for role, i in result.stack.roles.items():
        np.testing.assert_array_equal(
            result.stack.data[i], viewer.layers[f"{role} imputed"].data[1]
        )


@pytest.mark.binding
def test_no_command_without_a_file(viewer, dock):
    widget = dock(plain_field())
    assert copied(widget.results.copy.command_action) == ""
    assert "come from no file" in widget.run_bar.says.text()


def test_results_are_not_taken_for_their_source_file(opened, viewer, run):
    run(opened)
    source = opened.channels.value()
    results = {role: viewer.layers[f"{role} imputed"] for role in ROLES}
    opened.channels.set_value(replace(source, layers=results))
    request = opened.request()
    assert "layers['protein imputed']" in as_python(request)
    with pytest.raises(ValueError, match="come from no file"):
        as_command(request)
