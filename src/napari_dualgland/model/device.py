"""Which device computes: found, named and refused in one place."""

from __future__ import annotations

import platform
from pathlib import Path

import torch

from napari_dualgland.errors import DualglandError, Kind


def available_devices() -> tuple[str, ...]:
    """Return the names that ``--device`` takes on this machine, best first."""
    found = [f"cuda:{i}" for i in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        found.append("mps")
    return (*found, "cpu")


def processor_name() -> str:
    """Return what the processor calls itself, for tables of seconds."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def choose_device(name: str = "auto") -> torch.device:
    """Return the device of that name.

    Parameters
    ----------
    name : str
        ``auto`` (the best there is), ``cpu``, ``cuda``, ``cuda:<n>`` or ``mps``.

    Returns
    -------
    torch.device
        ``cuda:0`` for ``cuda``.

    Raises
    ------
    DualglandError
        If this machine has no such device; the message lists those that it has.
    """
    here = available_devices()
    wanted = "cuda:0" if name == "cuda" else name
    if wanted == "auto":
        return torch.device(here[0])
    if wanted not in here:
        known = ", ".join(("auto", *here))
        raise DualglandError(
            Kind.NO_DEVICE,
            f"device {name!r}",
            "there is none of that name on this machine",
            expected=f"one of {known}",
        )
    return torch.device(wanted)
