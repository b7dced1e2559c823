"""Section *dense*: which pixels carry the protein where, against the simulator's truth."""

from __future__ import annotations

import numpy as np
import torch

from localization_report.setting import Result, Say, Setting
from napari_dualgland.classes import CLASSES
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.model.calibrated_localizer import load_localizer
from napari_dualgland.model.device import choose_device

SEED = 77


def dense_section(setting: Setting, say: Say) -> Result:
    """Return IoU per class over drawn cells of fields that no training saw.

    Raises
    ------
    DualglandError
        If no bank of drawn cells is named.
    """
    from dualgland_training.localizer.bank import load_bank
    from dualgland_training.localizer.scores import on_drawn_cells

    if setting.bank is None:
        raise DualglandError(
            Kind.LACKING,
            "--bank",
            "dense layers are held against drawn cells",
            way_out="name a bank of them, made by python -m dualgland_training.localizer bank",
        )
    say(f"{setting.drawn} drawn cells")
    torch.set_num_threads(setting.threads)
    reader = load_localizer(setting.model, choose_device("cpu"))
    bank = load_bank(setting.bank)
    with torch.inference_mode():
        scores = on_drawn_cells(
            reader.network, bank, SEED, setting.drawn, reader.calibrated, reader.thresholds
        )
    return {
        "cells": setting.drawn,
        "IoU": dict(zip(CLASSES, scores.overlap.tolist(), strict=False)),
        "mean": float(np.nanmean(scores.overlap)),
    }
