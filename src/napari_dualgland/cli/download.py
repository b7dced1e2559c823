"""``dualgland download``: fields of view of the Human Protein Atlas, with their licence."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_dualgland.cli.console import progress_bar
from napari_dualgland.cli.options import options_of
from napari_dualgland.errors import DualglandError, Kind

if TYPE_CHECKING:
    from rich.console import Console

    from napari_dualgland.io.atlas import Addresses, Download, Query

_GO_ON = "run the same command again to go on"
_FORMS = {
    "gene": "a gene's symbol is letters and digits, e.g. TP53",
    "ensg": "Ensembl's number of a gene is ENSG and 11 digits, e.g. ENSG00000141510",
    "antibody": "an antibody is HPA or CAB and 6 digits, e.g. HPA051244, or its number",
}


def run(
    out: Path, release: str | None, rate: float, *, deep: bool, dry_run: bool, **asked: Any
) -> dict[str, Any]:
    """Find fields of view, fetch them, and tell what came.

    Parameters
    ----------
    out : pathlib.Path
        The target folder.
    release : str or None
        Release of the atlas; None for the one that this version was written for.
    rate : float
        Requests per second.
    deep : bool
        16-bit images where there are any.
    dry_run : bool
        Only list.
    **asked
        The conditions and the limit of :class:`~napari_dualgland.io.atlas.Query`.

    Returns
    -------
    dict
        What was done, ready for JSON.

    Raises
    ------
    DualglandError
        If anything did not come; what came is in the folder and its manifest.
    """
    from napari_dualgland.io.atlas import Fetcher, Query, RequestPolicy, download
    from napari_dualgland.io.atlas.addresses import addresses_from
    from napari_dualgland.progress import Progress

    query = options_of(Query, asked, _FORMS)
    addresses = addresses_from(release)
    fetcher = Fetcher(addresses, options_of(RequestPolicy, {"rate": rate}))
    try:
        with progress_bar("downloading") as bar:
            result = download(
                query,
                out,
                fetcher,
                deep=deep,
                dry_run=dry_run,
                step=lambda done, total, what: bar(Progress(done, total, what)),
            )
    except KeyboardInterrupt:
        found = "interrupted; what had come is there"
        raise DualglandError(Kind.INTERRUPTED, out, found, way_out=_GO_ON) from None
    if result.failed:
        raise DualglandError(
            Kind.NETWORK,
            out,
            f"{len(result.failed)} of {len(result.fields)} fields of view did not come, the first: "
            f"{result.failed[0]}; the others are there",
            way_out=_GO_ON,
        )
    return describe(result, query, addresses, out)


def describe(result: Download, query: Query, addresses: Addresses, out: Path) -> dict[str, Any]:
    """Return what is to be told of a download, ready for JSON.

    Parameters
    ----------
    result : object
        What was fetched.
    query : object
        What was asked for.
    addresses : object
        Of the release.
    out : pathlib.Path

    Returns
    -------
    dict
    """
    return {
        "output": str(out.absolute()),
        "dry_run": result.manifest is None,
        "release": addresses.release,
        "query": query.conditions,
        "fields": [field.model_dump(mode="json") for field in result.fields],
        "prefixes": [str(prefix) for prefix in result.prefixes],
        "urls": result.urls,
        "fetched": result.fetched,
        "kept": result.kept,
        "notes": result.notes,
        "manifest": str(result.manifest.absolute()) if result.manifest else None,
        "licence": addresses.licence,
        "licence_url": addresses.licence_url,
    }


def show(result: dict[str, Any], to: Console) -> None:
    """Show the result of :func:`run` to a person.

    Parameters
    ----------
    result : dict
        What :func:`run` returned.
    to : rich.console.Console
    """
    from rich.table import Table

    table = Table("field", "gene", "antibody", "cells", "locations", box=None, pad_edge=False)
    for field in result["fields"]:
        table.add_row(
            *(field[key] for key in ("id", "gene", "antibody", "cell_line")),
            ", ".join(field["locations"]),
        )
    to.print(table)
    for note in result["notes"]:
        to.print(f"note: {note}", soft_wrap=True)
    if result["dry_run"]:
        for url in result["urls"]:
            to.print(url, soft_wrap=True)
        to.print(f"nothing was fetched; {len(result['urls'])} images would be asked for")
    else:
        to.print(f"{result['fetched']} images fetched, {result['kept']} were there already")
        to.print(f"manifest: {result['manifest']}", soft_wrap=True)
        to.print(f"open one: dualgland impute {result['prefixes'][0]} --out …")
    to.print(
        f"images: Human Protein Atlas, release {result['release']}, {result['licence']}; "
        "pass them on with the credit that the manifest gives",
        soft_wrap=True,
    )
