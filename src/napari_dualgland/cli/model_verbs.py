"""The verbs about models, data and this machine, and their options.

Signatures alone: what a verb does lives in a file of its own, which is imported when it is called.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from napari_dualgland.cli.console import answer
from napari_dualgland.cli.given import Channels, Json
from napari_dualgland.cli.words import path_given


def _given(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options that a person has given."""
    return {name: value for name, value in options.items() if value is not None}


def models(
    name: Annotated[str | None, typer.Argument(help="Show the whole card of this one.")] = None,
    as_json: Json = False,
) -> None:
    """List the models, or show the card of one."""
    from napari_dualgland.cli import models as verb

    answer(lambda: verb.run(name), verb.show, as_json)


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
    measurements: Annotated[
        bool,
        typer.Option(
            "--measurements",
            help="Instead: what damage and fills do to counts, areas and intensities of cells.",
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Measure models on images that none of them was trained on."""
    from napari_dualgland.cli import evaluate as verb

    words = ["--data", str(data), "--cells", str(cells)]
    words += [f"--{word}" for word in ["quick"] * quick + [verb.MEASUREMENTS] * measurements]
    for name, values in (("--model", model), ("--ablation", ablation)):
        words += [word for value in values or [] for word in (name, value)]
    for name, path in (("--pictures", pictures), ("--log", log)):
        words += [name, str(path)] if path is not None else []
    answer(lambda: verb.run(out, words), verb.show, as_json)


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


def doctor(as_json: Json = False) -> None:
    """Tell what this machine has and lacks."""
    from napari_dualgland.cli import doctor as verb

    answer(verb.run, verb.show, as_json)
