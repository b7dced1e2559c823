"""One fill in a process of its own: the child of ``benchmarks/speed.py``.

``python benchmarks/speed_fills.py NAME FOLDER`` reads ``image.npy`` and ``missing.npy`` of the
folder, fills, and writes ``told.json``: seconds and memory of the fill, and its PSNR.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from napari_dualgland.stack import ROLES, Channel, Stack
from napari_dualgland.typing import AnyArray, BoolArray

Fill = Callable[[AnyArray, BoolArray], AnyArray]

CLASSICAL = ("mean", "Telea", "Navier–Stokes", "FSR", "biharmonic")
WHOLE = "biharmonic, whole"
OURS: dict[str, dict[str, Any]] = {
    "prior": {"model": "prior"},
    "no-adapt": {"adapt": False},
    "default": {},
}
LAMA = "LaMa-sized, random weights"
NAMES = (*CLASSICAL, WHOLE, LAMA, *OURS)


def fill_of(name: str) -> Fill:
    """Return a fill by its name; what it needs is loaded here, before the clock runs.

    Raises
    ------
    KeyError
        If there is none.
    """
    if name in CLASSICAL:
        from napari_dualgland.classical import FILLS

        return FILLS[name]
    if name == WHOLE:
        return _biharmonic_whole
    if name == LAMA:
        import lama_sized

        return partial(lama_sized.fill, lama_sized.network())
    options = OURS[name]
    from napari_dualgland.imputation.engine import impute

    def ours(image: AnyArray, missing: BoolArray) -> AnyArray:
        return np.asarray(impute(stack_of(image), missing, seed=0, **options).stack.data)

    return ours


def _biharmonic_whole(image: AnyArray, missing: BoolArray) -> AnyArray:
    """Fill as scikit-image does when it is called plainly."""
    from skimage.restoration import inpaint_biharmonic

    every = image.astype(np.float64)
    if (missing == missing[0]).all():
        return np.asarray(inpaint_biharmonic(every, missing[0], channel_axis=0))
    return np.stack([inpaint_biharmonic(*pair) for pair in zip(every, missing, strict=True)])


def stack_of(image: AnyArray) -> Stack:
    """Return (4, Y, X) as a stack with its roles."""
    return Stack(image, "CYX", tuple(Channel(role, role) for role in ROLES))


def psnr(filled: AnyArray, truth: AnyArray, missing: BoolArray) -> float:
    """Return the PSNR in dB inside the holes of uint8 channels, mean over those.

    Parameters
    ----------
    filled, truth : numpy.ndarray
        (4, Y, X), in units of the truth.
    missing : numpy.ndarray
        (4, Y, X) boolean.

    Returns
    -------
    float
        Of estimates as they would be written.
    """
    stored = np.clip(np.rint(filled.astype(np.float32)), 0, 255)
    apart = [
        np.mean((stored[c] - truth[c])[missing[c]] ** 2)
        for c in range(len(truth))
        if missing[c].any()
    ]
    return float(np.mean(10 * np.log10(255**2 / np.maximum(apart, 1e-3))))


def _peak() -> float:
    """Return the most memory that this process has held, MiB."""
    # Not getrusage, which counts what the parent held; nor the evaluation's, which loads much.
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _main(name: str, folder: Path) -> None:
    image, missing = np.load(folder / "image.npy"), np.load(folder / "missing.npy")
    damaged = np.where(missing, 0, image).astype(image.dtype)
    fill = fill_of(name)
    before, cpu, wall = _peak(), time.process_time(), time.perf_counter()
    filled = fill(damaged, missing)
    told = {
        "fill_cpu": time.process_time() - cpu,
        "fill_wall": time.perf_counter() - wall,
        "start_mib": before,
        "peak_mib": _peak(),
    }
    if name != LAMA:
        told["psnr"] = psnr(filled, image, missing)
    (folder / "told.json").write_text(json.dumps(told))


if __name__ == "__main__":
    _main(sys.argv[1], Path(sys.argv[2]))
