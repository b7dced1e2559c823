"""The report on localization: its parts on small things, its sections with untrained networks."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from skimage.io import imsave
from training.gland_scenes import ATLAS

from dualgland_training.cell_folds import (
    TOLD,
    LabelledCell,
    fold_of_cells,
    read_labelled_cells,
    unseen_groups,
)
from dualgland_training.cell_pictures import read_cell_picture
from localization_report import dictionary, predictions
from localization_report.damage import (
    ALL_KINDS,
    CLEAN,
    DAMAGED,
    OURS,
    TOLD_OF_IT,
    compared,
    damage_section,
)
from localization_report.fields import labels_of, overlap, places_of, ranking
from localization_report.fills import damage_of, stratified
from localization_report.joined import join, joined_scores
from localization_report.predictions import predictions_of
from localization_report.reading import read_one_cell
from localization_report.report import markdown, run_sections
from localization_report.setting import RECIPE, Setting
from localization_report.taught import ablation_section
from napari_dualgland.classes import CLASSES
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.model.localizer import Localizer
from napari_dualgland.model.weights import ModelCard

real = pytest.mark.skipif(not ATLAS.is_dir(), reason="the atlas collection is absent")
FEW = [
    LabelledCell(f"{group}{n}", group, label, False)
    for group, label in (("a", 0), ("b", 0), ("c", 16), ("d", 16), ("e", 2), ("f", 2))
    for n in range(3)
]


@pytest.fixture
def untrained(tmp_path: Path) -> str:
    """Return the file of a small network that was taught nothing."""
    torch.manual_seed(0)
    network = Localizer((8, 16, 16, 16), (1, 1, 1, 1))
    path = tmp_path / "untrained.safetensors"
    save_file({k: v.half() for k, v in network.state_dict().items()}, path)
    card = ModelCard(
        name="untrained",
        architecture={"kind": "localizer", "widths": (8, 16, 16, 16), "depths": (1, 1, 1, 1)},
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
    )
    path.with_suffix(".json").write_text(card.model_dump_json())
    return str(path)


def write_folds(path: Path, cells, fold, right: float) -> None:
    """Write what a network might have said that is right in a share of cells."""
    rng = np.random.default_rng(0)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "fold", "group", "label", *CLASSES])
        for cell, k in zip(cells, fold, strict=True):
            logits = rng.normal(-3, 0.5, len(CLASSES))
            logits[cell.label if rng.random() < right else 16] = 2
            logits[7] = 5  # a class that the labels cannot tell must not matter
            writer.writerow([cell.file, k, cell.group, CLASSES[cell.label], *logits])


def test_predictions_are_read_and_restricted_to_what_labels_tell(tmp_path):
    path = tmp_path / "folds.csv"
    write_folds(path, FEW, [0] * len(FEW), right=1)
    said = predictions.read_predictions(path)
    assert said.probabilities.shape == (18, 19)
    assert said.probabilities.max() == pytest.approx(1 / (1 + np.exp(-5)))
    found = predictions.scored(said)
    assert found["best"]["macro"]["F1"] == {"mean": 1, "low": 1, "high": 1}
    assert found["named"]["micro"]["recall"]["mean"] == 1
    assert list(found["best"]["per class"]) == ["Nucleoplasm", "Nucleoli", "Cytosol"]
    assert np.array(found["confusion"]).trace() == 18
    strict = predictions.scored(said, 0.95)
    assert strict["named"]["micro"]["recall"]["mean"] == 0


def test_predictions_of_other_folds_are_refused(tmp_path):
    path = tmp_path / "folds.csv"
    write_folds(path, FEW, range(18), right=1)
    said = predictions.read_predictions(path)
    predictions.check_folds(said, FEW, range(18))
    with pytest.raises(DualglandError, match="17 more cells") as error:
        predictions.check_folds(said, FEW, range(1, 19))
    assert (error.value.kind, error.value.place) == (Kind.MISMATCH, min(said.files))
    path.write_text("file,fold\na,0\n")
    for odd, kind in ((path, Kind.WRONG_CONTENT), (tmp_path / "none.csv", Kind.UNREADABLE)):
        with pytest.raises(DualglandError) as error:
            predictions.read_predictions(odd)
        assert (error.value.kind, error.value.place) == (kind, str(odd))


def test_a_few_cells_are_of_all_classes_and_groups():
    chosen = stratified(FEW, 6)
    assert sorted(c.group for c in chosen) == list("abcdef")
    assert stratified(FEW[::-1], 4)[0].label == chosen[0].label
    assert [c.file for c in stratified(FEW, 9)][:6] == [c.file for c in chosen]
    assert len(stratified(FEW, 0)) == 18


def test_damage_hangs_on_the_cell_alone_and_saturates_where_it_should():
    image = np.full((4, 128, 128), 90, np.uint8)
    one, pixels = damage_of("box, protein only", image, "x.tif")
    again, _ = damage_of("box, protein only", image, "x.tif")
    other, _ = damage_of("box, protein only", image, "y.tif")
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()
    assert one[1].any()
    assert not one[[0, 2, 3]].any()
    assert (pixels[one] == 0).all()
    assert (pixels[~one] == 90).all()
    lost, bright = damage_of("saturated, all channels", image, "x.tif")
    assert (bright[lost] == 255).all()


def test_what_was_given_back_is_a_share_of_what_was_lost():
    labels = np.array([c.label for c in FEW])

    def rows(wrong: int) -> dict[str, np.ndarray]:
        said = np.eye(19)[labels]
        for i in range(wrong):  # one cell of every group is wrong, then a second
            at = 3 * (i % 6) + i // 6
            said[at] = np.eye(19)[13]
        return {c.file: row for c, row in zip(FEW, said, strict=True)}

    wrong = {CLEAN: 0, DAMAGED: 12, TOLD_OF_IT: 12, OURS: 3, "Telea": 9, "biharmonic": 6}
    found = compared(FEW, {name: rows(n) for name, n in wrong.items()})
    assert found["best classical"] == "biharmonic"
    assert found["F1"][CLEAN]["mean"] == 1
    assert found["F1"][DAMAGED]["mean"] == pytest.approx(0.5)
    assert found["F1"]["biharmonic"]["mean"] == pytest.approx(0.8)
    assert found["given back"]["biharmonic"]["mean"] == pytest.approx(0.6)
    assert found["given back"][OURS]["mean"] > 0.75
    assert found["ahead of best classical"]["mean"] > 0
    right = {name: row["mean"] for name, row in found["accuracy"].items()}
    assert right == {name: pytest.approx(1 - n / len(FEW)) for name, n in wrong.items()}
    # Right: all of the probability; wrong: none. Class by class F1, but cell by cell this.
    stated = {name: row["mean"] for name, row in found["probability"].items()}
    assert stated == pytest.approx({name: 1 - n / 18 for name, n in wrong.items()})
    assert found["probability, best classical"] == "biharmonic"
    assert found["probability ahead"]["mean"] == pytest.approx(3 / 18)
    assert found["probability ahead"]["low"] <= 3 / 18 <= found["probability ahead"]["high"]
    unhurt = compared(FEW, {name: rows(0) for name in wrong})
    assert "given back" not in unhurt


def test_the_scale_bar_tells_the_pixel_size_and_is_gone(tmp_path):
    picture = np.full((820, 820, 3), (20, 60, 10), np.uint8)
    picture[792:798, 678:796] = 255
    imsave(tmp_path / "0.png", picture, check_contrast=False)
    image, pixel_um = dictionary.read_composite(tmp_path / "0.png")
    assert pixel_um == pytest.approx(10 / 118)
    assert image.shape == (3, 820, 820)
    assert image.max() == 60
    picture[792:798, 678:796] = 20
    imsave(tmp_path / "1.png", picture, check_contrast=False)
    assert dictionary.read_composite(tmp_path / "1.png")[1] == dictionary.USUAL_UM


def test_nuclei_are_measured():
    y, x = np.mgrid[:400, :400]
    dna = 200 * (np.hypot(y - 150, x - 150) < 90) + 200 * (np.hypot(y - 330, x - 330) < 60)
    measured = dictionary.nucleus_diameter_um(dna.astype(np.uint8), 0.1)
    assert measured == pytest.approx(15, rel=0.1)
    assert dictionary.nucleus_diameter_um(np.zeros((9, 9), np.uint8), 0.1) is None


def test_labels_of_both_rounds_come_down_to_our_classes():
    both = labels_of({"labels_28": "16 17", "labels_19": "11"})
    assert both["28 locations"] == both["19 classes"] == {"Mitotic spindle"}
    assert overlap({"a", "b"}, {"b", "c"}) == pytest.approx(1 / 3)
    assert overlap(set(), set()) == 1


def test_an_unknown_section_or_kind_of_damage_is_refused(tmp_path):
    setting = Setting(data=tmp_path, scratch=tmp_path, cases=("none",))
    with pytest.raises(DualglandError, match="no section 'cell'"):
        run_sections(["cell"], setting, tmp_path, print)
    with pytest.raises(DualglandError, match="no damage 'none'"):
        damage_section(setting, print)


@real
def test_the_shipped_localizer_tells_real_cells_that_it_never_saw():
    groups = set(unseen_groups(RECIPE).held_out)
    cells = [c for c in read_labelled_cells(ATLAS) if c.group in groups][::4]
    right = []
    for cell in cells:
        said = read_one_cell(*read_cell_picture(ATLAS, cell.file), "localizer")[list(TOLD)]
        right.append(TOLD[int(said.argmax())] == cell.label)
    assert len(right) > 15
    assert np.mean(right) > 0.7


@real
def test_courses_are_compared_on_the_same_folds(tmp_path):
    cells = read_labelled_cells(ATLAS)
    fold = fold_of_cells(cells)
    files = {}
    for name, right in (("both", 1.0), ("real only", 0.7)):
        files[name] = tmp_path / f"{name}.csv"
        write_folds(files[name], cells, fold, right)
    setting = Setting(data=ATLAS, scratch=tmp_path, ablations=files)
    found = ablation_section(setting, lambda text: None)
    assert found["rows"]["both"]["best"]["macro"]["F1"]["mean"] == 1
    behind = found["behind the first"]["real only"]
    assert behind["low"] <= behind["mean"] < 0
    text = markdown({"ablation": {"made": about(), "result": found}})
    assert "| real only | 558 |" in text


@real
@pytest.mark.slow
def test_damage_and_dictionary_run_from_end_to_end_and_resume(tmp_path, untrained, monkeypatch):
    data = tmp_path / "atlas"
    (data / "dictionary").mkdir(parents=True)
    for name in ("cells", "cells.csv"):
        (data / name).symlink_to(ATLAS / name)
    (data / "dictionary" / "2.jpg").symlink_to(ATLAS / "dictionary" / "2.jpg")
    setting = Setting(
        data=data,
        model=untrained,
        generator="prior",
        adapt=False,
        cells=1,
        cases=("scratches, protein only", "box, protein only"),
        classical=("Telea",),
        scratch=tmp_path / "scratch",
    )
    run_sections(["damage"], setting, tmp_path / "out", lambda text: None)
    assert len(list((tmp_path / "scratch" / "fills").glob("*.npz"))) == 4
    monkeypatch.setattr(
        "localization_report.fills.fill_with",
        lambda *_: pytest.fail("was filled anew"),
    )
    run_sections(["dictionary", "damage"], setting, tmp_path / "out", lambda text: None)
    report = json.loads((tmp_path / "out" / "localize.json").read_text())
    assert list(report) == ["dictionary", "damage"]
    *each, together = report["damage"]["result"]["judges"]["localizer"].values()
    assert len(each) == 2
    for name in (CLEAN, DAMAGED, TOLD_OF_IT, OURS, "Telea"):
        assert {"mean", "low", "high"} == set(together["F1"][name])
        means = [row["probability"][name]["mean"] for row in each]
        assert together["probability"][name]["mean"] == pytest.approx(np.mean(means)), name
    assert report["dictionary"]["result"]["rows"][0]["cells"] > 0
    text = (tmp_path / "out" / "localize.md").read_text()
    assert "Top-3" in text
    assert "It is small" in text
    assert "| scratches, protein only |" in text
    assert text.count(f"| {ALL_KINDS} |") == 2  # F1, and probability


def about() -> dict[str, object]:
    return {"seconds": 1.0, "commit": "x", "device": "y", "model": None, "generator": None}


def test_labels_of_fields_are_ranked_among_the_classes():
    means = np.zeros((2, len(CLASSES)))
    means[0, [3, 7, 1]] = 0.9, 0.5, 0.2
    means[1, [0, 2]] = 0.8, 0.1
    assert places_of(means[0], {CLASSES[1], CLASSES[3]}) == {CLASSES[1]: 3, CLASSES[3]: 1}
    good = ranking(means, [{CLASSES[3]}, {CLASSES[0], CLASSES[2]}])
    assert good["precision"] == pytest.approx(1.0)
    assert (good["fields"], good["labels"], good["in first three"]) == (2, 3, 3)
    worse = ranking(means, [{CLASSES[7]}, {CLASSES[2]}])
    assert worse["precision"] == pytest.approx(0.5)
    assert worse["mean place"] == 2
    assert worse["by chance"] < 0.35


def test_joined_readers_are_right_where_either_is_sure():
    cells = [LabelledCell(f"c{i}.tif", f"g{i}", k, False) for i, k in enumerate([*TOLD, *TOLD[:3]])]
    labels = np.array([c.label for c in cells])
    unsure = np.full((len(cells), len(CLASSES)), 0.2)
    sure = unsure.copy()
    sure[np.arange(len(cells)), labels] = 0.95
    wrong = unsure.copy()
    wrong[np.arange(len(cells)), np.roll(labels, 1)] = 0.3
    right, guess = (predictions_of(cells, np.zeros(len(cells)), p) for p in (sure, wrong))
    for one, other in ((right, guess), (guess, right)):
        both = join(one, other)
        assert (both.probabilities.argmax(1) == labels).all()
        np.testing.assert_allclose(both.probabilities.sum(1), 1)
    said = joined_scores(right, [guess, guess])
    assert said["rows"]["joined"]["mean"] == said["rows"]["localizer"]["mean"] == 1
    assert said["ahead"]["localizer"] == {"mean": 0, "low": 0, "high": 0}
    assert said["ahead"]["trees"]["mean"] == 1 - said["rows"]["trees"]["mean"] > 0.5
