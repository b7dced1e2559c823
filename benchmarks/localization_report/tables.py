"""The report as Markdown: a table per section, each with what its figures mean."""

from __future__ import annotations

from collections.abc import Callable

from dualgland_training.evaluate.markdown import number, rows_of, signed
from localization_report.damage import CLEAN, DAMAGED, OURS, TOLD_OF_IT
from localization_report.fills import PLAUSIBLE
from localization_report.setting import Result
from localization_report.tables_cells import (
    Lines,
    ablation_table,
    cells_table,
    with_ends,
)
from napari_dualgland.classes import CLASSES, SHORT_NAMES

TAKEN = 0.05
"""Loss of accuracy from which it is shown what fills give back."""

SHOWN = (CLEAN, DAMAGED, OURS, PLAUSIBLE)
"""Versions of a cell whose accuracy is shown."""


def dictionary_table(result: Result) -> Lines:
    """Return the tables of section *dictionary*."""
    lines = ["", f"## The atlas's dictionary: {result['pictures']} pictures, no ER channel", ""]
    for k in (1, 3):
        lines.append(
            f"Top-{k}: **{result[f'top-{k}']:.0%}** of pictures, mean over classes "
            f"{result[f'top-{k}, mean over classes']:.0%}.  "
        )
    lines += rows_of(
        ["location", "class", "cells", "nuclei, µm", "first three", "top-3"],
        (
            [
                row["location"],
                _short(row["class"]),
                str(row["cells"]),
                number(row["nucleus_um"], 1),
                ", ".join(f"{_short(name)} {p:.2f}" for name, p in row["first"]) or "no cell found",
                "yes" if row["top-3"] else "no",
            ]
            for row in result["rows"]
        ),
    )
    table = result["confusion"]
    used = [k for k, row in enumerate(table) if sum(row)]
    said = [k for k in range(len(CLASSES)) if any(row[k] for row in table)]
    lines += ["", "Rows: the class of the picture; columns: the first class."]
    lines += rows_of(
        ["", *(_short(CLASSES[k]) for k in said)],
        ([_short(CLASSES[k]), *(str(table[k][j] or "·") for j in said)] for k in used),
    )
    return [
        *lines,
        "",
        "- probabilities of all cells that were found, weighted by area, cells at the border too. "
        "The scale bar is blackened; taken as 10 µm it gives the pixel size.",
        "- composites that show no DNA stain (nuclei: –) are read without it, too.",
        "- twenty-eight pictures, one per location: one picture is 3.6 %. It is small.",
    ]


def fields_table(result: Result) -> Lines:
    """Return the table of section *fields*."""
    rounds = ("28 locations", "19 classes")
    body = [
        [
            row["field"].removeprefix("annwith_")[:8],
            str(row["cells"]),
            ", ".join(map(_short, row["named"])) or "nothing",
            ", ".join(f"{_short(name)} {p:.2f}" for name, p in row["first"]),
            ", ".join(f"{_short(name)} ({place})" for name, place in row["places"].items()),
            *(", ".join(map(_short, row.get(r, []))) or "–" for r in rounds[1:]),
            *(number(row.get(f"overlap, {r}")) for r in rounds),
        ]
        for row in result["rows"]
    ]
    head = ["field", "cells", "named", "first three", *rounds, *(f"overlap, {r}" for r in rounds)]
    whole = result["ranking"]
    return [
        "",
        "## Real fields, and what annotators said",
        *rows_of(head, body),
        "",
        f"Of {whole['labels']} labels of {whole['fields']} fields {whole['in first three']} stand "
        f"among the first three of the {len(CLASSES)} classes, at place {whole['mean place']:.1f} "
        f"in the mean. Label ranking average precision {whole['precision']:.2f}; a random order "
        f"has {whole['by chance']:.2f}.",
        "",
        "- *named*: mean over cells, weighted by area, over the threshold of the class.",
        "- *28 locations*: in brackets the place of the label among the classes, by that mean.",
        "- *overlap*: classes in both sets over classes in either. The rounds disagree with each "
        "other on some fields.",
        "- the first five are whole fields at 0.08 µm per pixel; into the landmarks of four of "
        "them (not b6a469d8) proteins may have been drawn for training, their own protein and "
        "labels were not taught. The others are small pictures of 0.32 or 0.46 µm per pixel.",
    ]


def damage_table(result: Result) -> Lines:
    """Return the tables of section *damage*."""
    learning = "with" if result["adapt"] else "without"
    lines = ["", "## Damaged, and given back", ""]
    lines.append(
        f"{result['cells']} cells of {result['groups']} groups that neither "
        f"`{result['generator']}` nor the localizer was taught; by ten of them the generator was "
        "chosen and the localizer calibrated (a bias per class, on which the most probable class "
        f"depends a little). Imputed {learning} learning inside the image. Macro F1 (95 %)."
    )
    versions = (CLEAN, DAMAGED, TOLD_OF_IT, OURS, PLAUSIBLE)
    for judge, cases in result["judges"].items():
        lines += ["", f"### Read by the {judge}"]
        body = []
        for case, row in cases.items():
            back, best = row.get("given back", {}), row["best classical"]
            body.append(
                [
                    case,
                    *(with_ends(row["F1"].get(k)) for k in versions),
                    f"{best}: {with_ends(row['F1'][best])}" if best else "–",
                    signed(row["lost"], 3),
                    *(with_ends(back.get(k), 2) for k in (OURS, PLAUSIBLE, best)),
                    signed(row.get("ahead of best classical"), 3),
                ]
            )
        head = ["damage", *versions, "best classical", "lost", "given back by us"]
        head += ["by our plausible picture", "by the classical fill", "ahead of classical"]
        lines += rows_of(head, body)
        lines += ["", "Probability of the annotated class among the five, mean over cells:"]
        lines += rows_of(
            ["damage", CLEAN, DAMAGED, OURS, "best classical", "ahead of classical"],
            (
                [
                    case,
                    *(with_ends(row["probability"][k]) for k in (CLEAN, DAMAGED, OURS)),
                    _of_surest(row),
                    signed(row.get("probability ahead"), 3),
                ]
                for case, row in cases.items()
            ),
        )
        lines += _accuracy(cases)
    return [
        *lines,
        "",
        "- the most probable of five classes; all versions of a cell are read by their pixels "
        "alone. *told so*: the mask is given, so that probabilities are drawn to base rates.",
        f"- *best classical*: of {', '.join(_classical(result))} the one with the highest F1 "
        "(in the second table, probability), chosen after the fact.",
        "- *given back*: share of the lost F1, where more than 0.03 was lost. Intervals resample "
        "groups.",
    ]


def _accuracy(cases: Result) -> Lines:
    """Return the table of accuracy, of the kinds of damage that take much of it."""
    body = []
    for case, row in cases.items():
        found = row["accuracy"]
        if found[CLEAN]["mean"] - found[DAMAGED]["mean"] < TAKEN:
            continue
        best = max(_others(found), key=lambda name: found[name]["mean"], default=None)
        shown = (found.get(name) for name in SHOWN)
        classical = f"{best}: {with_ends(found[best])}" if best else "–"
        body.append([case, *map(with_ends, shown), classical])
    title = (
        f"Accuracy, where damage takes {100 * TAKEN:.0f} points of it or more. (In the paper's "
        "Table 22 the HPA, other data of other classes, has 0.852 as *original* and 0.926 with its "
        "network; it does not say what was damaged.)"
    )
    if not body:
        return []
    return ["", title, *rows_of(["damage", *SHOWN, "best classical"], body)]


def _classical(result: Result) -> list[str]:
    rows = (row["F1"] for cases in result["judges"].values() for row in cases.values())
    return _others(next(rows, {}))


def _others(versions: Result) -> list[str]:
    return [name for name in versions if name not in (*SHOWN, TOLD_OF_IT)]


def _of_surest(row: Result) -> str:
    surest = row.get("probability, best classical")
    return f"{surest}: {with_ends(row['probability'][surest])}" if surest else "–"


def dense_table(result: Result) -> Lines:
    """Return the table of section *dense*."""
    body = [[_short(name), number(value)] for name, value in result["IoU"].items()]
    return [
        "",
        f"## Dense layers: {result['cells']} drawn cells of fields that were not taught",
        *rows_of(["class", "IoU"], [*body, ["**mean**", number(result["mean"])]]),
        "",
        "- *IoU*: pixels in both over pixels in either at a probability of a half, pooled over "
        "cells. Drawn cells and drawn proteins: it says nothing of real ones.",
    ]


def speed_table(result: Result) -> Lines:
    """Return the table of section *speed*."""
    names = [name for name in result if name.startswith("seconds")] + ["cells per second"]
    return [
        "",
        f"## Speed: a 2048² field, {result['cells']} cells, {result['threads']} thread(s)",
        *rows_of(["", ""], ([name, number(float(result[name]), 1)] for name in names)),
    ]


def _short(name: str) -> str:
    return SHORT_NAMES.get(name, name)


TABLES: dict[str, Callable[[Result], Lines]] = {
    "cells": cells_table,
    "dictionary": dictionary_table,
    "fields": fields_table,
    "damage": damage_table,
    "dense": dense_table,
    "speed": speed_table,
    "ablation": ablation_table,
}
