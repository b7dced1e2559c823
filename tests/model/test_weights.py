"""Models: only what their card describes is loaded, and shipped weights stay loadable."""

from __future__ import annotations

import hashlib
import json
import os
import tracemalloc
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.model.device import available_devices, choose_device
from napari_dualgland.model.filler import GeneratorFiller, load_filler
from napari_dualgland.model.weights import SHIPPED, list_models, models_for, read_card, read_tensors

CPU = torch.device("cpu")


def test_shipped_models_load() -> None:
    assert {"prior", "generator"} <= set(list_models())
    for name in models_for("impute"):
        assert load_filler(name, CPU).card.name == name


def test_shipped_generator_is_what_its_card_says() -> None:
    filler = load_filler("generator", CPU)
    assert isinstance(filler, GeneratorFiller)
    card = filler.card
    assert sum(p.numel() for p in filler.network.parameters()) == card.parameters <= 8_000_000
    tops = {name.split(".")[0] for name, _ in filler.network.named_parameters()}
    assert {"stem", "bottom", "head"} <= tops
    assert (SHIPPED / "generator.safetensors").stat().st_size <= 16_000_000
    assert all(t.dtype == torch.float16 for t in read_tensors(*read_card("generator")).values())
    assert card.held_out
    assert card.steps > 0 or sum(card.recipe["start"].values()) == pytest.approx(1)
    assert any("Human Protein Atlas" in source for source in card.data)


@pytest.fixture
def own_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the shipped generator in a lab's own folder."""
    monkeypatch.setenv("DUALGLAND_MODELS", str(tmp_path))
    for ending in (".json", ".safetensors"):
        source = SHIPPED / f"generator{ending}"
        (tmp_path / f"ours{ending}").write_bytes(source.read_bytes())
    card = json.loads((tmp_path / "ours.json").read_text())
    (tmp_path / "ours.json").write_text(json.dumps(card | {"name": "ours"}))
    return tmp_path / "ours.safetensors"


def test_own_models_are_found_by_name_and_by_path(own_model: Path) -> None:
    assert load_filler("ours", CPU).card.name == "ours"
    assert load_filler(str(own_model), CPU).card.name == "ours"


def rewrite(path: Path, **changes: Any) -> None:
    """Change fields of a card."""
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def reweigh(weights: Path, tensors: Mapping[str, torch.Tensor]) -> None:
    """Write other tensors, with a card that knows them."""
    weights.write_bytes(save(dict(tensors)))
    sha256 = hashlib.sha256(weights.read_bytes()).hexdigest()
    rewrite(weights.with_suffix(".json"), sha256=sha256)


def refused(model: str = "ours") -> DualglandError:
    with pytest.raises(DualglandError) as error:
        load_filler(model, CPU)
    return error.value


def test_damaged_weights_are_refused(own_model: Path) -> None:
    raw = bytearray(own_model.read_bytes())
    raw[len(raw) // 2] ^= 1
    own_model.write_bytes(raw)
    said = refused()
    assert (said.kind, said.place) == (Kind.DAMAGED, str(own_model))


def test_missing_weights_are_refused(own_model: Path) -> None:
    own_model.unlink()
    assert refused().kind == Kind.NOT_THERE


@pytest.mark.parametrize("ending", [".json", ".safetensors"])
@pytest.mark.parametrize("what", ["pipe", "folder", "empty", "huge"])
def test_what_is_no_file_of_that_sort_is_not_opened(
    own_model: Path, ending: str, what: str
) -> None:
    path = own_model.with_suffix(ending)
    path.unlink()
    if what == "pipe":
        os.mkfifo(path)
    elif what == "folder":
        path.mkdir()
    else:
        with path.open("wb") as file:
            file.truncate(0 if what == "empty" else 2**42)
    expected = {"empty": Kind.EMPTY, "huge": Kind.TOO_LARGE}.get(what, Kind.NOT_A_FILE)
    said = refused()
    assert (said.kind, said.place) == (expected, str(path))


@pytest.mark.parametrize("header", [10**9, 2**63, 3])
def test_a_header_that_lies_is_refused(own_model: Path, header: int) -> None:
    own_model.write_bytes(header.to_bytes(8, "little") + b"{}" * 100)
    sha256 = hashlib.sha256(own_model.read_bytes()).hexdigest()
    rewrite(own_model.with_suffix(".json"), sha256=sha256)
    assert refused().kind == Kind.DAMAGED


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300], ids=str)
def test_weights_that_are_not_finite_are_refused(own_model: Path, value: float) -> None:
    tensors = {name: t.double() for name, t in load_file(own_model).items()}
    name = sorted(tensors)[-1]
    tensors[name].view(-1)[-1] = value
    reweigh(own_model, tensors)
    said = refused()
    assert (said.kind, said.place, said.part) == (Kind.NOT_FINITE, str(own_model), name)


@pytest.mark.parametrize(
    "changed",
    [
        {"widths": [16, 16, 16]},
        {"widths": [4096, 4096, 4096]},
        {"depths": [64, 64, 64]},
        {"refine": 4096},
        {"draws": False},
    ],
    ids=str,
)
def test_weights_of_another_architecture_are_refused(
    own_model: Path, changed: dict[str, Any]
) -> None:
    path = own_model.with_suffix(".json")
    rewrite(path, architecture=read_card("ours")[0].architecture | changed)
    tracemalloc.start()
    said = refused()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (said.kind, said.place) == (Kind.MISMATCH, str(own_model))
    assert peak < 2**27


@pytest.mark.parametrize(
    "architecture",
    [
        {"kind": "generator"},
        {"kind": "generator", "widths": [10**12] * 3, "depths": [1, 1, 1]},
        {"kind": "generator", "widths": [48, 96, 192], "depths": [10**9] * 3},
        {"kind": "generator", "widths": [-1, 96, 192], "depths": [1, 2, 3]},
        {"kind": "generator", "widths": "many", "depths": [1, 2, 3]},
        {"kind": "generator", "widths": [48, 96, 192], "depths": [1, 2, 3], "blurs": [10**9]},
    ],
    ids=str,
)
def test_an_architecture_that_is_none_is_refused(
    own_model: Path, architecture: dict[str, Any]
) -> None:
    rewrite(own_model.with_suffix(".json"), architecture=architecture)
    said = refused()
    assert (said.kind, said.part) == (Kind.WRONG_CONTENT, "architecture")


def test_weights_without_a_hash_are_refused(own_model: Path) -> None:
    rewrite(own_model.with_suffix(".json"), sha256=None)
    assert (refused().kind, refused().part) == (Kind.LACKING, "sha256")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (b"{", Kind.DAMAGED),
        (b"\xff\xfe", Kind.DAMAGED),
        (b"[" * 100_000, Kind.DAMAGED),
        (b"[]", Kind.WRONG_CONTENT),
        (b'{"name": 3}', Kind.WRONG_CONTENT),
    ],
)
def test_a_damaged_card_is_refused(own_model: Path, text: bytes, kind: Kind) -> None:
    card = own_model.with_suffix(".json")
    card.write_bytes(text)
    said = refused()
    assert (said.kind, said.place) == (kind, str(card))


def test_a_card_that_is_bad_hides_no_other(own_model: Path) -> None:
    (own_model.parent / "broken.json").write_text("{")
    (own_model.parent / "._ours.json").write_bytes(b"\0\5\x16\7")
    assert {"ours", "generator"} < {*models_for("impute")}
    assert "._ours" not in list_models()


@pytest.mark.parametrize("name", ["nothing", "../prior", "nowhere/x.safetensors"])
def test_unknown_models_are_refused(name: str) -> None:
    with pytest.raises(DualglandError):
        load_filler(name, CPU)


def test_devices() -> None:
    assert choose_device("cpu") == CPU
    assert str(choose_device("auto")) == available_devices()[0]
    with pytest.raises(DualglandError) as error:
        choose_device("cuda:99")
    assert error.value.kind == Kind.NO_DEVICE
    assert "cpu" in error.value.expected


def test_a_localizer_is_refused_where_pixels_are_filled(own_model: Path) -> None:
    path = own_model.with_suffix(".json")
    rewrite(path, architecture={"kind": "localizer"})
    said = refused()
    assert (said.kind, said.place) == (Kind.WRONG_CONTENT, str(path))
    assert "generator" in said.expected
    assert "ours" in models_for("localize")
    assert "ours" not in models_for("impute")
    rewrite(path, architecture={"kind": "oracle"})
    assert refused().kind == Kind.UNSUPPORTED
