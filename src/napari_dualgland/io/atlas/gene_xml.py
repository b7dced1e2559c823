"""The atlas's XML, one gene's or all genes', as fields of view.

The form, as it is documented::

    <proteinAtlas>
      <entry version="24">
        <name>TP53</name> <identifier id="ENSG00000141510"/>
        <antibody id="HPA051244"> <cellExpression> <subAssay type="human"> <data>
          <cellLine>U-251MG</cellLine> <location>nucleoplasm</location>
          <assayImage> <image> <imageUrl>…/51244/1234_A1_1_blue_red_green.jpg</imageUrl>

An entry is read, its fields are given, and it is forgotten, so that the file of all genes
needs no more memory than its largest gene. External and internal entities are refused.
"""

from __future__ import annotations

import gzip
import logging
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

import defusedxml.ElementTree as SafeTree
from defusedxml import DefusedXmlException
from pydantic import ValidationError

from napari_dualgland.errors import Kind
from napari_dualgland.io.atlas.file_checks import (
    Damaged,
    WrongContent,
    check_not_html,
    megabytes,
)
from napari_dualgland.io.atlas.query import Field, parse_image_path

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

log = logging.getLogger(__name__)

ENTRY_LIMIT = 2**26
"""Bytes of XML that one gene may take; those of the atlas take some MB."""
ELEMENT_LIMIT = 2**20
"""Elements that one gene may have: they take far more memory than the bytes that say them."""
TOKEN_LIMIT = 2**20
"""Bytes of a tag with its attributes, or of a text; the atlas's are of some hundred."""
FILE_LIMIT = 2**35
"""Bytes of all genes, unpacked; those of the atlas take some GB."""
_LOGGED = 20
"""Fields that are left out and logged; all are counted."""
_DATA = "cellExpression/subAssay[@type='human']/data"


def check_gene_page(path: Path, release: str) -> None:
    """Read a gene's page to its end; raises as :func:`read_fields` does.

    Parameters
    ----------
    path : pathlib.Path
        XML.
    release : str
        What the page must be of.
    """
    for _ in read_fields(path, release):
        pass


def read_fields(
    path: Path, release: str, skipped: list[str] | None = None, entry_limit: int = ENTRY_LIMIT
) -> Iterator[Field]:
    """Give the fields of view of all genes in a file, in its order.

    Fields whose names are not of the documented form are left out, and logged.

    Parameters
    ----------
    path : pathlib.Path
        XML, gzipped if the name ends in ``.gz``.
    release : str
        What the entries must be of; those that do not say are taken as they are.
    skipped : list of str, optional
        Is added to: what was left out, and why.
    entry_limit : int
        Bytes that one gene may take.

    Yields
    ------
    Field
        As the file is read.

    Raises
    ------
    WrongContent
        If it is no page of the atlas or one of another release, holds entities, or a gene
        is larger than the limit.
    Damaged
        If the XML is truncated or not well-formed.
    """
    packed = path.suffix == ".gz"
    if not packed:
        check_not_html(path)
    try:
        with gzip.open(path) if packed else path.open("rb") as file:
            for entry in _entries(path, _Metered(path, file, entry_limit)):
                _check_release(path, entry, release)
                yield from _fields_of(entry, [] if skipped is None else skipped)
    except SafeTree.ParseError as error:
        found = f"the XML is damaged or truncated ({error})"
        raise Damaged(Kind.DAMAGED, path.name, found) from error
    except DefusedXmlException as error:
        found = f"the XML holds what may be harmful ({error})"
        raise WrongContent(Kind.WRONG_CONTENT, path.name, found) from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        found = f"the gzip is damaged or truncated ({error})"
        raise Damaged(Kind.DAMAGED, path.name, found) from error


class _Bytes(Protocol):
    def read(self, size: int = ..., /) -> bytes: ...


class _Metered:
    """A file that is read piece by piece and refuses to feed an entry without end."""

    def __init__(self, path: Path, file: _Bytes, limit: int) -> None:
        self._path = path
        self._file = file
        self._limit = limit
        self._since = self._whole = self._elements = self._token = 0

    def read(self, size: int = -1) -> bytes:
        piece = self._file.read(size)
        self._since += len(piece)
        self._whole += len(piece)
        # A tag or a text ends with ">", and the parser begins a token anew with every piece.
        ended = piece.rfind(b">")
        self._token = self._token + len(piece) if ended < 0 else len(piece) - ended
        if self._token > TOKEN_LIMIT:
            raise self._refusal(f"one tag or text takes over {megabytes(TOKEN_LIMIT)}")
        if self._since > self._limit:
            raise self._refusal(f"one gene takes over {megabytes(self._limit)}")
        if self._whole > FILE_LIMIT:
            raise self._refusal(f"all genes take over {megabytes(FILE_LIMIT)}")
        return piece

    def count_element(self) -> None:
        self._elements += 1
        if self._elements > ELEMENT_LIMIT:
            raise self._refusal(f"one gene has over {ELEMENT_LIMIT:,} elements")

    def next_entry(self) -> None:
        self._since = self._elements = 0

    def _refusal(self, found: str) -> WrongContent:
        return WrongContent(Kind.TOO_LARGE, self._path.name, found)


def _entries(path: Path, file: _Metered) -> Iterator[Element]:
    root: Element | None = None
    for event, element in _parsed(path, file):
        if event == "start":
            file.count_element()
        if root is None:
            root = element
            if root.tag != "proteinAtlas":
                found = f"is XML of {root.tag[:40]!r}, not of the atlas"
                raise WrongContent(Kind.WRONG_CONTENT, path.name, found)
        elif event == "end" and element.tag == "entry":
            yield element
            root.clear()
            file.next_entry()


def _parsed(path: Path, file: _Metered) -> Iterator[tuple[str, Element]]:
    events = iter(SafeTree.iterparse(file, events=("start", "end")))
    while True:
        try:
            found = next(events)
        except StopIteration:
            return
        except (WrongContent, DefusedXmlException):
            raise
        except (LookupError, ValueError) as error:  # an encoding that nobody knows
            said = f"the XML cannot be decoded ({error})"
            raise Damaged(Kind.DAMAGED, path.name, said) from error
        yield found


def _check_release(path: Path, entry: Element, release: str) -> None:
    said = entry.get("version", release)
    # A page that says 24 is good for 24.1, and the other way round.
    parts = zip(said.split("."), release.split("."), strict=False)
    if any(a != b for a, b in parts):
        raise WrongContent(
            Kind.MISMATCH,
            path.name,
            f"the page is of release {said[:20]!r}, not {release}; the atlas has moved on",
            way_out="name the release that it has with --release",
        )


def _fields_of(entry: Element, skipped: list[str]) -> Iterator[Field]:
    identifier = entry.find("identifier")
    gene = {
        "gene": (entry.findtext("name") or "").strip(),
        "ensg": identifier.get("id", "") if identifier is not None else "",
    }
    for antibody in entry.iterfind("antibody"):
        for data in antibody.iterfind(_DATA):
            about = {
                **gene,
                "antibody": antibody.get("id", ""),
                "cell_line": data.findtext("cellLine") or "",
                "locations": tuple(place.text or "" for place in data.iterfind("location")),
            }
            for url in data.iterfind("assayImage/image/imageUrl"):
                address = (url.text or "").strip()
                field = _field(address, about)
                if isinstance(field, Field):
                    yield field
                else:
                    skipped.append(f"{address[:120]!r}, {field}")
                    if len(skipped) <= _LOGGED:
                        log.warning("left out: %s", skipped[-1])


def _field(url: str, about: Mapping[str, object]) -> Field | str:
    """Return a field, or why there is none.

    Where its picture lies is taken by the path of the address, never by its host.
    """
    try:
        named = parse_image_path(urlsplit(url).path)
        if named is not None:
            return Field.model_validate({**about, "number": named[0], "id": named[1]})
    except ValidationError as error:
        first = error.errors()[0]
        return f"{first['loc'][0]} {str(first['input'])[:60]!r} is not of the known form"
    except ValueError:
        return "no address"
    return "the name is not of the known form"
