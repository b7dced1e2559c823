"""How much memory there is, asked before an array of a size that a file claims is made.

A header of 200 bytes can claim a terabyte. Sizes are known before anything is decoded, so
they are compared with what is there, in one place, and refused in one sentence.
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from napari_dualgland.errors import DualglandError, Kind

SHARE = 0.9
"""Of what is there, so much may be asked for: the rest of the program needs some too."""
SMALLER = "close other programs, cut the field, or take fewer planes"
_CGROUP = Path("/sys/fs/cgroup")
_GIVEN_BACK = ("inactive_file", "active_file", "slab_reclaimable")
"""Of ``memory.stat``. What a program keeps in a file of ``/dev/shm`` is in none of them."""

_SAID = (
    "out of memory",
    "can't allocate memory",
    "cannot allocate memory",
    "not enough memory",
    "bad alloc",
    "bad_alloc",
    "could not create a primitive",
    "failed to map segment",
    "could not create a memory object",
    "can't start new thread",
    "storage size calculation overflowed",
)
"""What errors of allocators have in common that have no type of their own; oneDNN's speak of
primitives, and a thread needs a stack."""


def available() -> int:
    """Return how many bytes this process can still take without swapping."""
    import psutil

    limits = [int(psutil.virtual_memory().available)]  # type: ignore[no-untyped-call]
    with suppress(OSError, ValueError):  # a container's limit; "max" where it has none
        limit = int((_CGROUP / "memory.max").read_text(encoding="ascii"))
        taken = int((_CGROUP / "memory.current").read_text(encoding="ascii"))
        limits.append(limit - max(taken - _reclaimable(), 0))
    if sys.platform != "win32":
        import resource

        soft, _ = resource.getrlimit(resource.RLIMIT_AS)
        if soft != resource.RLIM_INFINITY:
            taken = psutil.Process().memory_info().vms  # type: ignore[no-untyped-call]
            limits.append(soft - int(taken))
    return max(min(limits), 0)


def _reclaimable() -> int:
    """Return how many bytes of what a container has taken the system gives back when asked.

    Files that were read or written stay in memory for as long as nobody needs it. They count
    as taken, until a container that has only copied a large file seems full.
    """
    with suppress(OSError, ValueError):
        said = (_CGROUP / "memory.stat").read_text(encoding="ascii").splitlines()
        sizes = {name: size for name, _, size in (line.partition(" ") for line in said)}
        return sum(int(sizes.get(name, 0)) for name in _GIVEN_BACK)
    return 0


def require(nbytes: int, place: str | os.PathLike[str], part: str = "", way_out: str = "") -> None:
    """Refuse what needs more memory than there is.

    Parameters
    ----------
    nbytes : int
        How many bytes are going to be needed at one time, decoding included.
    place : str or os.PathLike
        The file that claims them.
    part : str
        The page, axis or image of it.
    way_out : str
        What to do instead.

    Raises
    ------
    DualglandError
        Of kind ``too-large``.
    """
    there = available()
    if nbytes > SHARE * there:
        raise DualglandError(
            Kind.TOO_LARGE,
            place,
            f"needs {in_words(nbytes)} of memory, and {in_words(there)} are free",
            part=part,
            way_out=way_out,
        )


def give_back() -> None:
    """Let the system have what nothing refers to any more; some 20 ms after large work.

    The allocator of glibc keeps what it has freed. After a field was imputed and localized that
    is half a gigabyte, which no other program would see again.
    """
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # another libc has another allocator
            ctypes.CDLL("libc.so.6").malloc_trim(0)


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error says that memory ran out, on whatever device.

    The libraries that raise such errors are not imported to be asked.
    """
    if isinstance(error, MemoryError):
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    if type(error).__name__ == "OutOfMemoryError":  # torch's
        return True
    # ImportError: the loader had no room for a library that is loaded on first use.
    kinds = (RuntimeError, ImportError)
    return isinstance(error, kinds) and any(said in str(error).lower() for said in _SAID)


@contextmanager
def refused_where_memory_runs_out(
    place: str | os.PathLike[str], way_out: str = SMALLER
) -> Iterator[None]:
    """Turn a lack of memory that nothing could be done about into one sentence.

    Parameters
    ----------
    place : str or os.PathLike
        What was worked on.
    way_out : str
        What to do instead.

    Yields
    ------
    None

    Raises
    ------
    DualglandError
        Of kind ``too-large``.
    """
    try:
        yield
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        said = " ".join(str(error).split())[:200] or type(error).__name__
        found = f"there is not enough memory ({said})"
        raise DualglandError(Kind.TOO_LARGE, place, found, way_out=way_out) from error


def in_words(nbytes: int) -> str:
    """Return a size as a person reads it, such as ``1.8 TiB``."""
    size, units = float(nbytes), ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
    while size >= 1024 and len(units) > 1:
        size, units = size / 1024, units[1:]
    return f"{size:.0f} {units[0]}" if units[0] == "bytes" else f"{size:.3g} {units[0]}"
