"""OME-Zarr: images of the NGFF specification, on disk, from version 0.1 to 0.5.

The full resolution of an image becomes a stack; a large one stays lazy. zarr itself is no
base dependency: it comes with the extra ``zarr`` and is asked for only where a path is one.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dualgland.errors import DualglandError
from napari_dualgland.io.pixel_sizes import believed, believed_step
from napari_dualgland.io.tiff import LAZY_BYTES
from napari_dualgland.stack import Channel, Stack

if TYPE_CHECKING:
    import zarr

_MARKS = (".zgroup", "zarr.json")
_AXES_BEFORE_0_4 = "TCZYX"
"""Of images that do not name their axes; version 0.3 and before knew no other order."""


def is_ome_zarr(path: Path) -> bool:
    """Whether a folder is a zarr group, by its name or by what lies in it."""
    if not path.is_dir():
        return False
    return path.suffix == ".zarr" or any((path / mark).is_file() for mark in _MARKS)


def read_ome_zarr(path: Path) -> Stack:
    """Read the full resolution of an OME-Zarr image; channels get no role.

    Parameters
    ----------
    path : pathlib.Path
        Of the image: a ``.zarr`` folder, or the folder of a field inside a plate.

    Returns
    -------
    Stack
        Axes and dtype of the file; a dask array above 64 MB.

    Raises
    ------
    DualglandError
        If zarr is not installed, the folder holds no image or several, or it is damaged.
    """
    try:
        import zarr
    except ImportError:
        raise DualglandError(
            f"{path}: reading OME-Zarr needs zarr; pip install 'napari-dualgland[zarr]'"
        ) from None
    try:
        group = zarr.open_group(path, mode="r")
        said = _said(group)
        if "plate" in said or "well" in said:
            raise DualglandError(
                f"{path}: is a plate or a well; give the folder of one field, such as "
                f"{path / ('A/1/0' if 'plate' in said else '0')}"
            )
        if "multiscales" not in said and "0" in group:
            # What bioformats2raw writes: a folder of series, the image is the first.
            group = zarr.open_group(path / "0", mode="r")
            said = _said(group)
        if not said.get("multiscales"):
            raise DualglandError(f"{path}: holds no OME-Zarr image (no multiscales)")
        return _stack_of(path, group, said)
    except DualglandError:
        raise
    # What zarr and its codecs raise on a damaged group has no common base.
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, AttributeError) as error:
        what = " ".join(str(error).split()) or type(error).__name__
        raise DualglandError(f"{path}: is no OME-Zarr, or a damaged one ({what})") from error


def _said(group: zarr.Group) -> Mapping[str, Any]:
    """Return the OME metadata of a group; since 0.5 they stand under a key of their own."""
    said: Any = group.attrs.asdict()
    ours = said.get("ome", said)
    return ours if isinstance(ours, Mapping) else {}


def _stack_of(path: Path, group: zarr.Group, said: Mapping[str, Any]) -> Stack:
    image = said["multiscales"][0]
    level = image["datasets"][0]
    array: Any = group[level["path"]]
    named = image.get("axes")
    axes = _AXES_BEFORE_0_4[-array.ndim :] if named is None else "".join(map(_letter, named))
    units = [a.get("unit") if isinstance(a, Mapping) else None for a in named or axes]
    scales = _scales(image, level, array.ndim)
    steps = {a: (s, u) for a, s, u in zip(axes, scales, units, strict=True)}
    size, odd_sizes = believed("the OME-Zarr", steps)
    step, odd_step = believed_step("the OME-Zarr", steps.get("T", (None, None)))
    name = path.name.split(".", 1)[0]
    return Stack(
        _pixels(array),
        axes,
        _channels(said, dict(zip(axes, array.shape, strict=True)).get("C", 1)),
        size,
        step,
        name=image.get("name") or name,
        source=str(path),
        notes=odd_sizes + odd_step,
    )


def _letter(axis: Any) -> str:
    return str(axis["name"] if isinstance(axis, Mapping) else axis).upper()


def _scales(image: Mapping[str, Any], level: Mapping[str, Any], count: int) -> list[float]:
    """Return the size of a pixel along each axis: scales of the level times the image's."""
    product = np.ones(count)
    for holder in (level, image):
        for step in holder.get("coordinateTransformations", ()):
            if step.get("type") == "scale":
                product *= np.asarray(step["scale"], float)
    return [float(p) for p in product]


def _channels(said: Mapping[str, Any], count: int) -> tuple[Channel, ...]:
    told = (said.get("omero") or {}).get("channels") or []
    if len(told) != count:
        return tuple(Channel(f"channel {i}") for i in range(count))
    return tuple(
        Channel(str(c.get("label") or f"channel {i}"), None, _colour(c.get("color")))
        for i, c in enumerate(told)
    )


def _colour(text: Any) -> str | None:
    digits = str(text or "").removeprefix("#")
    try:
        return f"#{int(digits, 16):06X}" if len(digits) == 6 else None
    except ValueError:
        return None


def _pixels(array: Any) -> Any:
    if array.nbytes <= LAZY_BYTES:
        return np.asarray(array[...])
    import dask.array as da

    return da.from_zarr(array)
