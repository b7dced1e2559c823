"""The form shows every option and gives back the very options that it was shown."""

from __future__ import annotations

import shlex

import pytest
from typer.testing import CliRunner

from napari_dualgland.cli import impute as verb
from napari_dualgland.cli.app import app
from napari_dualgland.imputation.params import MOST_SAMPLES, ImputeParams
from napari_dualgland.widgets.impute.code import as_command, as_python
from napari_dualgland.widgets.impute.model_form import ModelForm

from .test_code import execute

ALL_OPTIONS = [
    ImputeParams(),
    ImputeParams(model="prior", device="cpu", tile=96, seed=5, rehearse=False),
    ImputeParams(adapt=False, samples=2, plausible=True),
    ImputeParams(rehearse=False, adapt=False, samples=MOST_SAMPLES),
    ImputeParams(rehearse=False, adapt=True, plausible=True, seed=2**31 - 1, tile=2048),
]


@pytest.fixture
def form(qtbot):
    form = ModelForm()
    qtbot.addWidget(form)
    return form


@pytest.mark.binding
def test_an_untouched_form_asks_for_the_defaults(form):
    assert form.value() == ImputeParams()


@pytest.mark.parametrize("params", ALL_OPTIONS)
@pytest.mark.binding
def test_what_is_shown_comes_back(form, params):
    form.set_value(params)
    assert form.value() == params
    form.set_value(ImputeParams())
    assert form.value() == ImputeParams()


@pytest.mark.binding
def test_every_option_has_a_place(form):
    """An option that the form forgets would be set back to its default without a word."""
    others = ImputeParams(
        model="other.safetensors",
        device="cuda:1",
        precision="fp32",
        tile=512,
        rehearse=False,
        adapt=False,
        samples=3,
        plausible=True,
        seed=9,
    )
    for name in ImputeParams.model_fields:
        assert getattr(others, name) != getattr(ImputeParams(), name), name
    form.set_value(others)
    assert form.value() == others


@pytest.mark.binding
def test_learning_needs_rehearsing(form):
    assert form.adapt.isEnabled()
    form.rehearse.setChecked(False)
    assert not form.adapt.isEnabled()
    assert form.adapt.isChecked()  # what was ticked is not forgotten
    form.rehearse.setChecked(True)
    assert form.adapt.isEnabled()
    form.set_value(ImputeParams(rehearse=False, adapt=False))
    assert not form.adapt.isEnabled()
    form.set_value(ImputeParams())
    assert form.adapt.isEnabled()


def test_learning_stays_disabled_after_a_run(opened, run):
    """The form is closed while it works; opening it again must not open what was closed."""
    opened.set_value(ImputeParams(model="prior", device="cpu", tile=64, rehearse=False))
    run(opened)
    assert opened.model.samples.isEnabled()
    assert not opened.model.adapt.isEnabled()


@pytest.mark.parametrize(
    "change",
    [
        lambda form: form.adapt.click(),
        lambda form: form.rehearse.click(),
        lambda form: form.samples.setValue(4),
        lambda form: form.plausible.click(),
        lambda form: form.precision.setCurrentText("bf16"),
        lambda form: form.tile.setValue(512),
        lambda form: form.seed.setValue(1),
    ],
)
@pytest.mark.binding
def test_every_change_is_told(form, qtbot, change):
    with qtbot.waitSignal(form.changed, timeout=1000):
        change(form)


# --- copied code ------------------------------------------------------------------------

WRITTEN = {
    "precision": ("--precision fp32", "precision='fp32',"),
    "adapt": ("--no-adapt", "adapt=False,"),
    "rehearse": ("--no-rehearse", "rehearse=False,"),
    "samples": ("--samples 2", "samples=2,"),
    "plausible": ("--plausible", "plausible=True,"),
}


@pytest.mark.parametrize(
    "unusual",
    [
        {},
        {"adapt": False},
        {"rehearse": False},
        {"samples": 2},
        {"plausible": True},
        {"precision": "fp32"},
        {"adapt": False, "rehearse": False, "samples": 2, "plausible": True},
    ],
)
def test_only_what_is_not_the_default_is_copied(opened, monkeypatch, unusual):
    params = ImputeParams(tile=96, seed=3, **unusual)
    opened.set_value(params)
    command, python = as_command(opened.request()), as_python(opened.request())
    for name, (flag, argument) in WRITTEN.items():
        assert (flag in command) is (name in unusual), name
        assert (argument in python) is (name in unusual), name
    asked = []

    def take(source, out, missing, channels, params):
        asked.append(params)
        return {"output": str(out)}

    monkeypatch.setattr(verb, "run", take)
    words = shlex.split(command)
    assert words[0] == "dualgland"
    told = CliRunner().invoke(app, [*words[1:], "--json"])
    assert told.exit_code == 0, told.output
    assert asked == [params]


def test_copied_python_is_given_the_same_options(opened, monkeypatch):
    params = ImputeParams(adapt=False, samples=2, plausible=True, seed=3)
    opened.set_value(params)
    asked = []
    monkeypatch.setattr("napari_dualgland.impute", lambda *_, **options: asked.append(options))
    monkeypatch.setattr("napari_dualgland.write", lambda *_: None)
    execute(as_python(opened.request()))
    assert ImputeParams(**asked[0]) == params
