"""``dualgland doctor``: what this machine has and lacks, before anybody asks for help.

Every check says what was found; what is lacking comes with the way to get it. Lacking
something is no error: the command line works without Qt, the processor without a GPU.
"""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from collections.abc import Iterator
from importlib import metadata, util
from typing import TYPE_CHECKING, Any

from napari_dualgland._version import __version__
from napari_dualgland.errors import DualglandError
from napari_dualgland.threads import settle

if TYPE_CHECKING:
    from rich.console import Console

QT_BINDINGS = ("PyQt6", "PySide6", "PyQt5", "PySide2")

OPENCV = ("opencv-contrib-python-headless", "opencv-contrib-python")
"""The distributions of OpenCV that have all fills; plain ones lack FSR."""

SCREEN_LIBRARIES = {
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libdbus-1.so.3": "libdbus-1-3",
}
"""What Qt and napari load from a Linux system, and the Debian package that brings it."""


def run() -> dict[str, Any]:
    """Return what was found, ready for JSON; ``lacking`` is a list of one line each."""
    found: dict[str, Any] = {
        "dualgland": __version__,
        "python": platform.python_version(),
        "executable": sys.executable,
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "memory_gib": _memory(),
        "packages": {name: _version(name) for name in ("torch", "torchvision", "napari", "npe2")},
        "lacking": [],
    }
    lacking: list[str] = found["lacking"]
    found["devices"] = dict(_devices(lacking))
    found["threads"] = _threads()
    found["models"], found["models_folder"] = _models(lacking)
    found["qt"] = _qt(lacking)
    found["screen"] = has_screen()
    if not found["screen"]:
        lacking.append("a screen: napari cannot open here; the command line works without")
    found["opencv"] = next(filter(None, map(_version, OPENCV)), None)
    if found["opencv"] is None:
        lacking.append("OpenCV, for the demo's comparison: pip install 'napari-dualgland[demo]'")
    return found


def has_screen() -> bool:
    """Tell whether a window can be opened here."""
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _memory() -> dict[str, float] | None:
    """Return total and free memory in GiB, where the system tells."""
    try:
        page = os.sysconf("SC_PAGE_SIZE") / 2**30
        total, free = os.sysconf("SC_PHYS_PAGES") * page, os.sysconf("SC_AVPHYS_PAGES") * page
    except (AttributeError, ValueError, OSError):
        return None
    return {"total": round(total, 1), "free": round(free, 1)}


def _devices(lacking: list[str]) -> Iterator[tuple[str, str]]:
    """Yield every name that ``--device`` takes, and what it is."""
    import torch

    from napari_dualgland.model.device import available_devices, processor_name
    from napari_dualgland.model.precision import choose_precision

    for name in available_devices():
        if name.startswith("cuda"):
            gpu = torch.cuda.get_device_properties(name)
            what = f"{gpu.name}, {gpu.total_memory / 2**30:.0f} GiB"
        elif name == "mps":
            what = "Apple GPU"
        else:
            what = processor_name()
        yield name, f"{what}, {choose_precision('auto', torch.device(name))}"
    if not torch.cuda.is_available() and not torch.backends.mps.is_available():
        lacking.append("a GPU that torch can use: imputing runs on the processor")
    try:
        # A torchvision of another torch imports and then fails at its first own operator.
        from torchvision.ops import nms

        nms(torch.zeros(1, 4), torch.zeros(1), 0.5)
    except Exception as error:
        lacking.append(f"a torchvision that matches torch: {str(error).splitlines()[0]}")


def _threads() -> dict[str, Any]:
    """Return how many threads compute on the processor, who says so, and how they wait."""
    import torch

    policy = settle()
    return {"count": torch.get_num_threads(), "why": policy.number, "waiting": policy.waiting}


def _models(lacking: list[str]) -> tuple[dict[str, str], str]:
    """Return whether each model's weights are what its card says, and the lab's own folder."""
    from napari_dualgland.model.weights import (
        list_models,
        models_folder,
        read_card,
        read_tensors,
    )

    state: dict[str, str] = {}
    for name in list_models():
        try:
            card, path = read_card(name)
            if card.sha256 is None:
                state[name] = "needs no weights"
            else:
                read_tensors(card, path)
                state[name] = f"verified, sha256 {card.sha256}"
        except DualglandError as error:
            state[name] = "unusable"
            lacking.append(str(error))
    folder = models_folder()
    return state, f"{folder}{'' if folder.is_dir() else ' (not made yet)'}"


def _qt(lacking: list[str]) -> dict[str, Any]:
    """Return the Qt bindings that are installed and the system libraries that are not."""
    bindings = {
        # PySide6 may come as its essentials alone, under another name.
        name: _version(name) or _version(f"{name}-Essentials")
        for name in QT_BINDINGS
        if util.find_spec(name)
    }
    if util.find_spec("napari") is None or not bindings:
        lacking.append("napari with Qt, to see stacks: pip install 'napari-dualgland[all]'")
    absent = []
    if sys.platform == "linux":
        absent = [package for library, package in SCREEN_LIBRARIES.items() if not _loads(library)]
    if absent:
        lacking.append(f"system libraries for windows: apt-get install {' '.join(absent)}")
    return {"bindings": bindings, "absent_system_packages": absent}


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def show(result: dict[str, Any], to: Console) -> None:
    """Show the result of :func:`run` to a person.

    Parameters
    ----------
    result : dict
        What :func:`run` returned.
    to : rich.console.Console
    """
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    table.add_row("dualgland", result["dualgland"])
    table.add_row("python", f"{result['python']}, {result['executable']}")
    table.add_row("system", f"{result['platform']}, {result['cpus']} processors")
    if result["memory_gib"]:
        memory = result["memory_gib"]
        table.add_row("memory", f"{memory['total']} GiB, {memory['free']} GiB free")
    for package, version in result["packages"].items():
        table.add_row(package, version or "not installed")
    for name, what in result["devices"].items():
        table.add_row(f"device {name}", what)
    threads = result["threads"]
    said = f"{threads['count']}, {threads['why']}; they wait {threads['waiting']}"
    table.add_row("threads", said)
    for name, state in result["models"].items():
        table.add_row(f"model {name}", state)
    table.add_row("your models", result["models_folder"])
    bindings = ", ".join(f"{name} {version}" for name, version in result["qt"]["bindings"].items())
    table.add_row("Qt", bindings or "not installed")
    table.add_row("screen", "yes" if result["screen"] else "no")
    to.print(table)
    for line in result["lacking"]:
        to.print(f"lacking: {line}", soft_wrap=True)
    if not result["lacking"]:
        to.print("nothing is lacking")
