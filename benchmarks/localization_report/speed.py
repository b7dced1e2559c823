"""Section *speed*: cells per second, and a whole field from stack to overlay."""

from __future__ import annotations

import time

import numpy as np
import torch

from dualgland_training.data.collection import read_field
from localization_report.reading import FIELD_PIXEL_UM, stack_of_roles
from localization_report.setting import Result, Say, Setting
from napari_dualgland import localize
from napari_dualgland.localization.overlay import paint

FIELD = "f0ac7116-bb99-11e8-b2b9-ac1f6b6435d0"
SIDE = 2048


def speed_section(setting: Setting, say: Say) -> Result:
    """Return seconds of each part of a 2048² field, and cells read per second.

    Everything is run once before on a corner, for what is loaded once is not timed.
    """
    torch.set_num_threads(setting.threads)
    image = read_field(setting.data, FIELD)[:, :SIDE, :SIDE]
    stack = stack_of_roles(image, FIELD_PIXEL_UM, name=FIELD)
    say("warming up")
    paint(localize(stack_of_roles(image[:, :512, :512], FIELD_PIXEL_UM), model=setting.model))
    say(f"a field of {SIDE}²")
    began = time.perf_counter()
    found = localize(stack, model=setting.model)
    localized = time.perf_counter() - began
    paint(found)
    painted = time.perf_counter() - began
    say("the same field with its cells and damage given")
    began = time.perf_counter()
    localize(stack, found.cells, missing=np.zeros(image.shape, bool), model=setting.model)
    reading = time.perf_counter() - began
    cells = len(found.table)
    return {
        "field": FIELD,
        "threads": setting.threads,
        "cells": cells,
        "seconds, stack to overlay": painted,
        "seconds, stack to table": localized,
        "seconds, with cells and damage given": reading,
        "cells per second": cells / reading if reading else float("nan"),
    }
