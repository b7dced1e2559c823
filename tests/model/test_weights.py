"""Models: only what their card describes is loaded, and shipped weights stay loadable."""

import json
from pathlib import Path

import pytest
import torch

from napari_dualgland.errors import DualglandError
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
    assert card.steps > 0
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


def test_damaged_weights_are_refused(own_model: Path) -> None:
    raw = bytearray(own_model.read_bytes())
    raw[len(raw) // 2] ^= 1
    own_model.write_bytes(raw)
    with pytest.raises(DualglandError, match="do not match their card"):
        load_filler("ours", CPU)


def test_missing_weights_are_refused(own_model: Path) -> None:
    own_model.unlink()
    with pytest.raises(DualglandError, match="cannot be read"):
        load_filler("ours", CPU)


def test_weights_of_another_architecture_are_refused(own_model: Path) -> None:
    path = own_model.with_suffix(".json")
    card = json.loads(path.read_text())
    card["architecture"]["widths"] = [16, 16, 16]
    path.write_text(json.dumps(card))
    with pytest.raises(DualglandError, match="do not fit their card"):
        load_filler("ours", CPU)


def test_a_damaged_card_is_refused(own_model: Path) -> None:
    own_model.with_suffix(".json").write_text("{")
    with pytest.raises(DualglandError, match="card cannot be read"):
        load_filler("ours", CPU)


@pytest.mark.parametrize("name", ["nothing", "../prior", "nowhere/x.safetensors"])
def test_unknown_models_are_refused(name: str) -> None:
    with pytest.raises(DualglandError):
        load_filler(name, CPU)


def test_devices() -> None:
    assert choose_device("cpu") == CPU
    assert str(choose_device("auto")) == available_devices()[0]
    with pytest.raises(DualglandError, match=r"no device 'cuda:99'.*cpu"):
        choose_device("cuda:99")


def test_a_localizer_is_refused_where_pixels_are_filled(own_model: Path) -> None:
    path = own_model.with_suffix(".json")
    card = json.loads(path.read_text())
    path.write_text(json.dumps(card | {"architecture": {"kind": "localizer"}}))
    with pytest.raises(DualglandError, match=r"ours is a localizer and cannot impute.*generator"):
        load_filler("ours", CPU)
    assert "ours" in models_for("localize")
    assert "ours" not in models_for("impute")
    path.write_text(json.dumps(card | {"architecture": {"kind": "oracle"}}))
    with pytest.raises(DualglandError, match="unknown architecture 'oracle'"):
        load_filler("ours", CPU)
