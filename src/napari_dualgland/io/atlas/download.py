"""Fields of view laid down as four-file sets, each image with its hash and its licence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.io.atlas.fetch import Fetcher, FetchError, NotThere, writing
from napari_dualgland.io.atlas.file_checks import check_jpeg, check_tiff
from napari_dualgland.io.atlas.manifest import Manifest, inside
from napari_dualgland.io.atlas.query import Field, Query
from napari_dualgland.io.atlas.search import Step, find_fields, left_out
from napari_dualgland.io.hpa import SUFFIXES

JPEG, TIFF = ".jpg", ".tif.gz"
LIMITS = {JPEG: 2**25, TIFF: 2**27}
"""Bytes that an image may have as it comes: 32 MB in 8 bits, 128 MB in 16."""
_CHECKS: dict[str, Callable[[Path], None]] = {JPEG: check_jpeg, TIFF: check_tiff}


@dataclass
class Download:
    """What was found and what came.

    Attributes
    ----------
    fields : list of Field
        The fields of view that meet the query.
    prefixes : list of pathlib.Path
        What the files of each field that lies there share; give it to
        :func:`napari_dualgland.io.read`.
    urls : list of str
        Every address that was, or in a dry run would be, asked for.
    fetched, kept : int
        Files that came, and files that lay there already, whole.
    notes : list of str
        What a person should know: channels that the atlas lacks, 8 bits in place of 16.
    failed : list of str
        Why fields did not come.
    manifest : pathlib.Path or None
        The manifest; None in a dry run.
    """

    fields: list[Field]
    prefixes: list[Path] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)
    fetched: int = 0
    kept: int = 0
    notes: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    manifest: Path | None = None


def download(
    query: Query,
    out: Path,
    fetcher: Fetcher,
    *,
    deep: bool = False,
    dry_run: bool = False,
    step: Step = lambda _done, _total, _what: None,
) -> Download:
    """Find fields of view and fetch their images.

    Files go to ``<out>/<antibody>/<plate>_<well>_<field>_<colour>.jpg``, those of 16 bits to
    ``<out>/<antibody>_16bit/….tif.gz``. What lies there with the hash of the manifest is not
    fetched again, so that the same call goes on where an earlier one stopped.

    Parameters
    ----------
    query : Query
        What is wanted.
    out : pathlib.Path
        The target folder; made if it is not there.
    fetcher : Fetcher
        How to ask.
    deep : bool
        Take 16-bit images where the atlas has them.
    dry_run : bool
        Find the fields only; no image is asked for and nothing is written to ``out``.
    step : callable
        Is told of every page and every field.

    Returns
    -------
    Download
        One field that fails costs that field alone; it is in ``failed``.

    Raises
    ------
    AtlasUnavailable
        If the atlas cannot be reached or asks to be left alone. What came before is there
        and in the manifest.
    DualglandError
        If nothing is found, or the folder cannot be written or is in use.
    """
    if out.exists() and not out.is_dir():
        raise DualglandError(Kind.CONFLICT, f"--out {out}", "this is a file; give a folder")
    skipped: list[str] = []
    result = Download(find_fields(query, fetcher, step, skipped))
    if skipped:
        result.notes.append(left_out(skipped).removeprefix("; "))
    if dry_run:
        for found in result.fields:
            ending = TIFF if deep else JPEG
            result.urls += [_url(fetcher, found, color, ending) for color in SUFFIXES.values()]
        return result
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
    with fetcher.locked(out):
        manifest = Manifest(out)
        for done, found in enumerate(result.fields):
            step(done, len(result.fields), f"{found.antibody} {found.id}")
            _FieldFetch(fetcher, manifest, out, result).run(found, deep)
        result.manifest = manifest.write()
    return result


@dataclass
class _FieldFetch:
    """Fetches the images of a field of view and enters them."""

    fetcher: Fetcher
    manifest: Manifest
    out: Path
    result: Download

    def run(self, found: Field, deep: bool) -> None:
        ending = TIFF if deep else JPEG
        try:
            there = self._channels(found, ending)
            if not there and deep:
                self.result.notes.append(f"{found.antibody} {found.id}: 8 bits, there are no 16")
                ending = JPEG
                there = self._channels(found, ending)
        except FetchError as error:
            self.result.failed.append(str(error))
            return
        finally:
            # Whatever happens, what came is in the manifest, and so is not fetched twice.
            self.manifest.write()
        if not there:
            self.result.failed.append(f"{found.antibody} {found.id}: the atlas has no image of it")
            return
        absent = [role for role in SUFFIXES if role not in there]
        if absent:
            self.result.notes.append(f"{found.antibody} {found.id}: no {', '.join(absent)}")
        self.result.prefixes.append(self.out / found.prefix(ending))

    def _channels(self, found: Field, ending: str) -> list[str]:
        """Return the roles whose images are there now."""
        there: list[str] = []
        for role, color in SUFFIXES.items():
            try:
                self._channel(found, role, color, ending)
            except NotThere:
                if ending == TIFF and not there:
                    break  # all four or none: a field of 8 and 16 bits could not be read
            else:
                there.append(role)
        return there

    def _channel(self, found: Field, role: str, color: str, ending: str) -> None:
        file = found.file(color, ending)
        url = _url(self.fetcher, found, color, ending)
        path = inside(self.out, file)
        self.result.urls.append(url)
        if self.manifest.holds(file, url):
            self.result.kept += 1
            return
        with writing(path.parent):
            path.parent.mkdir(parents=True, exist_ok=True)
        self.fetcher.fetch(url, path, LIMITS[ending], _CHECKS[ending])
        self.manifest.add(found, role, file, url, self.fetcher.addresses)
        self.result.fetched += 1


def _url(fetcher: Fetcher, found: Field, color: str, ending: str) -> str:
    return found.address(fetcher.addresses.images, color, ending)
