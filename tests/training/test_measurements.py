"""The table of what damage and fills do to measurements, and what its figures are made of."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from training.atlas_scenes import add_field, tiny
from training.atlas_scenes import atlas as atlas
from training.atlas_scenes import model as model

from dualgland_training.evaluate import __main__ as command
from dualgland_training.evaluate.measurements.errors import (
    AGAIN,
    Error,
    of_cells,
    of_field,
    summary,
)
from dualgland_training.evaluate.measurements.fields import (
    FAMILIES,
    VALIDATION,
    Field,
    as_it_lies,
    damage_of,
    read_fields,
    titles_of,
)
from dualgland_training.evaluate.measurements.measuring import (
    IN_CELLS,
    INTENSITIES,
    Measured,
    Places,
    found_again,
    frame_of,
    places_in,
)
from dualgland_training.evaluate.measurements.report import COUNTED, SAME_CELLS
from dualgland_training.evaluate.measurements.run import (
    AS_IT_LIES,
    CLASSICAL,
    EVERYTHING,
    LEFT_OUT,
    MEASURED_ONLY,
    MeasurementOptions,
    tabulate_measurements,
)
from dualgland_training.evaluate.methods import SAMPLE
from dualgland_training.simulate import simulate_field
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.localization.ranked import ranked

UM = 0.16


@pytest.fixture(scope="module")
def field() -> Field:
    return Field("f", UM, np.asarray(simulate_field((192, 192), seed=11).data))


def whole(field: Field, places: Places | None = None) -> Measured:
    values = field.values
    places = places or places_in(frame_of(values), field.pixel_um)
    return Measured(places, values, np.ones(values.shape, bool), field.pixel_um)


def test_the_table_is_written_for_every_way_of_measuring(
    atlas: Path, model: str, tmp_path: Path
) -> None:
    said: list[str] = []
    asked = MeasurementOptions(models=(model,), data=atlas, out=tmp_path / "out", quick=True)
    report = tabulate_measurements(asked, said.append)
    assert len(said) == 1
    fills = [*CLASSICAL, "prior", model, model + SAMPLE]
    assert [*report["cells"][EVERYTHING]] == [AS_IT_LIES, LEFT_OUT, *fills]
    ways = {AS_IT_LIES, LEFT_OUT, *fills, *(fill + MEASURED_ONLY for fill in fills)}
    assert {*report["field"][EVERYTHING]} == ways
    assert {*report["cells"]} == {EVERYTHING, "box", "random"}
    assert json.loads((tmp_path / "out" / "measurements.json").read_text()).keys() == report.keys()
    text = (tmp_path / "out" / "measurements.md").read_text()
    assert f"### {SAME_CELLS}: random" in text
    assert f"### {COUNTED}: {EVERYTHING}" in text


def test_undamaged_nothing_is_off_and_a_brighter_image_is_off_by_as_much(field: Field) -> None:
    true = whole(field)
    for name, error in of_field(true, true).items():
        assert error == ((1, 1) if name.endswith(AGAIN) else (0, 0)), name
    lit = Measured(true.places, field.values * 1.5, true.counted, UM)
    hit = np.ones(field.values.shape, bool)
    brighter = of_cells(lit, true, hit)
    for name in INTENSITIES:
        assert brighter[name] == pytest.approx((0.5, 0.5))
        assert of_field(lit, true)[name] == pytest.approx((0.5, 0.5))


def test_dead_pixels_darken_a_mean_by_their_share_and_left_out_they_do_not(field: Field) -> None:
    true = whole(field)
    missing = np.zeros(field.values.shape, bool)
    missing[:, ::2] = True
    dead = as_it_lies("box", field.values, missing)
    lying = of_cells(Measured(true.places, dead, true.counted, UM), true, missing)
    alone = of_cells(Measured(true.places, dead, ~missing, UM), true, missing)
    assert lying[IN_CELLS][1] == pytest.approx(-0.5, abs=0.03)
    assert abs(alone[IN_CELLS][1]) < 0.03


def test_only_what_was_hit_is_judged_and_what_is_dark_never(field: Field) -> None:
    true = whole(field)
    nowhere = np.zeros(field.values.shape, bool)
    assert np.isnan(of_cells(true, true, nowhere)[IN_CELLS]).all()
    dark = whole(Field("d", UM, (field.values // 255).astype(np.uint8)), true.places)
    assert np.isnan(of_cells(dark, dark, ~nowhere)[IN_CELLS]).all()
    assert np.isnan(of_field(dark, dark)[IN_CELLS]).all()


def test_a_detector_at_its_limit_shows_what_is_brightest_beside(field: Field) -> None:
    missing = damage_of("saturated", field, 0)
    lying = as_it_lies("saturated", field.values, missing)
    for plane, value, lost in zip(lying, field.values, missing, strict=True):
        assert (plane[lost] == value[~lost].max()).all()
        assert (plane[~lost] == value[~lost]).all()


@pytest.mark.parametrize("family", FAMILIES)
def test_damage_is_drawn_by_its_seed(family: str, field: Field) -> None:
    one, same, other = (damage_of(family, field, seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_cells_are_found_again_where_they_were() -> None:
    plane = np.zeros((40, 60), np.int32)
    plane[5:20, 5:20], plane[5:20, 30:50] = 1, 2
    moved = np.roll(plane, 2, axis=1)
    assert found_again(ranked(moved), ranked(plane)) == 1
    assert found_again(ranked(np.where(plane == 2, 0, plane)), ranked(plane)) == 2 / 3
    assert found_again(ranked(np.roll(plane, 20, axis=0)), ranked(plane)) == 0
    assert np.isnan(found_again(ranked(plane * 0), ranked(plane * 0)))


def test_intervals_are_over_fields_and_not_over_damages() -> None:
    def errors(draws: int) -> list[Error]:
        return [Error(f, x, -x) for f, x in (("a", 0.1), ("b", 0.5)) for _ in range(draws)]

    few, many = summary(errors(1)), summary(errors(50))
    assert (few["low"], few["high"]) == (many["low"], many["high"]) == (0.1, 0.5)
    assert (many["images"], many["fields"]) == (100, 2)
    assert (many["median"], many["bias"]) == pytest.approx((0.3, -0.3))
    assert summary([Error("a", float("nan"), 0)]) == {"images": 0, "fields": 0}


def test_fields_are_those_that_were_kept_from_training(atlas: Path, model: str) -> None:
    fields = read_fields(atlas, [model])
    assert [(f.name, f.pixel_um, f.values.shape[1]) for f in fields] == [
        ("f", 0.16, 96),
        ("f", 0.32, 48),
    ]
    with pytest.raises(DualglandError, match="what was held out"):
        read_fields(atlas, ["prior"])


def test_small_fields_are_measured_once_and_at_their_own_scale(
    tmp_path: Path, field: Field
) -> None:
    held = ("annwith_4aa338_001", VALIDATION[0])
    (tmp_path / "cells.csv").write_text("file,label_28,group\n")
    for name in held:
        add_field(tmp_path / "fields512", name, field.values)
    names = "\n".join(("field", *held))
    (tmp_path / "fields512.csv").write_text(names + "\n")
    own = tiny(tmp_path, {"data": {"root": "atlas", "held_out_fields": held}})
    found = read_fields(tmp_path, [own])
    assert [f.name for f in found] == sorted(held)
    assert {f.pixel_um for f in found} == {0.32 * 512 / 192}
    np.testing.assert_array_equal(found[0].values, field.values)
    assert titles_of(found) == [f"{name}, 0.85 µm" for name in sorted(held)]


def test_the_command_makes_the_table_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given: list[MeasurementOptions] = []
    monkeypatch.setattr(
        "dualgland_training.evaluate.measurements.run.tabulate_measurements",
        lambda options, say: given.append(options),
    )
    out, data = tmp_path / "out", tmp_path / "atlas"
    command._main(out, ["a"], data=data, measurements=True, seeds=5, quick=True)
    assert given == [MeasurementOptions(models=("a",), data=data, out=out, seeds=5, quick=True)]


def test_options_of_the_other_evaluation_are_refused(tmp_path: Path, capsys) -> None:
    import typer

    with pytest.raises(typer.Exit):
        command._main(tmp_path / "out", ablation=["SG=x"], measurements=True)
    assert "--measurements" in capsys.readouterr().err


def test_a_folder_that_is_no_atlas_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DualglandError) as refused:
        read_fields(tmp_path, ["generator"])
    assert refused.value.kind == Kind.NOT_THERE
    assert "--data" in str(refused.value)
