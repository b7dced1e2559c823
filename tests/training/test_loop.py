"""Training on a collection laid out as the atlas's: its parts, its batches, its model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
import yaml
from skimage.io import imsave

from dualgland_training.data.collection import SUFFIXES, list_collection
from dualgland_training.data.split import read_split
from dualgland_training.generator import objective
from dualgland_training.generator.batches import Batches
from dualgland_training.generator.recipe import TrainConfig, read_recipe
from dualgland_training.runs import start_run
from dualgland_training.simulate import simulate_field
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.model.filler import load_filler
from napari_dualgland.stack import ROLES

TINY = {
    "widths": [8, 8, 16],
    "depths": [1, 1, 1],
    "crop": 32,
    "sources": 2,
    "crops_per_source": 2,
    "steps": 2,
    "validate_every": 2,
    "validation_crops": 1,
    "checkpoint_every": 2,
    "threads": 1,
    "device": "cpu",
    "precision": "fp32",
    "seed": 3,
}


RECIPES = Path(__file__).parents[2] / "training" / "recipes"
REAL = RECIPES.parents[2] / "shared" / "data" / "hpa"


@pytest.fixture(scope="module")
def atlas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder laid out as the atlas collection, of simulated pixels."""
    root = tmp_path_factory.mktemp("atlas")
    for folder in ("fields", "fields512", "cells", "singles", "other_atlas"):
        (root / folder).mkdir()
    fields = {
        name: np.asarray(simulate_field((128, 128), seed=i).data) for i, name in enumerate("ab")
    }
    small = {"s": "fields512", "v": "fields512", "o": "other_atlas"}
    for name in (*fields, *small):
        image = fields.get(name, fields["a"][:, ::-1])
        for role, plane in zip(ROLES, image, strict=True):
            path = root / small.get(name, "fields") / f"{name}_{SUFFIXES[role]}.png"
            imsave(path, plane, check_contrast=False)
    (root / "fields.csv").write_text("field\na\nb\n")
    (root / "fields512.csv").write_text("field\ns\nv\n")
    rows, singles = ["file,group"], ["file,channel"]
    for i, group in enumerate(["1-1", "1-1", "1-2", "1-3"]):
        tifffile.imwrite(
            root / "cells" / f"c{i}.tif", fields["a"][:, i : i + 70, :64], photometric="minisblack"
        )
        rows.append(f"c{i}.tif,{group}")
    for i in range(3):
        for role, plane in zip(ROLES, fields["b"], strict=True):
            imsave(root / "singles" / f"{i}_{SUFFIXES[role]}.png", plane, check_contrast=False)
            singles.append(f"{i}_{SUFFIXES[role]}.png,{role}")
    (root / "cells.csv").write_text("\n".join(rows) + "\n")
    (root / "singles.csv").write_text("\n".join(singles) + "\n")
    return root


@pytest.fixture
def recipe(atlas: Path, tmp_path: Path) -> Path:
    held = {
        "held_out_fields": ["b"],
        "held_out_groups": ["1-2"],
        "validation_fields": ["v"],
        "validation_groups": ["1-3"],
        "watched": ["validation", "test", "shift"],
    }
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(TINY | {"data": {"root": str(atlas), **held}}))
    return path


def test_splits_keep_apart_what_is_held_out(recipe: Path) -> None:
    warnings: list[str] = []
    split = read_split(read_recipe(recipe), warnings.append)
    assert not warnings
    names = {
        part: {s.name for s in getattr(split, part)}
        for part in ("train", "validation", "test", "shift")
    }
    assert {"a", "s", "c0.tif", "c1.tif"} <= names["train"]
    assert names["test"] == {"b", "c2.tif"}
    assert {"v", "c3.tif"} <= names["validation"]
    assert names["shift"] == {"o"}
    assert not names["train"] & (names["validation"] | names["test"] | names["shift"])
    # Nothing of the other atlas is drawn, however often.
    drawn = Batches(split.train, read_recipe(recipe))
    assert {s.name for kind in drawn.by_kind.values() for s in kind} == names["train"]


@pytest.mark.parametrize(
    "option", ["held_out_fields", "held_out_groups", "validation_fields", "validation_groups"]
)
def test_a_mistyped_name_of_what_is_kept_apart_is_refused(recipe: Path, option: str) -> None:
    options = yaml.safe_load(recipe.read_text())
    options["data"][option] = [*options["data"][option], "1-33"]
    recipe.write_text(yaml.safe_dump(options))
    with pytest.raises(DualglandError) as error:
        read_split(read_recipe(recipe), pytest.fail)
    assert (error.value.kind, error.value.part) == (Kind.NOT_THERE, f"data.{option}")


@pytest.mark.skipif(not REAL.is_dir(), reason="needs the atlas collection")
def test_shipped_recipes_keep_every_field_on_one_side() -> None:
    """A field and one of its channels that lies among the single ones; the other atlas."""
    for name in ("long.yaml", "generator.yaml", "courses.yaml", "average.yaml"):
        listed = list(list_collection(REAL, read_recipe(RECIPES / name).data))
        train = {(image.kind, image.name) for image in listed if image.part == "train"}
        assert ("fields512", "annwith_73fb54_007") in train
        assert any(kind == "singles" and "ed1acec6" in name for kind, name in train)
        assert {i.part for i in listed if i.kind == "other_atlas"} <= {"shift"}


def test_unknown_options_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "typo.yaml"
    path.write_text("learning_rte: 1\n")
    with pytest.raises(ValueError, match="learning_rte"):
        read_recipe(path)


def test_batches_are_damaged_and_seeded(recipe: Path) -> None:
    config = read_recipe(recipe)
    sources = read_split(config, pytest.fail).train
    first, second = (Batches(sources, config).draw(9) for _ in range(2))
    assert torch.equal(first.target, second.target)
    assert torch.equal(first.missing, second.missing)
    assert first.target.shape == (4, 4, 32, 32)
    assert first.missing.flatten(1).any(1).all()
    assert torch.isfinite(first.target).all()
    assert torch.equal(first.prior[~first.missing], first.target[~first.missing])


def test_a_run_on_an_atlas_collection_leaves_a_model(
    recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objective, "VALIDATION_CROP", 48)  # five sets, thirteen cases each
    config = read_recipe(recipe, reference="generator")
    with pytest.raises(DualglandError) as error:
        start_run(config.model_copy(update={"reference": "nobody"}), tmp_path / "other")
    assert (error.value.kind, error.value.place) == (Kind.NOT_THERE, "model 'nobody'")
    out = tmp_path / "run"
    assert start_run(config, out).run() == out / "generator.safetensors"
    events = [json.loads(line) for line in (out / "events.jsonl").read_text().splitlines()]
    (shown,) = (e["validation"] for e in events if "validation" in e)
    sets = {"validation, fields512", "validation, cells", "test, fields", "test, cells"}
    assert set(shown) == sets | {"shift, other_atlas"}
    rows = [row for cases in shown.values() for row in cases.values()]
    assert all(np.isfinite(v) for row in rows for v in row.values())
    # The figures of a reference stand beside those of the run.
    assert any(row["reference"] != row["generator"] for row in rows)

    filler = load_filler(str(out / "generator.safetensors"), torch.device("cpu"))
    # Chosen by what is kept for validation alone.
    chosen = [shown[name]["box, er only"]["generator"] for name in sets if "val" in name]
    assert filler.card.figures["box, er only"]["generator"] == pytest.approx(np.mean(chosen))
    assert filler.card.steps == 2
    assert filler.card.seed == 3
    assert filler.card.held_out == ("b", "1-2")
    assert any("Human Protein Atlas" in line and "CC BY-SA" in line for line in filler.card.data)
    assert TrainConfig.model_validate(filler.card.recipe).widths == (8, 8, 16)
