"""Every way to fill a hole that is compared, by name: classical fills, models, variants."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.imputation.params import ImputeParams
from napari_dualgland.intervals import Reach
from napari_dualgland.model.weights import read_card
from napari_dualgland.stack import ROLES, Channel, Stack
from napari_dualgland.typing import AnyArray, BoolArray

CLASSICAL = ("mean", "Telea", "Navier–Stokes", "FSR", "biharmonic")

VARIANTS: dict[str, dict[str, Any]] = {
    "--no-adapt": {"adapt": False},
    "--no-rehearse": {"rehearse": False},
}
"""Options of a model that make a method of their own: how it is written → overrides."""

SHOWN = ("--no-adapt",)
"""Variants that are run unasked, where the engine has the option."""

SAMPLES = 4
"""Plausible pictures that every model which draws is asked for beside its estimate."""

SAMPLE = ", one sample"
"""What is appended to a model's name where its first plausible picture stands for the estimate:
what ``impute --plausible`` fills with."""


@dataclass(frozen=True)
class Method:
    """A way to fill: a classical one has no options, a model has its parameters."""

    name: str
    options: dict[str, Any] | None = field(default=None)


@dataclass(frozen=True)
class Fill:
    """What a method made of the holes: (4, Y, X), and None for what it does not state.

    ``reach`` is how far errors reach in each channel, in units of the deviation.
    """

    estimate: AnyArray
    deviation: AnyArray | None = None
    reach: tuple[Reach, ...] = ()
    samples: tuple[AnyArray, ...] = ()


def available(variant: str) -> bool:
    """Tell whether the engine has the options of a variant."""
    return set(VARIANTS[variant]) <= set(ImputeParams.model_fields)


def find_method(name: str) -> Method:
    """Return the method of a name such as ``Telea``, ``generator`` or ``generator --no-adapt``.

    Raises
    ------
    DualglandError
        For a variant that does not exist, or whose option the engine lacks.
    """
    if name in CLASSICAL:
        return Method(name)
    model, mark, variant = name.partition(" --")
    options: dict[str, Any] = {}
    if mark:
        if "--" + variant not in VARIANTS or not available("--" + variant):
            known = ", ".join(v for v in VARIANTS if available(v))
            found = f"no variant --{variant}"
            raise DualglandError(Kind.NOT_THERE, name, found, expected=f"one of {known}")
        options = VARIANTS["--" + variant]
    elif draws(model):
        # The estimate is the same with samples and without (tests/imputation/test_samples.py).
        options = {"samples": SAMPLES}
    return Method(name, {"model": model, **options})


def draws(model: str) -> bool:
    """Tell whether a model draws plausible pictures; not so for a classical fill."""
    return model not in CLASSICAL and bool(read_card(model)[0].architecture.get("draws"))


def fill_with(method: Method, image: AnyArray, missing: BoolArray) -> Fill:
    """Fill with one method; the lost pixels are zeroed first, so that none can peek.

    Parameters
    ----------
    method : Method
        How it is filled.
    image : numpy.ndarray
        (4, Y, X) uint8.
    missing : numpy.ndarray
        (4, Y, X) boolean.

    Returns
    -------
    Fill
        In the dtype of the image.
    """
    damaged = np.where(missing, 0, image).astype(image.dtype)
    if method.options is None:
        from napari_dualgland.classical import FILLS

        drawn = FILLS[method.name](damaged, missing)
        return Fill(np.clip(np.rint(drawn), 0, 255).astype(np.uint8))
    # Here and not above: it loads torch, whose memory is no part of a classical fill.
    from napari_dualgland import impute

    stack = Stack(damaged, "CYX", tuple(Channel(r, r) for r in ROLES))
    result = impute(stack, missing, **method.options)
    deviation = None if result.uncertainty is None else np.asarray(result.uncertainty)
    reach = tuple(result.provenance.reach.get(role, Reach()) for role in ROLES)
    samples = tuple(np.asarray(sample) for sample in result.samples)
    return Fill(np.asarray(result.stack.data), deviation, reach, samples)
