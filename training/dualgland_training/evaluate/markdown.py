"""An evaluation as Markdown: tables for people, each with what its figures mean."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from dualgland_training.evaluate.comparison import FIGURES
from dualgland_training.evaluate.paper import DEFINITIONS, NOT_COMPARABLE, PAPER

UNITS = {
    "psnr": "PSNR, dB",
    "l1": "L1, grey levels",
    "rim": "jump across the rim, grey levels",
    "noise": "share of the squared error that noise alone makes",
}


def number(value: Any, digits: int = 2, sign: bool = False) -> str:
    """Return a number as text; a dash for what there is none of.

    Parameters
    ----------
    value : int, float or None
        None and what is not finite is a dash.
    digits : int
        After the point; of a float.
    sign : bool
        Whether a plus is written.

    Returns
    -------
    str
        The text.
    """
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "–"
    if isinstance(value, int):
        return str(value)
    return f"{value:+.{digits}f}" if sign else f"{value:.{digits}f}"


def signed(gain: dict[str, Any] | None, digits: int = 2) -> str:
    """Return a paired difference with its interval, where it has one.

    Parameters
    ----------
    gain : dict or None
        Of :func:`~.comparison.gain`.
    digits : int
        After the point.

    Returns
    -------
    str
        The text; a dash where there is none.
    """
    if not gain or "mean" not in gain:
        return "–"
    text = number(gain["mean"], digits, True)
    if "low" in gain:
        ends = (number(gain[end], digits, True) for end in ("low", "high"))
        text += " ({} to {})".format(*ends)
    return text


def rows_of(head: Iterable[str], body: Iterable[Iterable[str]]) -> list[str]:
    """Return the lines of a table.

    Parameters
    ----------
    head : iterable of str
        Titles of the columns.
    body : iterable
        The cells, row by row.

    Returns
    -------
    list of str
        In Markdown.
    """
    titles = list(head)
    lines = ["", "| " + " | ".join(titles) + " |", "|---" * len(titles) + "|"]
    return lines + ["| " + " | ".join(row) + " |" for row in body]


def _closeness(report: dict[str, Any]) -> list[str]:
    methods, table = report["methods"], report["comparison"]
    lines: list[str] = []
    for kind in ("field", "cell"):
        if not table[kind]:
            continue
        lines += ["", f"## Held-out {kind}s: PSNR in dB"]
        lines += rows_of(
            ["damage", *methods, "over best classical", "over prior"],
            (
                [
                    case,
                    *(number(row["figures"][m]["psnr"].get("mean")) for m in methods),
                    signed(row.get("gain_over_best_classical")),
                    signed(row.get("gain_over_prior")),
                ]
                for case, row in table[kind].items()
            ),
        )
        for name in (*FIGURES, "set points"):
            if not any(name in row["figures"][methods[-1]] for row in table[kind].values()):
                continue
            lines += ["", f"### {UNITS.get(name, name)}: median (95 % interval)"]
            body = []
            for case, row in table[kind].items():
                found = [row["figures"][m].get(name, {}) for m in methods]
                body.append(
                    [
                        case,
                        *(
                            f"{number(f.get('median'))} ({number(f.get('low'))} to "
                            f"{number(f.get('high'))})"
                            for f in found
                        ),
                    ]
                )
            lines += rows_of(["damage", *methods], body)
    return lines


def _cost(report: dict[str, Any]) -> list[str]:
    methods, table = report["methods"], report["comparison"]
    lines = ["", "## Seconds for all images of a case, and peak memory of the process"]
    body = [[c, *(number(r[m], 1) for m in methods)] for c, r in table["seconds"].items()]
    peaks = [number(table["memory"][m]["peak_mib"], 0) for m in methods]
    return lines + rows_of(["damage", *methods], [*body, ["*memory, MiB*", *peaks]])


def _calibration(report: dict[str, Any]) -> list[str]:
    lines = [
        "",
        "## Calibration",
        "",
        "Share of missing pixels inside the stated 50 % and 90 % intervals, where the stated "
        "deviation is a grey level or more; *sure* is the share of the others, most of which are "
        "dark, and exactly right or a whole level off whatever an interval says. Squared error "
        "of one sample over that of the estimate: 2 if honest. Pixels are pooled.",
    ]
    body = [
        [
            method,
            case,
            *(number(row.get("covered", {}).get(p), 3) for p in ("0.5", "0.9")),
            number(row.get("sure")),
            *(number(row.get("covered_sure", {}).get(p), 3) for p in ("0.5", "0.9")),
            number(row.get("sample_over_mean")),
        ]
        for method, rows in report["calibration"].items()
        for case, row in rows.items()
        if "sure" in row or "sample_over_mean" in row
    ]
    sure = ["sure", "sure: in 50 %", "sure: in 90 %"]
    head = ["method", "damage", "in 50 %", "in 90 %", *sure, "sample / mean"]
    return lines + rows_of(head, body)


def _flat(table: dict[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in table.items():
        if isinstance(value, dict):
            flat |= {f"{name}, {key}": v for name, v in value.items()}
        else:
            flat[key] = value
    return flat


def _paper(report: dict[str, Any]) -> list[str]:
    tables = {m: _flat(t) for m, t in report["paper"].items()}
    training = report["training"]
    names = list(dict.fromkeys(n for t in tables.values() for n in t))
    names += [n for n in PAPER if n not in names and (n in training or not names)]
    lines = ["", "## The paper's table, by our definitions"]
    ours = report["ours"]
    body = [
        [
            name,
            *(
                number(t.get(name, training.get(name) if m == ours else None), 3)
                for m, t in tables.items()
            ),
            number(PAPER.get(name), 3),
        ]
        for name in names
    ]
    lines += rows_of(["figure", *tables, "the paper"], body)
    lines += ["", *(f"- *{name}*: {text}" for name, text in DEFINITIONS.items())]
    return [*lines, "", NOT_COMPARABLE]


def _ablations(report: dict[str, Any]) -> list[str]:
    if not report["ablations"]:
        return []
    names = list(dict.fromkeys(n for row in report["ablations"].values() for n in row))
    lines = [
        "",
        "## Ablations",
        "",
        "Differences to the full model, paired per block (set points: per image), with 95 % "
        "bootstrap intervals; FID and KID on hole-centred crops are one figure each and have none.",
    ]
    return lines + rows_of(
        ["without", *names],
        (
            [name, *(signed(row.get(n), 3) for n in names)]
            for name, row in report["ablations"].items()
        ),
    )


def markdown(report: dict[str, Any]) -> str:
    """Return the whole report for people."""
    setting = report["setting"]
    lines = [
        f"# Evaluation of `{report['ours']}`",
        "",
        f"Made by `dualgland evaluate` (weights sha256 {setting['sha256'][:12]}…). Figures are "
        "inside the hole, over 256² blocks that hold signal; gains are paired per block, with "
        f"their 95 % bootstrap interval. {setting['fields']} held-out field(s) and "
        f"{setting['cells']} held-out cell(s), none of them, nor any cell of their groups, "
        "trained on. Blocks of one field share one exposure: an interval tells how sure a gain "
        "is *on these images*.",
    ]
    if setting["quick"]:
        lines += ["", "**A quick look**: few cases, and the middle of every field alone."]
    if setting["left_out"]:
        lines += ["", "Left out: " + "; ".join(setting["left_out"]) + "."]
    lines += _closeness(report) + _cost(report) + _calibration(report) + _paper(report)
    lines += _ablations(report)
    lines += [
        "",
        f"Measured on {setting['machine']}, {setting['threads']} CPU thread(s) for each method, "
        f"{setting['jobs']} method(s) at the same time.",
    ]
    return "\n".join(lines) + "\n"
