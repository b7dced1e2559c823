"""``python -m dualgland_training.evaluate --out DIR``: what ``dualgland evaluate`` starts."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from dualgland_training.trainer.stopping import follow_starter
from napari_dualgland.errors import DualglandError, Kind

REFUSED = 2


def _main(
    out: Annotated[Path, typer.Option(help="Folder for the report.")],
    model: Annotated[list[str] | None, typer.Option(help="Name or file; may be repeated.")] = None,
    ablation: Annotated[list[str] | None, typer.Option(help="NAME=FILE; may be repeated.")] = None,
    data: Annotated[Path, typer.Option(help="The atlas folder.")] = Path("../shared/data/hpa"),
    cells: Annotated[int, typer.Option(min=0, help="Held-out cells to fill.")] = 20,
    pictures: Annotated[Path | None, typer.Option(help="Folder outside any repository.")] = None,
    log: Annotated[Path | None, typer.Option(help="events.jsonl of the training.")] = None,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads of every method.")] = 1,
    jobs: Annotated[int, typer.Option(min=1, help="Methods run at the same time.")] = 1,
    fills: Annotated[
        Path | None, typer.Option(help="Keep fills there, and go on from those that are done.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Of the report's files.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Two cases on small images.")] = False,
    measurements: Annotated[
        bool,
        typer.Option(
            "--measurements", help="Instead: what damage and fills do to counts and intensities."
        ),
    ] = False,
    seeds: Annotated[
        int, typer.Option(min=1, help="With --measurements: damages of a kind in each field.")
    ] = 2,
) -> None:
    """Evaluate models on images that none of them was trained on."""

    follow_starter()

    def say(line: str) -> None:
        typer.echo(line, err=True)

    # What is left out is for each evaluation to say.
    given: dict[str, Any] = {"data": data, "out": out, "quick": quick}
    given |= {"models": tuple(model)} if model else {}
    given |= {"name": name} if name else {}
    try:
        if measurements:
            if ablation or pictures or log or fills:
                found = "was given with an option of the other evaluation"
                expected = "--model, --data, --seeds, --quick, --name and no other"
                raise DualglandError(Kind.BAD_VALUE, "--measurements", found, expected=expected)
            from dualgland_training.evaluate.measurements.run import (
                MeasurementOptions,
                tabulate_measurements,
            )

            tabulate_measurements(MeasurementOptions(**given, seeds=seeds), say)
            return
        pairs = [pair.partition("=") for pair in ablation or []]
        if not all(key and file for key, _, file in pairs):
            expected = "NAME=FILE, e.g. no-SG=no_sg.safetensors"
            raise DualglandError(Kind.BAD_VALUE, "--ablation", "no name", expected=expected)
        # Not above: a mistyped option is told before torch is loaded.
        from dualgland_training.evaluate.run import EvaluateOptions, evaluate

        options = EvaluateOptions(
            **given,
            ablations={key: file for key, _, file in pairs},
            cells=cells,
            threads=threads,
            jobs=jobs,
            fills=fills,
            pictures=pictures,
            log=log,
        )
        evaluate(options, say)
    except DualglandError as error:
        sys.stderr.write(f"{error}\n")
        raise typer.Exit(REFUSED) from None


if __name__ == "__main__":
    typer.run(_main)
