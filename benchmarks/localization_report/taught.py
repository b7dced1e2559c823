"""Section *ablation*: what real and simulated cells each teach, on the same folds."""

from __future__ import annotations

from dualgland_training.cell_folds import fold_of_cells, read_labelled_cells
from localization_report.cells import ahead, ordered
from localization_report.predictions import (
    check_folds,
    predictions_of,
    read_predictions,
    scored,
)
from localization_report.setting import Result, Say, Setting
from napari_dualgland.classes import CLASSES
from napari_dualgland.errors import DualglandError, Kind


def ablation_section(setting: Setting, say: Say) -> Result:
    """Return scores by folds of networks that were taught otherwise; differences to the first.

    Raises
    ------
    DualglandError
        If none is named, or one was made in other folds.
    """
    if not setting.ablations:
        found, expected = "nothing is named to compare", "NAME=FILE, e.g. both=both.csv"
        raise DualglandError(Kind.LACKING, "--ablation", found, expected=expected)
    cells = read_labelled_cells(setting.data)
    fold = fold_of_cells(cells)
    order = predictions_of(cells, fold, [[0.0] * len(CLASSES)] * len(cells))
    result: Result = {"rows": {}, "behind the first": {}}
    first = None
    for name, path in setting.ablations.items():
        say(name)
        said = ordered(read_predictions(path), order)
        check_folds(said, cells, fold)
        result["rows"][name] = scored(said)
        if first is None:
            first = said
        else:
            result["behind the first"][name] = ahead(said, first)
    return result
