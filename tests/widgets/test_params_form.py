"""Forms made of pydantic fields: whatever is valid comes back, and nothing else comes out."""

from __future__ import annotations

import sys
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QCheckBox, QFormLayout, QLabel

from napari_dualgland.compartments.params import BoundariesParams
from napari_dualgland.imputation.params import MOST_SAMPLES, ImputeParams
from napari_dualgland.jobs.inputs import LayersInput
from napari_dualgland.jobs.train import TrainParams
from napari_dualgland.localization.params import LocalizeParams
from napari_dualgland.missing.params import MissingParams
from napari_dualgland.widgets.kit.fields import OptionalField, field_for
from napari_dualgland.widgets.kit.model_choice import DeviceField, ModelField
from napari_dualgland.widgets.kit.params_form import ParamsForm

MODELS = (ImputeParams, LocalizeParams, MissingParams)


def form_of(model):
    if "device" not in model.model_fields:
        return ParamsForm(model)
    job = "impute" if model is ImputeParams else "localize"
    return ParamsForm(model, {"model": ModelField(job), "device": DeviceField()})


def values_of(info: Any) -> st.SearchStrategy[Any]:
    """Return every value that a field of a model may have."""
    bounds = {k: getattr(m, k) for m in info.metadata for k in vars(type(m))["__slots__"]}
    kinds = get_args(info.annotation) or (info.annotation,)
    if bool in kinds:
        return st.booleans()
    if int in kinds:
        step = bounds.get("multiple_of", 1)
        most = bounds.get("le", 2**70)
        return st.integers(-(-bounds["ge"] // step), most // step).map(lambda n: n * step)
    if float in kinds:
        numbers = st.floats(
            bounds.get("ge", bounds.get("gt")),
            bounds.get("le", bounds.get("lt")),
            exclude_min="gt" in bounds,
            exclude_max="lt" in bounds,
            allow_nan=False,
            allow_infinity=False,
        )
        return st.none() | numbers if type(None) in kinds else numbers
    return st.text() if str in kinds else st.sampled_from(kinds)


@pytest.mark.binding
@pytest.mark.parametrize("model", MODELS)
def test_every_valid_value_comes_back(qtbot, model):
    form = form_of(model)
    qtbot.addWidget(form)
    assert form.value() == model()
    fields = {name: values_of(info) for name, info in model.model_fields.items()}

    @settings(max_examples=60, suppress_health_check=list(HealthCheck))
    @given(st.builds(model, **fields))
    def comes_back(params):
        form.set_value(params)
        assert form.value() == params

    comes_back()


@pytest.mark.parametrize(
    "params",
    [
        ImputeParams(seed=2**40, tile=352),
        ImputeParams(model="other.safetensors", device="cuda:1", precision="fp32"),
        ImputeParams(rehearse=False, adapt=True, samples=MOST_SAMPLES, plausible=True),
        LocalizeParams(threshold=0.123456789, nucleus_um=14.987, smallest_um2=59.5),
        LocalizeParams(threshold=5e-324, smallest_um2=sys.float_info.max),
        MissingParams(nan=False, step=1 / 3, noise=123_456.7, min_size=10**9),
    ],
)
def test_what_a_form_has_rounded_before(qtbot, params):
    form = form_of(type(params))
    qtbot.addWidget(form)
    form.set_value(params)
    assert form.value() == params


def test_digits_are_shown(qtbot):
    form = form_of(LocalizeParams)
    qtbot.addWidget(form)
    form.set_value(LocalizeParams(threshold=0.12345, nucleus_um=12))
    assert form.fields["threshold"].number.widget.text() == "0.12345"
    assert form.fields["nucleus_um"].widget.text() == "12"


@pytest.mark.parametrize("model", MODELS)
def test_every_field_has_a_label_and_says_what_it_does(qtbot, model):
    form = form_of(model)
    qtbot.addWidget(form)
    for name, info in model.model_fields.items():
        widget = form.fields[name].widget
        assert widget.toolTip()
        if isinstance(widget, QCheckBox):
            assert widget.text() == info.title
            continue
        rows = widget.parentWidget().layout()
        assert isinstance(rows, QFormLayout)
        label = rows.labelForField(widget)
        assert isinstance(label, QLabel)
        assert label.text() == info.title
        assert " ".join(label.toolTip().split()) == info.description


@pytest.mark.binding
def test_bounds_are_those_of_the_model(qtbot):
    form = form_of(ImputeParams)
    qtbot.addWidget(form)
    tile = form.fields["tile"].widget
    tile.lineEdit().setText("333")
    assert form.value().tile == 320
    tile.editingFinished.emit()
    assert tile.value() == 320
    tile.stepUp()
    assert form.value().tile == 352
    tile.setValue(10**6)
    assert form.value().tile == 2048
    form.fields["samples"].widget.setValue(-1)
    assert form.value().samples == 0
    other = form_of(LocalizeParams)
    qtbot.addWidget(other)
    other.set_value(LocalizeParams(threshold=0.5))
    number = other.fields["threshold"].number.widget
    for wanted, kept in ((0, 1e-6), (1, 1 - 1e-6)):
        number.setValue(wanted)
        assert other.value().threshold == kept


def test_an_optional_number_starts_where_the_model_says(qtbot):
    form = form_of(LocalizeParams)
    qtbot.addWidget(form)
    threshold = form.fields["threshold"]
    assert not threshold.number.widget.isEnabled()
    threshold.none.setChecked(False)
    assert threshold.number.widget.isEnabled()
    assert form.value().threshold == 0.5


def test_learning_needs_rehearsing(qtbot):
    form = form_of(ImputeParams)
    qtbot.addWidget(form)
    adapt, rehearse = (form.fields[name].widget for name in ("adapt", "rehearse"))
    assert adapt.isEnabled()
    rehearse.setChecked(False)
    assert not adapt.isEnabled()
    assert adapt.isChecked()  # what was ticked is not forgotten
    rehearse.setChecked(True)
    assert adapt.isEnabled()
    form.set_value(ImputeParams(rehearse=False, adapt=False))
    assert not adapt.isEnabled()
    form.set_value(ImputeParams())
    assert adapt.isEnabled()


@pytest.mark.parametrize(
    "change",
    [
        lambda field: field["adapt"].widget.click(),
        lambda field: field["rehearse"].widget.click(),
        lambda field: field["samples"].widget.setValue(4),
        lambda field: field["plausible"].widget.click(),
        lambda field: field["precision"].widget.setCurrentText("bf16"),
        lambda field: field["model"].widget.setCurrentText("prior"),
        lambda field: field["device"].widget.setCurrentText("cpu"),
        lambda field: field["tile"].widget.setValue(256),
        lambda field: field["seed"].widget.setValue(1),
    ],
)
def test_every_change_is_told_and_kept(qtbot, change):
    form = form_of(ImputeParams)
    qtbot.addWidget(form)
    with qtbot.waitSignal(form.changed, timeout=1000):
        change(form.fields)
    assert form.value() != ImputeParams()


def test_a_whole_model_is_told_once(qtbot):
    form = form_of(ImputeParams)
    qtbot.addWidget(form)
    told = []
    form.changed.connect(lambda: told.append(form.value()))
    params = ImputeParams(model="prior", tile=64, seed=9, rehearse=False)
    form.set_value(params)
    assert told == [params]


def numbers():
    """Return what each number of the forms may be that somebody types, by field."""
    typed = {"tile": ("128", "96"), "min_size": ("12", "150"), "min_edge": ("12", "70")}
    typed |= {"nucleus_um": ("12.5", "20"), "pixel_size": ("0.16", "1.25", "0.065", "0.108333")}
    typed |= {"samples": ("12", "0"), "smallest_um2": ("120", "0.5"), "noise": ("0.15", "12")}
    found = {}
    for model in (*MODELS, BoundariesParams, TrainParams, LayersInput):
        for name, info in model.model_fields.items():
            kinds = set(get_args(info.annotation) or (info.annotation,)) - {type(None)}
            if kinds in ({int}, {float}) and name != "channel_axis":
                found[name] = info, typed.get(name, ("0.16", "0.5") if float in kinds else ("12",))
    assert typed.keys() <= found.keys()
    return [
        pytest.param(info, text, id=f"{k}-{text}") for k, (info, v) in found.items() for text in v
    ]


@pytest.mark.binding
@pytest.mark.parametrize(("info", "text"), numbers())
@pytest.mark.parametrize("key", [Qt.Key.Key_Return, None], ids=["ended", "under way"])
def test_what_is_typed_is_not_written_over(qtbot, info, text, key):
    """What a field tells comes back to it at once, as it does from the field of view."""
    field = field_for(info)
    qtbot.addWidget(field.widget)
    field.set_value(info.default)
    number = field
    if isinstance(field, OptionalField):
        field.none.setChecked(False)
        number = field.number
    field.changed.connect(lambda: field.set_value(field.value()))
    line = number.widget.lineEdit()
    line.selectAll()
    qtbot.keyClicks(line, text)
    if key is not None:
        qtbot.keyClick(line, key)
    assert field.value() == float(text)
