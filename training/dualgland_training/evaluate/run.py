"""The whole evaluation in order: fill, score, compare, look at the pictures, write."""

from __future__ import annotations

import hashlib
import platform
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import Field

from dualgland_training.evaluate.ablations import ablate
from dualgland_training.evaluate.cases import (
    CASES,
    QUICK,
    cell_rows,
    folder_of,
    held_out,
    read_images,
)
from dualgland_training.evaluate.comparison import calibration, compare
from dualgland_training.evaluate.figures import draw_gains, draw_reliability
from dualgland_training.evaluate.markdown import markdown
from dualgland_training.evaluate.methods import (
    CLASSICAL,
    SAMPLE,
    SHOWN,
    VARIANTS,
    available,
    draws,
    find_method,
)
from dualgland_training.evaluate.paper import paper_table, training_figures
from dualgland_training.evaluate.pictures import check_outside, draw_pictures
from dualgland_training.evaluate.report import ReportOptions, write_report
from dualgland_training.evaluate.scoring import COMPARTMENTS, compartments_of, score_method
from dualgland_training.evaluate.worker import Job, start
from dualgland_training.perceptual.judge import CLASSES, load_judge
from napari_dualgland.model.weights import read_card
from napari_dualgland.typing import AnyArray


class EvaluateOptions(ReportOptions):
    """Options of an evaluation.

    Attributes
    ----------
    models, data, out, name, quick
        As of every report. The first model is the one that is held against the others. Quick:
        two cases, the middle of every field, no variants.
    ablations : dict
        Name of what a model was trained without → its file.
    cells, threads : int
        Held-out cells to fill; CPU threads of every method.
    pictures : pathlib.Path or None
        Folder outside any repository for pictures of atlas pixels.
    log : pathlib.Path or None
        ``events.jsonl`` of the run behind the first model.
    jobs : int
        Methods that are run at the same time; seconds are told as they were then.
    fills : pathlib.Path or None
        Folder in which fills are kept, and found again by an evaluation that was cut off:
        what a method has finished is not done twice. They are thrown away where left out.
    """

    name: str = "evaluation"
    ablations: dict[str, str] = Field(default_factory=dict)
    cells: int = 20
    threads: int = 1
    pictures: Path | None = None
    log: Path | None = None
    jobs: int = 1
    fills: Path | None = None


def methods_of(options: EvaluateOptions) -> tuple[list[str], list[str]]:
    """Return the names of all methods, and a sentence on each that is left out."""
    names = [*CLASSICAL, "prior", *options.models]
    left = []
    for variant in () if options.quick else SHOWN:
        if available(variant):
            names.append(f"{options.models[0]} {variant}")
        else:
            left.append(f"`{variant}`, the engine has no option {next(iter(VARIANTS[variant]))}")
    return list(dict.fromkeys([*names, *options.ablations.values()])), left


def judged_labels(data: Path) -> dict[str, int]:
    """Return the annotations of cells by title, those of classes that the judge knows."""
    classes = {f"cell {r['group']} {r['file']}": r.get("label_28") for r in cell_rows(data)}
    return {title: int(k) for title, k in classes.items() if k and int(k) in CLASSES}


@contextmanager
def _fills_of(name: str, job: Job, kept: Path | None) -> Iterator[Path]:
    """Give the folder for a method's fills: one that is kept, or one that goes afterwards."""
    if kept is None:
        with tempfile.TemporaryDirectory() as passing:
            yield Path(passing)
        return
    # Another job, or other weights under the same name, make other fills.
    model = name.partition(" --")[0]
    weights = "" if model in CLASSICAL else read_card(model)[0].sha256 or ""
    told = f"{name} {weights} {job.model_dump_json()}"
    folder = kept / hashlib.sha256(told.encode()).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    yield folder


def evaluate(options: EvaluateOptions, say: Callable[[str], None]) -> dict[str, Any]:
    """Evaluate, write ``<name>.json``, ``.md`` and two figures, and return the report.

    Parameters
    ----------
    options : EvaluateOptions
        What is evaluated, and where it is written.
    say : callable
        Is told of every method that is done.

    Returns
    -------
    dict
        What is written as JSON.

    Raises
    ------
    DualglandError
        If a model, the collection, held-out images or the log are missing, a method fails, or
        pictures would get into a repository.
    """
    if options.pictures is not None:
        check_outside(options.pictures)
    training = training_figures(options.log) if options.log else {}
    ours = options.models[0]
    card, _ = read_card(ours)
    names, left = methods_of(options)
    for name in names:
        find_method(name)
    job = Job(
        data=options.data,
        held=held_out([*options.models, *options.ablations.values()]),
        cells=options.cells,
        quick=options.quick,
        cases=QUICK if options.quick else tuple(CASES),
        threads=options.threads,
    )
    held = read_images(job.data, job.held, job.cells, job.quick)
    labels = judged_labels(job.data)
    judge = load_judge("judge")
    results: dict[str, Any] = {}
    papers: dict[str, Any] = {}
    seen: dict[str, dict[str, AnyArray]] = {}

    def run(name: str) -> None:
        with _fills_of(name, job, options.fills) as folder:
            if not (folder / "run.json").is_file():
                start(name, job, folder)
            results[name], seen[name] = score_method(folder, job, held, labels)
            if name == ours and draws(name):
                drawn = name + SAMPLE
                results[drawn], seen[drawn] = score_method(folder, job, held, labels, sample=True)
        say(f"{name} done")

    # The longest, which learns inside every image, first.
    with ThreadPoolExecutor(options.jobs) as pool:
        list(pool.map(run, sorted(names, key=lambda name: name != ours)))
    if ours + SAMPLE in results:
        names.insert(names.index(ours) + 1, ours + SAMPLE)
    results = {name: results[name] for name in names}
    for name in names:
        papers[name] = paper_table(judge, seen[name])
    if compartments_of(next(iter(held.values()))[:, :64, :64].astype("float32")) is None:
        left.append(f"set points, there is no `{COMPARTMENTS}`")
    whole = [field for field in job.held.fields if folder_of(job.data, field) == "fields"]
    if small := len(job.held.fields) - len(whole):
        left.append(f"{small} held-out fields of `fields512`, for `--measurements` alone")
    if options.log is None:
        left.append("stability and convergence, no `--log` of the training was given")
    report: dict[str, Any] = {
        "setting": {
            "model": card.name,
            "sha256": card.sha256 or "",
            "machine": platform.processor() or platform.machine(),
            "threads": options.threads,
            "jobs": options.jobs,
            "quick": options.quick,
            "fields": len(whole),
            "cells": sum(title.startswith("cell") for title in held),
            "left_out": left,
        },
        "ours": ours,
        "methods": names,
        "comparison": compare(results, ours),
        "calibration": calibration(results),
        "paper": papers,
        "training": training,
        "ablations": ablate(results, papers, ours, options.ablations),
    }
    write_report(options.out / options.name, report, markdown)
    draw_gains(report["comparison"], ours, options.out / f"{options.name}_gains.png")
    draw_reliability(report["calibration"], options.out / f"{options.name}_reliability.png")
    if options.pictures is not None:
        draw_pictures(seen, options.pictures)
    return report
