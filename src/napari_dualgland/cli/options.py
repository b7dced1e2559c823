"""What a person types, as the records that the program works with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from napari_dualgland.errors import DualglandError
from napari_dualgland.jobs import Detect, FileInput, MaskFile
from napari_dualgland.pixel_size import stated

Record = TypeVar("Record", bound=BaseModel)


def parse_channels(text: str | None) -> dict[str, int | str] | None:
    """Return ``microtubules=0,protein=GFP`` as a mapping from role to position or name.

    Raises
    ------
    DualglandError
        If the text is not of that form, or gives a role twice.
    """
    if text is None:
        return None
    mapping: dict[str, int | str] = {}
    for part in text.split(","):
        role, equals, key = (piece.strip() for piece in part.partition("="))
        if not (role and equals and key):
            raise DualglandError(
                f"--channels {text}: {part.strip()!r} is not role=position or role=name; "
                "write e.g. microtubules=0,protein=1,nucleus=2,er=3"
            )
        if role in mapping:
            raise DualglandError(f"--channels {text}: {role} is given twice")
        mapping[role] = int(key) if key.isdigit() else key
    return mapping


def file_input(path: Path, channels: str | None, pixel_size: float | None) -> FileInput:
    """Return the input that a command line names.

    Parameters
    ----------
    path : pathlib.Path
    channels : str or None
        As :func:`parse_channels` takes it.
    pixel_size : float or None
        µm.

    Returns
    -------
    FileInput

    Raises
    ------
    DualglandError
        If the channels are mistyped, or no light microscope has such pixels.
    """
    size = None if pixel_size is None else stated(pixel_size).x
    return FileInput(path=path, channels=parse_channels(channels), pixel_size=size)


def options_of(
    kind: type[Record], options: Mapping[str, Any], forms: Mapping[str, str] | None = None
) -> Record:
    """Return a record of options; what it refuses is told by the name of the option.

    Parameters
    ----------
    kind : type
        A pydantic model.
    options : mapping
        Its fields.
    forms : mapping of str to str, optional
        By option, what to say where a text does not have the form that it should have.

    Returns
    -------
    pydantic.BaseModel

    Raises
    ------
    DualglandError
        For a value that it refuses.
    """
    try:
        return kind(**options)
    except ValidationError as error:
        first = error.errors()[0]
        option = str(first["loc"][0]).replace("_", "-")
        why = first["msg"].lower()
        if first["type"] == "string_pattern_mismatch":
            why = (forms or {}).get(option, "not of the form that it should have")
        raise DualglandError(f"--{option} {first['input']}: {why}") from None


def mask_source(text: str) -> Detect | MaskFile:
    """Return what ``--missing`` asks for: ``auto``, ``nan``, or the path of a mask."""
    if text in ("auto", "nan"):
        return Detect() if text == "auto" else Detect.nan_only()
    return MaskFile(path=Path(text))
