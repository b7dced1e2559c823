"""How many threads compute and how they wait: one policy, decided before torch is loaded.

torch splits each operation on tensors between the threads of OpenMP. A thread that is done with
its share spins until the others are, by default: on a machine whose cores are shared, it holds
a core that the one it waits for could use. Two threads then cost eight times the CPU-seconds of
one, and far more where regions are small; threads that sleep while they wait cost 1.0 to 1.5
times as many (benchmarks/results/threads.md).

OpenMP is told by the environment alone, and reads it once, when its library is loaded. So the
policy is settled when this package is imported, which loads no torch. What the user has set
stays. How many there are does not hang on how busy the machine is: sums are split between
threads, and the same run shall give the same pixels.
"""

from __future__ import annotations

import functools
import math
import os
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import NamedTuple

COUNTS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OMP_THREAD_LIMIT")
"""What users set to say how many threads there are; the first of them is what we set."""
WAITS = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME", "KMP_LIBRARY")
"""What users set to say how they wait: of any OpenMP, GCC's, and the last two LLVM's."""
ASLEEP = {"OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "0"}
"""LLVM's threads spin for 0.2 s first even where the policy is passive."""

_CGROUP = Path("/sys/fs/cgroup")


class Policy(NamedTuple):
    """What was settled.

    Attributes
    ----------
    sets : dict
        What is added to the environment.
    number, waiting : str
        Who says how many threads there are, and how they wait, for people to read.
    """

    sets: Mapping[str, str]
    number: str
    waiting: str


def decide(environ: Mapping[str, str], loaded: Collection[str], quota: int | None) -> Policy:
    """Return the policy for a process.

    Parameters
    ----------
    environ : mapping
        Its environment.
    loaded : collection of str
        Names of the modules that it has loaded.
    quota : int, optional
        Cores that its container grants it, where that is fewer than it sees.

    Returns
    -------
    Policy
        That adds nothing where the user has said it, or where it is too late.
    """
    counted = next((name for name in COUNTS if name in environ), None)
    waits = next((name for name in WAITS if name in environ), None)
    late = "torch" in loaded
    sets: dict[str, str] = {}
    number = "as many as cores that this process may use"
    if counted:
        number = f"as {counted}={environ[counted]} says"
    elif quota is not None and not late:
        sets[COUNTS[0]] = str(quota)
        number = "as many as cores that its container grants it"
    if waits:
        waiting = f"as {waits}={environ[waits]} says"
    elif late:
        waiting = "as torch was told, which was loaded first: perhaps spinning"
    else:
        sets |= ASLEEP
        waiting = "asleep"
    return Policy(sets, number, waiting)


@functools.cache
def settle() -> Policy:
    """Decide for this process and tell its environment; once, however often it is called."""
    policy = decide(os.environ, sys.modules, cores_granted())
    os.environ.update(policy.sets)
    return policy


def cores_granted(root: Path = _CGROUP) -> int | None:
    """Return how many cores a container's quota comes to; None if not fewer than there are.

    Parameters
    ----------
    root : pathlib.Path
        Where Linux shows its control groups, of either version.

    Returns
    -------
    int or None
        Rounded up.
    """
    for files in (("cpu.max",), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")):
        try:
            said = " ".join((root / file).read_text(encoding="ascii") for file in files).split()
            cores = math.ceil(int(said[0]) / int(said[1]))
        except (OSError, ValueError, IndexError, ZeroDivisionError):
            continue  # no such file; or "max", which is no limit
        return cores if 0 < cores < _cores() else None
    return None


def cores() -> int:
    """Return how many cores there are for this process to use."""
    return cores_granted() or _cores()


def _cores() -> int:
    """Return how many cores this process may run on."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
