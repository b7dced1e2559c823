"""Tables of named cells: per method, per class, over threshold, with calibration."""

from __future__ import annotations

from typing import Any

from dualgland_training.evaluate.markdown import number, rows_of, signed
from dualgland_training.evaluate.paper import PAPER
from localization_report.setting import Result

Lines = list[str]

NOT_COMPARABLE = (
    "The paper's precision {precision}, recall {recall} and F1 {F1} were measured on other data, "
    "of other classes, by another split: figures on other data are not comparable, its row stands "
    "here for orientation alone."
)

RATES = ("precision", "recall", "F1")


def with_ends(value: dict[str, Any] | None, digits: int = 3) -> str:
    """Return a figure with its interval."""
    if not value or "mean" not in value:
        return "–"
    text = number(value["mean"], digits)
    if "low" in value:
        text += f" ({number(value['low'], digits)} to {number(value['high'], digits)})"
    return text


def macro_rows(rows: dict[str, Result], kind: str) -> Lines:
    """Return a row per method: macro and micro scores with their intervals."""
    means = ("macro", "micro")
    return rows_of(
        ["", "cells", *(f"{mean} {rate}" for mean in means for rate in RATES)],
        (
            [
                name,
                str(row["cells"]),
                *(with_ends(row[kind][mean][rate]) for mean in means for rate in RATES),
            ]
            for name, row in rows.items()
        ),
    )


def class_rows(rows: dict[str, Result], kind: str) -> Lines:
    """Return a table per method with a row per class."""
    lines: Lines = []
    for name, row in rows.items():
        lines += ["", f"{name}:"]
        lines += rows_of(
            ["class", "cells", "precision", "recall", "F1 (95 %)"],
            (
                [
                    label,
                    str(each["cells"]),
                    number(each["precision"], 3),
                    number(each["recall"], 3),
                    with_ends({"mean": each["F1"], "low": each["low"], "high": each["high"]}),
                ]
                for label, each in row[kind]["per class"].items()
            ),
        )
    return lines


def _paper_row() -> Lines:
    values = {rate: PAPER[f"{rate} (classification)"] for rate in RATES}
    cells = ["the paper, other data", "–", *(number(v, 3) for v in values.values()), "–", "–", "–"]
    return ["| " + " | ".join(cells) + " |", "", NOT_COMPARABLE.format(**values)]


def cells_table(result: Result) -> Lines:
    """Return the tables of section *cells*."""
    lines: Lines = ["", "## Real cells that were not taught"]
    parts = {"all cells, by folds": result["by folds"]}
    parts |= {k: result[k] for k in ("held out", "held out or for validation") if k in result}
    for part, rows in parts.items():
        key = part.removeprefix("all cells, ")
        lines += ["", f"### {part[0].upper()}{part[1:]}: the most probable of five classes"]
        lines += macro_rows(rows, "best") + _paper_row() + class_rows(rows, "best")
        lines += ["", "Named over threshold:", *macro_rows(rows, "named")]
        if f"ahead of trees, {key}" in result:
            lines += [
                "",
                f"Macro F1 ahead of trees, paired: {signed(result[f'ahead of trees, {key}'], 3)}.",
            ]
        if f"joined, {key}" in result:
            lines += joined_table(result[f"joined, {key}"])
        if f"calibration, {key}" in result:
            said = result[f"calibration, {key}"]
            lines += [
                "",
                f"Calibration: ECE {number(said['ECE'], 3)}, Brier score "
                f"{number(said['Brier'], 3)}.",
            ]
            lines += rows_of(
                ["stated", "came true", "statements"],
                ([number(b["stated"]), number(b["found"]), str(b["count"])] for b in said["bins"]),
            )
    odd = result.get("groups not named as held out in the card")
    if odd:
        lines += ["", f"**The card does not name these groups as held out: {', '.join(odd)}.**"]
    return [
        *lines,
        "",
        "- *by folds*: every cell is read by a network (or trees) taught without its fold; folds "
        "keep groups (one image, one antibody) whole.",
        "- *held out*: groups that neither localizer nor generator was taught; *for validation*: "
        "groups by which calibration and thresholds were chosen.",
        "- *calibrated as shipped*: by one temperature and a bias per class, six numbers that ten "
        "of the groups gave; these are among the cells, in favour of that row by a little.",
        "- *the most probable of five*: arg max restricted to the classes that the labels have; "
        "then micro precision, recall and F1 are all the share of cells that are right.",
        "- *over threshold*: every class whose probability reaches its threshold (trees: 0.5), "
        "counted over the five classes.",
        "- intervals: 95 % bootstrap over groups, class by class. Mitochondria have two groups "
        "and nucleoli three: theirs are rough.",
        "- *ECE*: mean |stated − found| over ten bins of all cells × five classes.",
        "- the settings of the trees were chosen among 15 on these very folds, and one seed is "
        "shown: both in their favour (two seeds of the chosen setting had a mean of 0.80).",
    ]


def joined_table(result: Result) -> Lines:
    """Return the table of trees and localizer together."""
    classes = list(next(iter(result["rows"].values()))["per class"])
    ahead = ", ".join(f"of the {k} {signed(v, 3)}" for k, v in result["ahead"].items())
    return [
        "",
        f"Trees and calibrated localizer joined (mean of their log-odds, nothing fitted), means "
        f"over {result['seeds']} seeds of the trees:",
        *rows_of(
            ["", "macro F1", "least to most", *classes],
            (
                [
                    name,
                    number(row["mean"], 3),
                    f"{number(row['least'], 3)} to {number(row['most'], 3)}",
                    *(number(v, 3) for v in row["per class"].values()),
                ]
                for name, row in result["rows"].items()
            ),
        ),
        "",
        f"Macro F1 of both ahead, paired: {ahead}.",
    ]


def ablation_table(result: Result) -> Lines:
    """Return the tables of section *ablation*."""
    lines = ["", "## What was taught: by folds, the most probable of five"]
    lines += macro_rows(result["rows"], "best") + class_rows(result["rows"], "best")
    first = next(iter(result["rows"]))
    lines += [
        f"- {name}, macro F1 against {first}, paired: {signed(value, 3)}"
        for name, value in result["behind the first"].items()
    ]
    return lines
