"""Runs sections and writes them: one JSON, one Markdown, older sections kept beside new ones."""

from __future__ import annotations

import json
import platform
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from localization_report.cells import cells_section
from localization_report.damage import damage_section
from localization_report.dense import dense_section
from localization_report.dictionary import dictionary_section
from localization_report.fields import fields_section
from localization_report.setting import Result, Say, Setting
from localization_report.speed import speed_section
from localization_report.tables import TABLES
from localization_report.taught import ablation_section
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.io.atomic import replacing
from napari_dualgland.model.weights import read_card

SECTIONS: dict[str, Callable[[Setting, Say], Result]] = {
    "cells": cells_section,
    "dictionary": dictionary_section,
    "fields": fields_section,
    "damage": damage_section,
    "dense": dense_section,
    "speed": speed_section,
    "ablation": ablation_section,
}


def run_sections(names: Sequence[str], setting: Setting, out: Path, say: Say) -> None:
    """Run sections and write ``localize.json`` and ``localize.md`` after each.

    Raises
    ------
    DualglandError
        If there is no such section, or one cannot be run.
    """
    unknown = set(names) - set(SECTIONS)
    if unknown:
        found, expected = f"no section {min(unknown)!r}", f"one of {', '.join(SECTIONS)}"
        raise DualglandError(Kind.BAD_VALUE, "--section", found, expected=expected)
    torch.set_num_threads(setting.threads)
    path = out / "localize.json"
    report: Result = json.loads(path.read_text()) if path.is_file() else {}
    for name in names:
        began = time.perf_counter()
        result = SECTIONS[name](setting, lambda text, name=name: say(f"{name}: {text}"))  # type: ignore[misc]
        report[name] = {"made": made(setting, time.perf_counter() - began), "result": result}
        ordered = {key: report[key] for key in SECTIONS if key in report}
        out.mkdir(parents=True, exist_ok=True)
        told = json.dumps(ordered, indent=1, ensure_ascii=False) + "\n"
        for file, text in ((path, told), (out / "localize.md", markdown(ordered))):
            with replacing(file) as beside:
                beside.write_text(text, encoding="utf-8")


def made(setting: Setting, seconds: float) -> Result:
    """Return how figures came about: commit, models, device, seconds."""
    about: Result = {
        "seconds": round(seconds, 1),
        "commit": commit(),
        "device": f"{platform.machine()}, {setting.threads} CPU thread(s)",
    }
    for role in ("model", "generator"):
        try:
            about[role] = read_card(getattr(setting, role))[0].sha256
        except DualglandError:
            about[role] = None
    return about


def commit() -> str:
    """Return the commit of the code; with a mark where tracked files of it were changed."""
    folder = Path(__file__).parent
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=10"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def markdown(report: Result) -> str:
    """Return all sections as Markdown."""
    lines = [
        "# Localization",
        "",
        "Made by `python benchmarks/localize.py`. Images of the Human Protein Atlas that none of "
        "the networks was taught, unless a table says otherwise.",
    ]
    for name, section in report.items():
        about = section["made"]
        weights = about["model"][:12] + "…" if about["model"] else "none"
        lines += TABLES[name](section["result"])
        lines += [
            "",
            f"*Commit {about['commit']}, localizer {weights}, {about['device']}, "
            f"{about['seconds']:.0f} s.*",
        ]
    return "\n".join(lines) + "\n"
