"""In which precision networks compute: bfloat16 where the device has it in hardware.

A processor without bfloat16 instructions emulates them, and is then some nine times slower
than in float32 (measured, AVX2). So the device is asked, and where it matters most, before
hours of training, a few passes are timed as well. Torch is imported where it is asked: options
that name a precision are read without it.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import torch

Precision = Literal["auto", "bf16", "fp32"]

HARDWARE = {"avx512_bf16", "amx_bf16", "bf16", "sve_bf16"}
"""What processors call their bfloat16 instructions: x86 the first two, ARM the others."""

PASSES = 6
"""Timed in each precision, in turns; the fastest counts, for what else the machine does can
only make one slower."""


def processor_flags() -> set[str]:
    """Return what instructions this processor has, as torch's ``cpuinfo`` names them."""
    import torch

    asked = getattr(torch.cpu, "get_capabilities", None)
    if asked is not None:
        return {name for name, has in asked().items() if has is True}
    # Before torch 2.10.
    older = {
        "avx512_bf16": torch.cpu._is_avx512_bf16_supported,
        "amx_bf16": torch.cpu._is_amx_tile_supported,
    }
    return {name for name, has in older.items() if has()}


def has_bfloat16(device: torch.device) -> bool:
    """Return whether a device multiplies bfloat16 numbers in hardware, by what it says itself."""
    if device.type == "cuda":
        import torch

        with torch.cuda.device(device):
            return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device.type == "cpu" and bool(HARDWARE & processor_flags())


def choose_precision(wanted: Precision, device: torch.device) -> Literal["bf16", "fp32"]:
    """Return the precision that a choice comes to on a device.

    Parameters
    ----------
    wanted : str
        ``auto``: bfloat16 where :func:`has_bfloat16` says so, float32 elsewhere; the same on
        every call. The others are taken as they are.
    device : torch.device
        Where networks will compute.

    Returns
    -------
    str
        ``bf16`` or ``fp32``.
    """
    if wanted != "auto":
        return wanted
    return "bf16" if has_bfloat16(device) else "fp32"


def time_passes(device: torch.device, width: int = 96) -> dict[str, float]:
    """Time a block of the generator, forward and backward, in both precisions.

    Parameters
    ----------
    device : torch.device
        On a CPU the process's own seconds are counted, so that others do not disturb.
    width : int
        Channels of the block.

    Returns
    -------
    dict
        Seconds of the fastest pass, by ``bf16`` and ``fp32``.
    """
    import torch

    from napari_dualgland.model.blocks import ResidualBlock

    with torch.random.fork_rng(devices=[]):  # whoever asks keeps its random numbers
        block = ResidualBlock(width).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    x = torch.ones(4, width, 32, 32, device=device, requires_grad=True)
    clock = time.process_time if device.type == "cpu" else time.perf_counter
    took = {"fp32": math.inf, "bf16": math.inf}
    for number in range(PASSES + 1):
        for name in took:
            began = clock()
            with torch.autocast(device.type, torch.bfloat16, enabled=name == "bf16"):
                block(x).float().sum().backward()
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            if number:  # the first pass prepares its kernels
                took[name] = min(took[name], clock() - began)
    return took


def choose_by_time(
    wanted: Precision, device: torch.device
) -> tuple[Literal["bf16", "fp32"], dict[str, float]]:
    """Return the precision for hours of work: as asked for, or the faster one, confirmed by time.

    Parameters
    ----------
    wanted : str
        As in :func:`choose_precision`.
    device : torch.device
        Where networks will compute.

    Returns
    -------
    precision : str
        ``bf16`` only where the hardware has it and it takes less time.
    took : dict
        What :func:`time_passes` measured; empty where there was nothing to choose.
    """
    chosen = choose_precision(wanted, device)
    if wanted != "auto" or chosen == "fp32":
        return chosen, {}
    took = time_passes(device)
    return ("bf16" if took["bf16"] < took["fp32"] else "fp32"), took
