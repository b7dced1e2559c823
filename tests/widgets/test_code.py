"""The copied code does again what the widget did, pixel by pixel."""

from __future__ import annotations

import shlex

import numpy as np
import pytest
from napari.layers import Labels, Shapes
from typer.testing import CliRunner

from napari_dualgland.cli import main
from napari_dualgland.cli.app import app
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.imputation.params import ImputeParams
from napari_dualgland.io import read
from napari_dualgland.jobs import ImputeJob
from napari_dualgland.stack import ROLES
from napari_dualgland.widgets.field.field_of_view import field_of

from .conftest import HOLE, SIDE, paint, plain_field

PUBLIC = "from napari_dualgland import "
ALLOWED = ("from napari import current_viewer",)


def execute(code):
    """Run a copied script, which needs the public API and nothing of ours besides."""
    for line in code.splitlines():
        assert "import" not in line or line in ALLOWED or line.startswith(PUBLIC), line
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
    code = copied(opened.copy_as.python_action)
    assert "napari import" not in code
    assert_same_pixels(execute(code), viewer)
    written = saved.with_name("field 7_imputed.ome.tif")
    assert written.is_file()
    assert read(written).provenance.seed == 5


@pytest.mark.binding
def test_command_for_a_file(opened, viewer, run, saved):
    opened.set_value(ImputeParams(model="prior", device="cpu", tile=96, seed=5, rehearse=False))
    run(opened)
    line = copied(opened.copy_as.command_action)
    words = shlex.split(line)
    assert words[0] == "dualgland"
    with pytest.raises(SystemExit) as end:
        main(words[1:])
    assert end.value.code == 0
    stack = read(saved.with_name("field 7_imputed.ome.tif"))
    for role, i in stack.roles.items():
        np.testing.assert_array_equal(stack.data[i], viewer.layers[f"{role} imputed"].data)


@pytest.mark.parametrize("how", ["labels", "file"])
def test_a_mask_from_a_file_is_named(opened, viewer, run, tmp_path, how):
    import tifffile

    mask = np.zeros((SIDE, SIDE), "uint8")
    mask[HOLE] = 255
    tifffile.imwrite(tmp_path / "mask.tif", mask)
    if how == "labels":
        viewer.open(tmp_path / "mask.tif", plugin="napari", layer_type="labels", scale=(0.1, 0.1))
    else:
        opened.missing.file.value = tmp_path / "mask.tif"
    opened.missing.ways.set_value(how)
    run(opened)
    codes = np.asarray(viewer.layers["missing"].data)
    assert (codes > 0).sum() == (mask > 0).sum()
    assert_same_pixels(execute(copied(opened.copy_as.python_action)), viewer)
    command = copied(opened.copy_as.command_action)
    assert f"--missing {shlex.quote(str(tmp_path / 'mask.tif'))}" in command


def test_roles_given_by_hand_go_with_the_command(opened, viewer):
    er, nucleus = (viewer.layers[name] for name in ("er", "nucleus"))
    source = opened.channels.source()
    swapped = {**source.layers, "er": nucleus, "nucleus": er}
    for role in ROLES:
        field_of(viewer).pick(role, swapped[role])
    command = copied(opened.copy_as.command_action)
    wanted = "microtubules=microtubules,protein=protein,nucleus=er,er=nucleus"
    assert shlex.split(command)[6] == wanted
    stack = execute(copied(opened.copy_as.python_action)).stack
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
    widget.extent.combo.setCurrentIndex(1)
    widget.missing.ways.set_value(how)
    widget.missing.roles["er"].setChecked(False)
    run(widget)
    code = copied(widget.copy_as.python_action)
    result = execute(code)
    for role, i in result.stack.roles.items():
        np.testing.assert_array_equal(
            result.stack.data[i], viewer.layers[f"{role} imputed"].data[1]
        )


@pytest.mark.binding
def test_no_command_without_a_file(viewer, dock):
    widget = dock(plain_field())
    assert copied(widget.copy_as.command_action) == ""
    assert "come from no file" in widget.run_bar.says.text()


def test_results_are_not_taken_for_their_source_file(opened, viewer, run):
    run(opened)
    for role in ROLES:
        field_of(viewer).pick(role, viewer.layers[f"{role} imputed"])
    job = opened.value()
    assert "layers['protein imputed']" in job.as_python()
    with pytest.raises(ValueError, match="come from no file"):
        job.as_command()


# --- options ----------------------------------------------------------------------------

WRITTEN = {
    "precision": ("--precision fp32", "precision='fp32',"),
    "adapt": ("--no-adapt", "adapt=False,"),
    "rehearse": ("--no-rehearse", "rehearse=False,"),
    "samples": ("--samples 2", "samples=2,"),
    "plausible": ("--plausible", "plausible=True,"),
}


def test_only_what_is_not_the_default_is_copied(opened, monkeypatch):
    done = []

    def steps(job, *_):
        done.append(job)
        raise DualglandError(Kind.BAD_VALUE, "the job", "seen")
        yield

    monkeypatch.setattr(ImputeJob, "steps", steps)
    unusual = {"adapt": False, "rehearse": False, "samples": 2, "plausible": True}
    for fields in (
        {},
        *({name: value} for name, value in unusual.items()),
        {"precision": "fp32"},
        unusual,
    ):
        params = ImputeParams(tile=96, seed=3, device="cpu", **fields)
        opened.set_value(params)
        job = opened.value()
        command, python = job.as_command(), job.as_python()
        for name, (flag, argument) in WRITTEN.items():
            assert (flag in command) is (name in fields), name
            assert (argument in python) is (name in fields), name
        words = shlex.split(command)
        assert words[0] == "dualgland"
        CliRunner().invoke(app, words[1:])
        assert done[-1].params == params


def test_copied_python_is_given_the_same_options(opened, monkeypatch):
    params = ImputeParams(adapt=False, samples=2, plausible=True, seed=3)
    opened.set_value(params)
    asked = []
    monkeypatch.setattr("napari_dualgland.impute", lambda *_, **options: asked.append(options))
    monkeypatch.setattr("napari_dualgland.write", lambda *_: None)
    execute(opened.value().as_python())
    assert ImputeParams(**asked[0]) == params
