"""What libraries and the system raise, as refusals: the one place that knows their exceptions.

Most are told where they are raised, with the file and the way out. What gets through to here is
still no bug where a library has an exception of its own for it; all else is one.
"""

from __future__ import annotations

import errno

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.memory import is_out_of_memory

_OF_THE_SYSTEM = {
    errno.ENOENT: Kind.NOT_THERE,
    errno.ENOTDIR: Kind.NOT_A_FILE,
    errno.EISDIR: Kind.NOT_A_FILE,
    errno.EROFS: Kind.UNWRITABLE,
    errno.ENOSPC: Kind.NO_SPACE,
    errno.EDQUOT: Kind.NO_SPACE,
    errno.EFBIG: Kind.NO_SPACE,
    errno.ENAMETOOLONG: Kind.BAD_VALUE,
    errno.EINVAL: Kind.BAD_VALUE,
    errno.ETIMEDOUT: Kind.TIMEOUT,
    errno.ENOMEM: Kind.TOO_LARGE,
}
_OF_LIBRARIES = {
    "requests": (Kind.NETWORK, "the network"),
    "urllib3": (Kind.NETWORK, "the network"),
    "yaml": (Kind.DAMAGED, "a YAML file"),
    "zarr": (Kind.DAMAGED, "an OME-Zarr"),
    "numcodecs": (Kind.DAMAGED, "an OME-Zarr"),
    "tifffile": (Kind.DAMAGED, "a TIFF"),
    "imagecodecs": (Kind.DAMAGED, "an image"),
    "PIL": (Kind.DAMAGED, "an image"),
    "zipfile": (Kind.DAMAGED, "a packed file"),
    "zlib": (Kind.DAMAGED, "a packed file"),
    "_lzma": (Kind.DAMAGED, "a packed file"),
    "safetensors": (Kind.DAMAGED, "a model's weights"),
    "xml": (Kind.DAMAGED, "an XML file"),
}
"""By the package that defines an exception; what builtins raise is told apart below."""

_SMALLER = "work on a smaller image or fewer planes, or close other programs"


def refusal_of(error: Exception) -> DualglandError | None:
    """Return what went wrong as a refusal; None where it is a bug."""
    if isinstance(error, DualglandError):
        return error
    if is_out_of_memory(error):
        return DualglandError(Kind.TOO_LARGE, "memory", "there is not enough", way_out=_SMALLER)
    if isinstance(error, UnicodeEncodeError) and "surrogates" in error.reason:
        found = "the name holds bytes that are no UTF-8"
        return DualglandError(Kind.BAD_VALUE, error.object, found, way_out="rename it")
    for definer in type(error).__mro__:
        known = _OF_LIBRARIES.get(definer.__module__.partition(".")[0])
        if known is not None:
            kind, place = known
            return DualglandError(kind, place, f"{type(error).__name__}: {error}")
    if isinstance(error, OSError):
        return _of_the_system(error)
    return None


def _of_the_system(error: OSError) -> DualglandError:
    kind = _OF_THE_SYSTEM.get(error.errno or 0, Kind.UNREADABLE)
    if isinstance(error, ConnectionError):
        kind = Kind.NETWORK
    place = error.filename if isinstance(error.filename, str) else "the system"
    return DualglandError(kind, place or "''", error.strerror or f"{type(error).__name__}: {error}")
