"""The table of measurements in order: damage, fill, measure, compare, write."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np
from pydantic import Field as Option

from dualgland_training.evaluate.measurements.errors import Error, of_cells, of_field, summary
from dualgland_training.evaluate.measurements.fields import (
    FAMILIES,
    Field,
    as_it_lies,
    damage_of,
    read_fields,
    titles_of,
)
from dualgland_training.evaluate.measurements.measuring import (
    Measured,
    Places,
    frame_of,
    places_in,
)
from dualgland_training.evaluate.measurements.report import markdown
from dualgland_training.evaluate.methods import SAMPLE, Method, draws, fill_with, find_method
from dualgland_training.evaluate.report import ReportOptions, write_report
from napari_dualgland.model.device import processor_name
from napari_dualgland.model.weights import read_card
from napari_dualgland.typing import AnyArray, BoolArray

CLASSICAL = ("Telea", "FSR", "biharmonic")
"""The classical fills that are best for one damage or another."""

AS_IT_LIES, LEFT_OUT = "damaged, as it lies", "damaged, lost pixels left out"
MEASURED_ONLY = ", measured pixels alone"
"""What is appended to a fill that tells where cells are and whose own pixels are not counted."""

EVERYTHING = "all damage"

SMALL = 512**2
"""Pixels of a field up to which it is damaged with every seed."""

Errors = dict[str, tuple[float, float]]


class MeasurementOptions(ReportOptions):
    """Options of the table of measurements.

    Attributes
    ----------
    models, data, out, name, quick
        As of every report. Quick: two families, one seed, a held-out field at its coarsest scale.
    seeds : int
        Damages drawn of each family in each field; half as many in a large one.
    """

    name: str = "measurements"
    seeds: int = Option(default=2, ge=1)


def _fills(
    models: tuple[str, ...], values: AnyArray, missing: BoolArray
) -> Iterator[tuple[str, AnyArray]]:
    """Yield every fill by name; estimate and plausible picture of a model from one run."""
    for name in (*CLASSICAL, "prior", *models):
        method = find_method(name)
        if draws(name):
            method = Method(name, (method.options or {}) | {"samples": 1})
        made = fill_with(method, values, missing)
        yield name, made.estimate
        if made.samples:
            yield name + SAMPLE, made.samples[0]


def _measure(
    field: Field, true: Measured, family: str, missing: BoolArray, models: tuple[str, ...]
) -> Iterator[tuple[str, str, Errors]]:
    """Yield section, way of measuring and errors of one damaged field."""
    um, every = field.pixel_um, np.ones(missing.shape, bool)

    def same(values: AnyArray, counted: BoolArray) -> Errors:
        return of_cells(Measured(true.places, values, counted, um), true, missing)

    def found(places: Places, values: AnyArray, counted: BoolArray) -> Errors:
        return of_field(Measured(places, values, counted, um), true)

    lying = as_it_lies(family, field.values, missing)
    yield "cells", AS_IT_LIES, same(lying, every)
    yield "cells", LEFT_OUT, same(lying, ~missing)
    yield "field", AS_IT_LIES, found(places_in(frame_of(lying), um), lying, every)
    holes = places_in(frame_of(lying, missing), um)
    yield "field", LEFT_OUT, found(holes, lying, ~missing)
    for way, values in _fills(models, lying, missing):
        yield "cells", way, same(values, every)
        places = places_in(frame_of(values), um)
        yield "field", way, found(places, values, every)
        yield "field", way + MEASURED_ONLY, found(places, values, ~missing)


def tabulate_measurements(
    options: MeasurementOptions, say: Callable[[str], None]
) -> dict[str, Any]:
    """Measure, write ``<name>.json`` and ``.md``, and return the report.

    Parameters
    ----------
    options : MeasurementOptions
        What is measured, and where it is written.
    say : callable
        Is told of every field that is done.

    Returns
    -------
    dict
        What is written as JSON.

    Raises
    ------
    DualglandError
        If a model, its card or a field is missing.
    """
    began = time.process_time()
    cards = [read_card(model)[0] for model in options.models]
    fields = read_fields(options.data, options.models, options.quick)
    families = FAMILIES[::4] if options.quick else FAMILIES
    seeds = 1 if options.quick else options.seeds
    found: dict[str, Any] = {"cells": {}, "field": {}}
    lost: dict[str, list[float]] = {}
    counts: dict[str, dict[str, float]] = {}
    for field, title in zip(fields, titles_of(fields), strict=True):
        places = places_in(frame_of(field.values), field.pixel_um)
        every = np.ones(field.values.shape, bool)
        true = Measured(places, field.values, every, field.pixel_um)
        counts[title] = {what: true.whole[what] for what in ("nuclei", "cells")}
        # The cost grows with the pixels, and a large field has no more cells.
        drawn = seeds if field.values[0].size <= SMALL else max(1, seeds // 2)
        for family, seed in product(families, range(drawn)):
            missing = damage_of(family, field, seed)
            lost.setdefault(family, []).append(float(missing.mean()))
            for section, way, errors in _measure(field, true, family, missing, options.models):
                for name, (key, error) in product((EVERYTHING, family), errors.items()):
                    ways = found[section].setdefault(name, {})
                    kept = ways.setdefault(way, {}).setdefault(key, [])
                    kept.append(Error(field.name, *error))
        say(f"{title} done")
    report: dict[str, Any] = {
        "setting": {
            "models": {card.name: card.sha256 or "" for card in cards},
            "fields": counts,
            "seeds": seeds,
            "lost": {family: float(np.median(shares)) for family, shares in lost.items()},
            "quick": options.quick,
            "processor": processor_name(),
            "cpu_seconds": time.process_time() - began,
        },
    }
    for section, tables in found.items():
        report[section] = {
            name: {
                way: {key: summary(errors) for key, errors in figures.items()}
                for way, figures in ways.items()
            }
            for name, ways in tables.items()
        }
    write_report(options.out / options.name, report, markdown)
    return report
