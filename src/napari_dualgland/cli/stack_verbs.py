"""The verbs that work on stacks, and their options.

Signatures alone: what a verb does lives in a file of its own, which is imported when it is called.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_dualgland.cli.console import REFUSED, answer
from napari_dualgland.cli.given import (
    Adapt,
    Cells,
    Channels,
    Damaged,
    Device,
    Json,
    Missing,
    Model,
    NucleusUm,
    PixelSize,
    Plausible,
    Precision,
    Rehearse,
    Samples,
    Seed,
    SmallestUm2,
    Source,
    Tile,
    says,
)
from napari_dualgland.cli.words import path_given
from napari_dualgland.compartments.params import BoundariesParams
from napari_dualgland.imputation.params import ImputeParams
from napari_dualgland.localization.params import LocalizeParams

DEFAULTS = ImputeParams()
LOCALIZE = LocalizeParams()
BOUNDARIES = BoundariesParams()


def impute(
    source: Source,
    out: Annotated[
        Path,
        typer.Option(
            parser=path_given, metavar="FILE.ome.tif|FILE.ome.zarr", help="Where the result goes."
        ),
    ],
    missing: Missing = "auto",
    channels: Channels = None,
    pixel_size: PixelSize = None,
    region: Annotated[
        str | None,
        typer.Option(
            metavar="Y0:Y1,X0:X1", help="Fill inside this rectangle of pixels and nowhere else."
        ),
    ] = None,
    seed: Seed = DEFAULTS.seed,
    model: Model = DEFAULTS.model,
    device: Device = DEFAULTS.device,
    precision: Precision = DEFAULTS.precision,
    tile: Tile = DEFAULTS.tile,
    rehearse: Rehearse = DEFAULTS.rehearse,
    adapt: Adapt = DEFAULTS.adapt,
    samples: Samples = DEFAULTS.samples,
    plausible: Plausible = DEFAULTS.plausible,
    as_json: Json = False,
) -> None:
    """Fill in the missing pixels of a stack. Observed pixels come back bit for bit."""
    from napari_dualgland.cli import impute as verb
    from napari_dualgland.cli.options import file_input, mask_source, options_of
    from napari_dualgland.jobs import ImputeJob, Region

    options = {"seed": seed, "model": model, "device": device, "precision": precision}
    options |= {"tile": tile, "rehearse": rehearse, "adapt": adapt}
    options |= {"samples": samples, "plausible": plausible}
    job = ImputeJob(
        input=file_input(source, channels, pixel_size),
        missing=mask_source(missing),
        region=None if region is None else Region.parse(region),
        params=options_of(ImputeParams, options),
        output=out,
    )
    answer(lambda: verb.run(job), verb.show, as_json)


def localize(
    source: Source,
    out: Annotated[
        Path, typer.Option(parser=path_given, metavar="DIR", help="Where the files go.")
    ],
    cells: Cells = None,
    missing: Damaged = "auto",
    channels: Channels = None,
    pixel_size: PixelSize = None,
    model: Model = LOCALIZE.model,
    device: Device = LOCALIZE.device,
    threshold: Annotated[
        float | None,
        typer.Option(metavar="P", help=says(LocalizeParams, "threshold")),
    ] = LOCALIZE.threshold,
    nucleus_um: NucleusUm = LOCALIZE.nucleus_um,
    smallest_um2: SmallestUm2 = LOCALIZE.smallest_um2,
    impute_first: Annotated[
        bool, typer.Option("--impute-first", help="Fill what is damaged before looking.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Say in which places of each cell the protein is, as a table, labels, maps and a picture."""
    from napari_dualgland.cli import localize as verb
    from napari_dualgland.cli.options import damage_file, file_input, labels_file, options_of
    from napari_dualgland.jobs import LocalizeJob

    options = {"model": model, "device": device, "threshold": threshold}
    options |= {"nucleus_um": nucleus_um, "smallest_um2": smallest_um2}
    job = LocalizeJob(
        input=file_input(source, channels, pixel_size),
        cells=labels_file(cells),
        missing=damage_file(missing),
        impute_first=impute_first,
        params=options_of(LocalizeParams, options),
        output=out,
    )
    answer(lambda: verb.run(job), verb.show, as_json)


def boundaries(
    source: Source,
    out: Annotated[
        Path, typer.Option(parser=path_given, metavar="FILE.ome.tif", help="Where the maps go.")
    ],
    table: Annotated[
        Path | None,
        typer.Option(parser=path_given, metavar="FILE.csv", help="Where the set points go."),
    ] = None,
    cells: Cells = None,
    missing: Damaged = "auto",
    channels: Channels = None,
    pixel_size: PixelSize = None,
    location: Annotated[
        str,
        typer.Option(metavar="NAME|any|localized", help=says(BoundariesParams, "location")),
    ] = BOUNDARIES.location,
    count_imputed: Annotated[
        bool, typer.Option("--count-imputed", help=says(BoundariesParams, "count_imputed"))
    ] = BOUNDARIES.count_imputed,
    model: Annotated[
        str, typer.Option(metavar="NAME|FILE", help=says(BoundariesParams, "model"))
    ] = BOUNDARIES.model,
    device: Device = BOUNDARIES.device,
    nucleus_um: NucleusUm = BOUNDARIES.nucleus_um,
    smallest_um2: SmallestUm2 = BOUNDARIES.smallest_um2,
    impute_first: Annotated[
        bool,
        typer.Option("--impute-first", help="Fill what is damaged; the balance before and after."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Name the compartments of every cell, map their boundaries, and tell which are off balance."""
    from napari_dualgland.cli import boundaries as verb
    from napari_dualgland.cli.options import damage_file, file_input, labels_file, options_of
    from napari_dualgland.jobs import BoundariesJob

    options = {"location": location, "count_imputed": count_imputed, "model": model}
    options |= {"device": device, "nucleus_um": nucleus_um, "smallest_um2": smallest_um2}
    job = BoundariesJob(
        input=file_input(source, channels, pixel_size),
        cells=labels_file(cells),
        missing=damage_file(missing),
        impute_first=impute_first,
        params=options_of(BoundariesParams, options),
        output=out,
    )
    answer(lambda: verb.run(job, table), verb.show, as_json)


def batch(
    inputs: Annotated[
        list[Path],
        typer.Argument(
            parser=path_given,
            metavar="INPUT…",
            help="Stacks, folders of them, patterns, a table jobs.csv, or jobs as JSON.",
        ),
    ],
    out: Annotated[
        Path, typer.Option(parser=path_given, metavar="DIR", help="Where the results go.")
    ],
    do: Annotated[
        str, typer.Option(metavar="impute,localize,…", help="What is done for each stack.")
    ] = "impute",
    workers: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Processes at a time; as many as there is room for."),
    ] = None,
    missing: Missing = "auto",
    channels: Channels = None,
    pixel_size: PixelSize = None,
    seed: Seed = DEFAULTS.seed,
    model: Model = DEFAULTS.model,
    device: Device = DEFAULTS.device,
    precision: Precision = DEFAULTS.precision,
    tile: Tile = DEFAULTS.tile,
    rehearse: Rehearse = DEFAULTS.rehearse,
    adapt: Adapt = DEFAULTS.adapt,
    samples: Samples = DEFAULTS.samples,
    plausible: Plausible = DEFAULTS.plausible,
    as_json: Json = False,
) -> None:
    """Work on many stacks, in processes. The same command again goes on where it was stopped."""
    from napari_dualgland.batch import StackOptions
    from napari_dualgland.cli import batch as verb
    from napari_dualgland.cli.options import damage_file, file_input, mask_source, options_of

    options = {"seed": seed, "model": model, "device": device, "precision": precision}
    options |= {"tile": tile, "rehearse": rehearse, "adapt": adapt}
    options |= {"samples": samples, "plausible": plausible}
    params = options_of(ImputeParams, options)
    own_model = None if model == DEFAULTS.model else model
    asked = verb.asked(do, {"impute": params}, device, own_model)
    if "impute" not in asked:
        damage_file(missing)
    given = file_input(Path(), channels, pixel_size)
    of_stacks = StackOptions(
        channels=given.channels, pixel_size=given.pixel_size, missing=mask_source(missing)
    )
    result = verb.run(inputs, out, asked, of_stacks, workers)
    answer(lambda: result, verb.show, as_json)
    if result["failed"] or result["error"]:
        raise typer.Exit(REFUSED)


def again(
    job: Annotated[
        Path,
        typer.Argument(
            parser=path_given,
            metavar="JOB.json|EXPORTED",
            help="A job, or a file that one has written.",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            parser=path_given, metavar="PATH", help="Where the result goes; over the job's."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Do a job again, exactly."""
    from napari_dualgland.cli import run as verb

    answer(lambda: verb.run(job, out), verb.show, as_json)


def demo(
    out: Annotated[
        Path, typer.Option(parser=path_given, metavar="DIR", help="Where the results go.")
    ] = Path("demo"),
    no_gui: Annotated[
        bool, typer.Option("--no-gui", help="Do not open napari on the result.")
    ] = False,
    model: Model = DEFAULTS.model,
    device: Device = DEFAULTS.device,
    as_json: Json = False,
) -> None:
    """Repair the bundled sample, localize, draw boundaries; truth and other fills beside it."""
    from napari_dualgland.cli import demo as verb
    from napari_dualgland.cli.options import options_of

    params = options_of(ImputeParams, {"model": model, "device": device})
    answer(lambda: verb.run(out, params), verb.show, as_json)
    if not no_gui:
        verb.open_napari(out)
