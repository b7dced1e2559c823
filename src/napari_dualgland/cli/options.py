"""What a person types, as the records that the program works with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from napari_dualgland.cli.words import path_given
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.jobs import Detect, FileInput, LabelsFile, MaskFile
from napari_dualgland.jobs.channel_words import parse_channels
from napari_dualgland.pixel_size import stated

_SHOWN = 80
Record = TypeVar("Record", bound=BaseModel)


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
        given = str(first["input"])
        shown = given if len(given) <= _SHOWN else f"{given[:_SHOWN]}…"
        raise DualglandError(
            Kind.BAD_VALUE, f"--{option}", f"{shown}: {why}", way_out="see --help"
        ) from None


def mask_source(text: str) -> Detect | MaskFile:
    """Return what ``--missing`` asks for: ``auto``, ``nan``, or the path of a mask."""
    if text in ("auto", "nan"):
        return Detect() if text == "auto" else Detect.nan_only()
    return MaskFile(path=path_given(text, "--missing"))


def damage_file(text: str) -> MaskFile | None:
    """Return the mask that ``--missing`` names where NaN alone is no damage to look past.

    Raises
    ------
    DualglandError
        For ``nan``.
    """
    if text == "nan":
        found = "nan is not taken here"
        raise DualglandError(Kind.BAD_VALUE, "--missing", found, expected="a mask or auto")
    mask = mask_source(text)
    return mask if isinstance(mask, MaskFile) else None


def labels_file(path: Path | None) -> LabelsFile | None:
    """Return the labels that ``--cells`` names."""
    return None if path is None else LabelsFile(path=path)
