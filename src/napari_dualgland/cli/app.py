"""The verbs of the command line and their options.

This file holds the signatures alone and loads neither torch nor napari, so that ``--help``
answers at once; each verb lives in a file of its own and is imported when it is called.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import BaseModel

from napari_dualgland._version import __version__
from napari_dualgland.cli.console import REFUSED, answer, guarded
from napari_dualgland.cli.words import Verb, path_given
from napari_dualgland.compartments.params import BoundariesParams
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.imputation.params import ImputeParams
from napari_dualgland.localization.params import LocalizeParams

DEFAULTS = ImputeParams()
LOCALIZE = LocalizeParams()
BOUNDARIES = BoundariesParams()

app = typer.Typer(
    name="dualgland",
    help="Repair Human Protein Atlas stacks, and say where in the cell a protein is.",
    add_completion=False,
    pretty_exceptions_enable=False,
    # Of plain text: the boxes take as long to load as everything else that help needs.
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _says(params: type[BaseModel], name: str) -> str:
    """Return what a field of parameters says of itself: the same as in the docks."""
    return params.model_fields[name].description or ""


Json = Annotated[bool, typer.Option("--json", help="Write the result as JSON to stdout.")]
Model = Annotated[str, typer.Option(metavar="NAME|FILE", help=_says(ImputeParams, "model"))]
Device = Annotated[str, typer.Option(help=_says(ImputeParams, "device"))]
Precision = Annotated[str, typer.Option(help=_says(ImputeParams, "precision"))]
Seed = Annotated[int, typer.Option(help=_says(ImputeParams, "seed"))]
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
Tile = Annotated[int, typer.Option(help=_says(ImputeParams, "tile"))]


def _given(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options that a person has given."""
    return {name: value for name, value in options.items() if value is not None}


def _version(asked: bool) -> None:
    if asked:
        sys.stdout.write(f"dualgland {__version__}\n")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error came from.")] = False,
) -> None:
    """Repair Human Protein Atlas stacks, and say where in the cell a protein is."""


@app.command(cls=Verb)
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
    rehearse: Annotated[
        bool,
        typer.Option("--rehearse/--no-rehearse", help=_says(ImputeParams, "rehearse")),
    ] = DEFAULTS.rehearse,
    adapt: Annotated[
        bool,
        typer.Option("--adapt/--no-adapt", help=_says(ImputeParams, "adapt")),
    ] = DEFAULTS.adapt,
    samples: Annotated[
        int, typer.Option(metavar="N", help=_says(ImputeParams, "samples"))
    ] = DEFAULTS.samples,
    plausible: Annotated[
        bool,
        typer.Option("--plausible", help=_says(ImputeParams, "plausible")),
    ] = DEFAULTS.plausible,
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


@app.command(cls=Verb)
def localize(
    source: Source,
    out: Annotated[
        Path, typer.Option(parser=path_given, metavar="DIR", help="Where the files go.")
    ],
    cells: Annotated[
        Path | None,
        typer.Option(
            parser=path_given, metavar="LABELS.tif", help="Labels of the cells; found if left out."
        ),
    ] = None,
    missing: Damaged = "auto",
    channels: Channels = None,
    pixel_size: PixelSize = None,
    model: Model = LOCALIZE.model,
    device: Device = LOCALIZE.device,
    threshold: Annotated[
        float | None,
        typer.Option(metavar="P", help=_says(LocalizeParams, "threshold")),
    ] = LOCALIZE.threshold,
    nucleus_um: Annotated[
        float, typer.Option(metavar="µm", help=_says(LocalizeParams, "nucleus_um"))
    ] = LOCALIZE.nucleus_um,
    smallest_um2: Annotated[
        float, typer.Option(metavar="µm²", help=_says(LocalizeParams, "smallest_um2"))
    ] = LOCALIZE.smallest_um2,
    impute_first: Annotated[
        bool, typer.Option("--impute-first", help="Fill what is damaged before looking.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Say in which places of each cell the protein is, as a table, labels, maps and a picture."""
    from napari_dualgland.cli import localize as verb
    from napari_dualgland.cli.options import file_input, mask_source, options_of
    from napari_dualgland.jobs import LabelsFile, LocalizeJob, MaskFile

    options = {"model": model, "device": device, "threshold": threshold}
    options |= {"nucleus_um": nucleus_um, "smallest_um2": smallest_um2}
    mask = mask_source(missing)
    if missing == "nan":
        found = "nan is not taken here"
        raise DualglandError(Kind.BAD_VALUE, "--missing", found, expected="a mask or auto")
    job = LocalizeJob(
        input=file_input(source, channels, pixel_size),
        cells=None if cells is None else LabelsFile(path=cells),
        missing=mask if isinstance(mask, MaskFile) else None,
        impute_first=impute_first,
        params=options_of(LocalizeParams, options),
        output=out,
    )
    answer(lambda: verb.run(job), verb.show, as_json)


@app.command(cls=Verb)
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
    rehearse: Annotated[
        bool,
        typer.Option("--rehearse/--no-rehearse", help=_says(ImputeParams, "rehearse")),
    ] = DEFAULTS.rehearse,
    adapt: Annotated[
        bool,
        typer.Option("--adapt/--no-adapt", help=_says(ImputeParams, "adapt")),
    ] = DEFAULTS.adapt,
    samples: Annotated[
        int, typer.Option(metavar="N", help=_says(ImputeParams, "samples"))
    ] = DEFAULTS.samples,
    plausible: Annotated[
        bool,
        typer.Option("--plausible", help=_says(ImputeParams, "plausible")),
    ] = DEFAULTS.plausible,
    as_json: Json = False,
) -> None:
    """Work on many stacks, in processes. The same command again goes on where it was stopped."""
    from napari_dualgland.batch import StackOptions
    from napari_dualgland.cli import batch as verb
    from napari_dualgland.cli.options import file_input, mask_source, options_of

    options = {"seed": seed, "model": model, "device": device, "precision": precision}
    options |= {"tile": tile, "rehearse": rehearse, "adapt": adapt}
    options |= {"samples": samples, "plausible": plausible}
    params = options_of(ImputeParams, options)
    given = file_input(Path(), channels, pixel_size)
    of_stacks = StackOptions(
        channels=given.channels, pixel_size=given.pixel_size, missing=mask_source(missing)
    )
    asked = verb.asked(do, {"impute": params}, device)
    result = verb.run(inputs, out, asked, of_stacks, workers)
    answer(lambda: result, verb.show, as_json)
    if result["failed"]:
        raise typer.Exit(REFUSED)


@app.command(cls=Verb)
def boundaries(
    source: Source,
    out: Annotated[
        Path, typer.Option(parser=path_given, metavar="FILE.ome.tif", help="Where the maps go.")
    ],
    table: Annotated[
        Path | None,
        typer.Option(parser=path_given, metavar="FILE.csv", help="Where the set points go."),
    ] = None,
    cells: Annotated[
        Path | None,
        typer.Option(
            parser=path_given, metavar="LABELS.tif", help="Labels of the cells; found if left out."
        ),
    ] = None,
    missing: Damaged = "auto",
    channels: Channels = None,
    pixel_size: PixelSize = None,
    location: Annotated[
        str,
        typer.Option(metavar="NAME|any|localized", help=_says(BoundariesParams, "location")),
    ] = BOUNDARIES.location,
    count_imputed: Annotated[
        bool, typer.Option("--count-imputed", help=_says(BoundariesParams, "count_imputed"))
    ] = BOUNDARIES.count_imputed,
    model: Annotated[
        str, typer.Option(metavar="NAME|FILE", help=_says(BoundariesParams, "model"))
    ] = BOUNDARIES.model,
    device: Device = BOUNDARIES.device,
    nucleus_um: Annotated[
        float, typer.Option(metavar="µm", help=_says(BoundariesParams, "nucleus_um"))
    ] = BOUNDARIES.nucleus_um,
    smallest_um2: Annotated[
        float, typer.Option(metavar="µm²", help=_says(BoundariesParams, "smallest_um2"))
    ] = BOUNDARIES.smallest_um2,
    impute_first: Annotated[
        bool,
        typer.Option("--impute-first", help="Fill what is damaged; the balance before and after."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Name the compartments of every cell, map their boundaries, and tell which are off balance."""
    from napari_dualgland.cli import boundaries as verb
    from napari_dualgland.cli.options import file_input, mask_source, options_of
    from napari_dualgland.jobs import BoundariesJob, LabelsFile, MaskFile

    options = {"location": location, "count_imputed": count_imputed, "model": model}
    options |= {"device": device, "nucleus_um": nucleus_um, "smallest_um2": smallest_um2}
    if missing == "nan":
        found = "nan is not taken here"
        raise DualglandError(Kind.BAD_VALUE, "--missing", found, expected="a mask or auto")
    mask = mask_source(missing)
    job = BoundariesJob(
        input=file_input(source, channels, pixel_size),
        cells=None if cells is None else LabelsFile(path=cells),
        missing=mask if isinstance(mask, MaskFile) else None,
        impute_first=impute_first,
        params=options_of(BoundariesParams, options),
        output=out,
    )
    answer(lambda: verb.run(job, table), verb.show, as_json)


@app.command(name="run", cls=Verb)
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


@app.command(cls=Verb)
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


@app.command(cls=Verb)
def models(
    name: Annotated[str | None, typer.Argument(help="Show the whole card of this one.")] = None,
    as_json: Json = False,
) -> None:
    """List the models, or show the card of one."""
    from napari_dualgland.cli import models as verb

    answer(lambda: verb.run(name), verb.show, as_json)


@app.command(cls=Verb)
def train(
    recipe: Annotated[
        Path,
        typer.Argument(
            parser=path_given,
            metavar="RECIPE.yaml|shipped|scratch|tiny",
            help="Options that differ from the defaults; or a recipe that ships, by its name.",
        ),
    ],
    out: Annotated[Path, typer.Option(parser=path_given, metavar="DIR", help="Folder of the run.")],
    images: Annotated[
        Path | None,
        typer.Option(
            parser=path_given, metavar="DIR", help="Folder of images; over those of the recipe."
        ),
    ] = None,
    channels: Channels = None,
    name: Annotated[str | None, typer.Option(help="Of the model; over the recipe's.")] = None,
    steps: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="How many; over the recipe's.")
    ] = None,
    credit: Annotated[
        str | None, typer.Option(help="Whose images these are, for the model's card.")
    ] = None,
    install: Annotated[
        bool, typer.Option("--install", help="Put the finished model among the others.")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the newest checkpoint in DIR.")
    ] = False,
    device: Annotated[
        str | None, typer.Option(help="auto, cpu, cuda, cuda:<n> or mps; over the recipe's.")
    ] = None,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Write curves for TensorBoard, too.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Train a model by a recipe. Ctrl-C leaves a checkpoint from which --resume goes on."""
    from napari_dualgland.cli import train as verb
    from napari_dualgland.jobs.channel_words import parse_channels

    data = {
        "images": None if images is None else [str(images.absolute())],
        "channels": parse_channels(channels),
        "credit": credit if credit or images is None else "",  # the recipe's is of other images
    }
    told = {"name": name, "steps": steps, "data": _given(data) or None}
    result = verb.run(
        recipe,
        out,
        options=_given(told),
        install=install,
        resume=resume,
        device=device,
        tensorboard=tensorboard,
        as_json=as_json,
    )
    answer(lambda: result, verb.show, as_json)


@app.command(cls=Verb)
def evaluate(
    out: Annotated[
        Path, typer.Option(parser=path_given, metavar="DIR", help="Where the report goes.")
    ],
    model: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME|FILE", help="What is evaluated; may be repeated."),
    ] = None,
    ablation: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=FILE", help="A model trained without NAME; may be repeated."),
    ] = None,
    data: Annotated[
        Path, typer.Option(parser=path_given, metavar="DIR", help="Folder of the atlas collection.")
    ] = Path("../shared/data/hpa"),
    cells: Annotated[int, typer.Option(min=0, help="Held-out cells to fill.")] = 20,
    pictures: Annotated[
        Path | None,
        typer.Option(
            parser=path_given, metavar="DIR", help="Draw before and after, outside any repository."
        ),
    ] = None,
    log: Annotated[
        Path | None,
        typer.Option(parser=path_given, metavar="FILE", help="events.jsonl of the training."),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Two cases on small images.")] = False,
    as_json: Json = False,
) -> None:
    """Measure models on images that none of them was trained on."""
    from napari_dualgland.cli import evaluate as verb

    words = ["--data", str(data), "--cells", str(cells), *(["--quick"] if quick else [])]
    for name, values in (("--model", model), ("--ablation", ablation)):
        words += [word for value in values or [] for word in (name, value)]
    for name, path in (("--pictures", pictures), ("--log", log)):
        words += [name, str(path)] if path is not None else []
    answer(lambda: verb.run(out, words), verb.show, as_json)


@app.command(cls=Verb)
def download(
    gene: Annotated[str | None, typer.Option(metavar="SYMBOL", help="E.g. TP53.")] = None,
    ensg: Annotated[
        str | None, typer.Option(metavar="ENSG…", help="Ensembl's number of the gene.")
    ] = None,
    antibody: Annotated[
        str | None, typer.Option(metavar="HPA…|NUMBER", help="E.g. HPA051244, or 51244.")
    ] = None,
    cell_line: Annotated[str | None, typer.Option(metavar="NAME", help="E.g. U-2OS.")] = None,
    location: Annotated[str | None, typer.Option(metavar="NAME", help="E.g. Nucleoli.")] = None,
    out: Annotated[
        Path, typer.Option(parser=path_given, metavar="DIR", help="Where the images go.")
    ] = Path("atlas"),
    limit: Annotated[int, typer.Option(metavar="N", help="Fields of view at most.")] = 20,
    deep: Annotated[
        bool, typer.Option("--16-bit/--8-bit", help="TIFFs of 16 bits where there are any.")
    ] = False,
    release: Annotated[
        str | None, typer.Option(metavar="N", help="Release of the atlas, e.g. 24.")
    ] = None,
    rate: Annotated[float, typer.Option(help="Requests per second at most.")] = 1.0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List what would be fetched; fetch no image.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Fetch fields of view of the Human Protein Atlas. All conditions given must hold."""
    from napari_dualgland.cli import download as verb

    def work() -> dict[str, Any]:
        asked = {"gene": gene, "ensg": ensg, "antibody": antibody}
        asked |= {"cell_line": cell_line, "location": location}
        return verb.run(out, release, rate, deep=deep, dry_run=dry_run, limit=limit, **asked)

    answer(work, verb.show, as_json)


@app.command(cls=Verb)
def doctor(as_json: Json = False) -> None:
    """Tell what this machine has and lacks."""
    from napari_dualgland.cli import doctor as verb

    answer(verb.run, verb.show, as_json)


def run(words: Sequence[str]) -> int:
    """Run the command line and return its exit code."""
    debug = "--debug" in words or os.environ.get("DUALGLAND_DEBUG", "0") not in ("", "0")
    return guarded(
        lambda: app(args=words or ["--help"], prog_name="dualgland", standalone_mode=False),
        as_json="--json" in words,
        debug=debug,
    )
