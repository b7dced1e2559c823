"""Options that several verbs of the command line take, each said once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel

from napari_dualgland.cli.words import path_given
from napari_dualgland.imputation.params import ImputeParams
from napari_dualgland.localization.params import LocalizeParams


def says(params: type[BaseModel], name: str) -> str:
    """Return what a field of parameters says of itself: the same as in the docks.

    Parameters
    ----------
    params : type
        A pydantic model.
    name : str
        Of the field.

    Returns
    -------
    str
    """
    return params.model_fields[name].description or ""


Json = Annotated[bool, typer.Option("--json", help="Write the result as JSON to stdout.")]
Model = Annotated[str, typer.Option(metavar="NAME|FILE", help=says(ImputeParams, "model"))]
Device = Annotated[str, typer.Option(help=says(ImputeParams, "device"))]
Precision = Annotated[str, typer.Option(help=says(ImputeParams, "precision"))]
Seed = Annotated[int, typer.Option(help=says(ImputeParams, "seed"))]
Source = Annotated[
    Path,
    typer.Argument(
        parser=path_given,
        metavar="INPUT",
        help="A TIFF or OME-TIFF; or any member, the prefix or the folder of an HPA set.",
    ),
]
Missing = Annotated[
    str,
    typer.Option(
        metavar="MASK.tif|auto|nan",
        help="YX or CYX, non-zero = missing; auto finds the damage, nan takes NaN alone.",
    ),
]
Damaged = Annotated[
    str,
    typer.Option(
        metavar="MASK.tif|auto", help="YX or CYX, non-zero = missing; auto finds the damage."
    ),
]
Channels = Annotated[
    str | None,
    typer.Option(
        metavar="ROLE=CHANNEL,…", help="E.g. microtubules=0,protein=1,nucleus=2,er=3; or names."
    ),
]
PixelSize = Annotated[
    float | None,
    typer.Option(metavar="µm", help="Of square pixels, where the file does not say it rightly."),
]
Tile = Annotated[int, typer.Option(help=says(ImputeParams, "tile"))]
Rehearse = Annotated[
    bool, typer.Option("--rehearse/--no-rehearse", help=says(ImputeParams, "rehearse"))
]
Adapt = Annotated[bool, typer.Option("--adapt/--no-adapt", help=says(ImputeParams, "adapt"))]
Samples = Annotated[int, typer.Option(metavar="N", help=says(ImputeParams, "samples"))]
Plausible = Annotated[bool, typer.Option("--plausible", help=says(ImputeParams, "plausible"))]
Cells = Annotated[
    Path | None,
    typer.Option(
        parser=path_given, metavar="LABELS.tif", help="Labels of the cells; found if left out."
    ),
]
NucleusUm = Annotated[float, typer.Option(metavar="µm", help=says(LocalizeParams, "nucleus_um"))]
SmallestUm2 = Annotated[
    float, typer.Option(metavar="µm²", help=says(LocalizeParams, "smallest_um2"))
]
