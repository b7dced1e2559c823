"""From a query to fields of view, by the shortest way there is.

Genes and locations are looked up in the table of locations, and then page by page. For an
antibody or a cell line alone there is no table: the file of all genes is read through.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from contextlib import closing
from functools import partial

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.io.atlas.fetch import Fetcher, NotThere
from napari_dualgland.io.atlas.file_checks import Damaged, WrongContent, check_gzip
from napari_dualgland.io.atlas.gene_xml import check_gene_page, read_fields
from napari_dualgland.io.atlas.query import Field, Query
from napari_dualgland.io.atlas.table import Row, check_table, find_genes, read_table

log = logging.getLogger(__name__)

PAGE_LIMIT = 2**26
TABLE_LIMIT = 2**25
ALL_GENES_LIMIT = 2**32
"""Bytes that a gene's page, the table and the file of all genes may have as they come."""

Step = Callable[[int, int, str], None]
"""Takes how much is done, of how much (0 where that is not known), and of what."""


def find_fields(query: Query, fetcher: Fetcher, step: Step, skipped: list[str]) -> list[Field]:
    """Return the fields of view that meet a query, in the order of the atlas.

    Parameters
    ----------
    query : Query
        At least one condition.
    fetcher : Fetcher
        Fetches the pages; those of this release that are in the cache are not asked for.
    step : callable
        Is told of every page.
    skipped : list of str
        Is added to: what a page holds that is not of the known form.

    Returns
    -------
    list of Field
        At most ``query.limit``.

    Raises
    ------
    DualglandError
        If nothing is asked for, nothing is found, or a page cannot be had or understood.
    """
    if not query.conditions:
        asked = "--gene, --ensg, --antibody, --cell-line or --location"
        raise DualglandError(
            Kind.LACKING, "download", "nothing is asked for", way_out=f"give {asked}"
        )
    if query.gene or query.ensg or query.location:
        candidates = _page_by_page(query, fetcher, step, skipped)
    else:
        candidates = _all_genes(fetcher, step, skipped)
    met: dict[tuple[str, str], Field] = {}
    with closing(candidates):
        # An antibody may stain for several genes; its fields are the same ones.
        for field in filter(query.admits, candidates):
            met.setdefault((field.antibody, field.id), field)
            if len(met) == query.limit:
                break
    if not met:
        asked = ", ".join(f"{key.replace('_', ' ')} {v}" for key, v in query.conditions.items())
        release = fetcher.addresses.release
        raise DualglandError(
            Kind.NOT_THERE,
            f"release {release} of the atlas",
            f"has no field of view of {asked}{left_out(skipped)}",
        )
    return list(met.values())


def left_out(skipped: list[str]) -> str:
    """Return a clause on what was not understood; empty if all was."""
    if not skipped:
        return ""
    return f"; left out {len(skipped)}, for the atlas may have changed, the first: {skipped[0]}"


def _page_by_page(
    query: Query, fetcher: Fetcher, step: Step, skipped: list[str]
) -> Generator[Field, None, None]:
    release = fetcher.addresses.release
    if query.ensg is not None:
        genes = [query.ensg]
    else:
        step(0, 0, "reading the table of locations")
        genes = [row.ensg for row in find_genes(_table(fetcher), query, release)]
    for done, ensg in enumerate(genes):
        step(done, len(genes), f"reading the page of {ensg}")
        try:
            yield from _gene(fetcher, ensg, skipped)
        except NotThere:
            if query.ensg is not None:
                found = f"release {release} of the atlas has no such gene"
                raise DualglandError(Kind.NOT_THERE, f"--ensg {ensg}", found) from None
            log.warning("%s: in the table of locations, but without a page", ensg)


def _table(fetcher: Fetcher) -> list[Row]:
    addresses = fetcher.addresses
    name = "subcellular_location.tsv.zip"
    for place in addresses.tables:
        try:
            path = fetcher.page(f"{addresses.base}/{place}", name, TABLE_LIMIT, check_table)
        except NotThere:
            continue
        return read_table(path)
    raise DualglandError(
        Kind.NOT_THERE,
        addresses.base,
        "the table of locations is at none of its known places "
        f"({', '.join(addresses.tables)}); the atlas has moved it",
    )


def _gene(fetcher: Fetcher, ensg: str, skipped: list[str]) -> list[Field]:
    addresses = fetcher.addresses
    check = partial(check_gene_page, release=addresses.release)
    path = fetcher.page(addresses.gene_page(ensg), f"{ensg}.xml", PAGE_LIMIT, check)
    return list(read_fields(path, addresses.release, skipped))


def _all_genes(fetcher: Fetcher, step: Step, skipped: list[str]) -> Generator[Field, None, None]:
    addresses = fetcher.addresses
    step(0, 0, "fetching the file of all genes, which is large, once")
    url = f"{addresses.base}/{addresses.all_genes}"
    path = fetcher.page(url, "proteinatlas.xml.gz", ALL_GENES_LIMIT, check_gzip)
    step(0, 0, "reading through all genes")
    try:
        yield from read_fields(path, addresses.release, skipped)
    except (Damaged, WrongContent) as error:
        path.unlink(missing_ok=True)
        way_out = "it is fetched anew the next time"
        raise DualglandError(error.kind, url, error.found, way_out=way_out) from error
