"""Fields of view from the Human Protein Atlas, fetched politely and with their licence.

The atlas has no programmatic interface to its subcellular images; it has a page per gene as
XML, all of them in one large file, a table of locations, and the images under names that
follow a rule. From these :func:`download` finds fields by antibody, gene, cell line or
location, and lays each down as a four-file set that :func:`napari_dualgland.io.read` opens.

The live service could not be reached from where this was built. Its pages, tables and names
are taken as they are documented, and the tests hold this package against a local server
that serves pages of that form; what the atlas really answers may differ, and then a line
says what was not understood.
"""

from __future__ import annotations

from napari_dualgland.io.atlas.addresses import Addresses
from napari_dualgland.io.atlas.download import Download, download
from napari_dualgland.io.atlas.fetch import Fetcher
from napari_dualgland.io.atlas.query import Query
from napari_dualgland.io.atlas.request_policy import RequestPolicy

__all__ = ["Addresses", "Download", "Fetcher", "Query", "RequestPolicy", "download"]
