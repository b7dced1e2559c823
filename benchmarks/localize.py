"""Where the protein is: how often it is told rightly, and what damage and filling do to that.

``python benchmarks/localize.py [--only SECTION …]`` writes ``benchmarks/results/localize.json``
and ``.md``; a section that is run alone replaces its own part and leaves the others. Sections:
cells, dictionary, fields, damage, dense, speed, ablation. The pixels are read from the atlas
collection beside the repository and never written there; features and fills are kept in a
scratch folder, and a run that was stopped goes on from them.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from localization_report.report import SECTIONS, run_sections
from localization_report.setting import Setting
from napari_dualgland.errors import DualglandError, Kind

HERE = Path(__file__).parent
DATA = HERE.parents[1] / "shared" / "data" / "hpa"
SCRATCH = Path(tempfile.gettempdir()) / "dualgland-localize"


def _pairs(given: list[str] | None, option: str) -> dict[str, str]:
    pairs = [pair.partition("=") for pair in given or []]
    if not all(key and value for key, _, value in pairs):
        raise DualglandError(Kind.BAD_VALUE, option, "cannot be read", expected="NAME=FILE")
    return {key: value for key, _, value in pairs}


def main(
    only: Annotated[list[str] | None, typer.Option(help="Section; may be repeated.")] = None,
    model: Annotated[str, typer.Option(help="Localizer, by name or file.")] = "localizer",
    judge: Annotated[
        list[str] | None, typer.Option(help="Another localizer, NAME=FILE; may be repeated.")
    ] = None,
    folds: Annotated[
        Path | None, typer.Option(help="CSV of what networks said of cells not taught.")
    ] = None,
    ablation: Annotated[
        list[str] | None, typer.Option(help="NAME=FILE of such a CSV; may be repeated.")
    ] = None,
    bank: Annotated[Path | None, typer.Option(help="Drawn cells that were not taught.")] = None,
    generator: Annotated[str, typer.Option(help="What imputes.")] = "generator",
    adapt: Annotated[bool, typer.Option(help="Learn inside the image when imputing.")] = True,
    case: Annotated[
        list[str] | None, typer.Option(help="Kind of damage; may be repeated; else all.")
    ] = None,
    cells: Annotated[int, typer.Option(min=0, help="Damaged cells at most; 0 for all.")] = 60,
    drawn: Annotated[int, typer.Option(min=1, help="Drawn cells for the dense layers.")] = 190,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads.")] = 2,
    data: Annotated[Path, typer.Option(help="The atlas collection.")] = DATA,
    scratch: Annotated[Path, typer.Option(help="Keeps features and fills.")] = SCRATCH,
    out: Annotated[Path, typer.Option(help="Folder of the report.")] = HERE / "results",
) -> None:
    """Run all sections, or some of them, and write the report."""
    try:
        setting = Setting(
            data=data,
            model=model,
            judges=_pairs(judge, "--judge"),
            folds=folds,
            ablations={k: Path(v) for k, v in _pairs(ablation, "--ablation").items()},
            bank=bank,
            scratch=scratch,
            generator=generator,
            adapt=adapt,
            cases=tuple(case or ()),
            cells=cells,
            drawn=drawn,
            threads=threads,
        )
        run_sections(only or list(SECTIONS), setting, out, lambda text: typer.echo(text, err=True))
    except DualglandError as error:
        typer.echo(f"localize: {error}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    typer.run(main)
