"""What lies in a folder of downloads: every image with its hash, its origin and its licence.

``manifest.json`` is what a later run goes on from; ``manifest.csv`` holds the same rows for
people. Both are written whole, beside and then renamed.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import time
from pathlib import Path
from typing import Annotated

from pydantic import Field as Option
from pydantic import StringConstraints, ValidationError

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.files import regular
from napari_dualgland.frozen import FrozenModel
from napari_dualgland.io.atlas.addresses import Addresses
from napari_dualgland.io.atlas.query import Antibody, Ensg, Field, Gene, Words
from napari_dualgland.io.atomic import replacing

JSON_NAME = "manifest.json"
CSV_NAME = "manifest.csv"


class Image(FrozenModel):
    """One image that lies in the folder.

    Attributes
    ----------
    file : str
        Path below the folder, with forward slashes.
    url : str
        Where it came from.
    sha256 : str
        Hash of the file as it came.
    bytes : int
        Size of the file.
    role : str
        Which channel it shows: microtubules, protein, nucleus or er.
    gene, ensg, antibody, cell_line, locations
        What the field of view shows; see :class:`.query.Field`.
    release : str
        Release of the atlas.
    licence, licence_url, attribution : str
        Under which terms it may be passed on, and the credit that must go with it.
    retrieved : str
        When it came, UTC.
    """

    file: str
    url: str
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    bytes: int = Option(ge=0)
    role: str
    gene: Gene
    ensg: Ensg
    antibody: Antibody
    cell_line: Words
    locations: tuple[Words, ...]
    release: str
    licence: str
    licence_url: str
    attribution: str
    retrieved: str


class Manifest:
    """The images of a folder, by file.

    Parameters
    ----------
    folder : pathlib.Path
        The target folder; an older manifest in it is read.

    Raises
    ------
    DualglandError
        If there is one that cannot be understood.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._images: dict[str, Image] = {}
        path = folder / JSON_NAME
        if not path.exists():
            return
        text = (path if path.is_file() else regular(path, "manifest")).read_bytes()
        try:
            images = json.loads(text.decode("utf-8"))["images"]
            self._images = {(i := Image.model_validate(x)).file: i for x in images}
        except (ValueError, KeyError, TypeError, ValidationError, RecursionError) as error:
            raise DualglandError(
                Kind.DAMAGED,
                path,
                "is no manifest of ours, or a damaged one",
                way_out="move it away or choose another folder",
            ) from error

    def holds(self, file: str, url: str) -> bool:
        """Tell whether a file lies there, and is still as it came.

        Parameters
        ----------
        file : str
            Path below the folder, with forward slashes.
        url : str
            Where it should have come from.

        Returns
        -------
        bool
            Whether size and hash are those of the manifest.
        """
        image = self._images.get(file)
        path = inside(self._folder, file)
        return (
            image is not None
            and image.url == url
            and path.is_file()
            and path.stat().st_size == image.bytes
            and _sha256(path) == image.sha256
        )

    def add(self, field: Field, role: str, file: str, url: str, addresses: Addresses) -> None:
        """Enter a file that has just come.

        Parameters
        ----------
        field : Field
            The field of view that it shows.
        role : str
            The channel that it shows.
        file : str
            Path below the folder, with forward slashes.
        url : str
            Where it came from.
        addresses : Addresses
            Of the release, for licence and credit.
        """
        path = inside(self._folder, file)
        self._images[file] = Image(
            file=file,
            url=url,
            sha256=_sha256(path),
            bytes=path.stat().st_size,
            role=role,
            **field.model_dump(exclude={"id", "number"}),
            release=addresses.release,
            licence=addresses.licence,
            licence_url=addresses.licence_url,
            attribution=addresses.attribution(field.gene, field.ensg),
            retrieved=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        )

    def write(self) -> Path:
        """Write both files and return the path of the JSON.

        Raises
        ------
        DualglandError
            If the folder cannot be written.
        """
        rows = [self._images[file].model_dump(mode="json") for file in sorted(self._images)]
        table = io.StringIO(newline="")
        writer = csv.DictWriter(table, list(Image.model_fields))
        writer.writeheader()
        for row in rows:
            writer.writerow({**row, "locations": ";".join(row["locations"])})
        text = json.dumps({"images": rows}, indent=1, ensure_ascii=False) + "\n"
        for name, content in ((CSV_NAME, table.getvalue()), (JSON_NAME, text)):
            with replacing(self._folder / name) as beside:
                beside.write_text(content, encoding="utf-8", newline="")
        return self._folder / JSON_NAME


def _sha256(path: Path) -> str:
    """Return the hash of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def inside(folder: Path, name: str) -> Path:
    """Return the path of a file below a folder, and see to it that it is below.

    Parameters
    ----------
    folder : pathlib.Path
        The target folder.
    name : str
        Relative path with forward slashes.

    Returns
    -------
    pathlib.Path
        ``folder / name``.

    Raises
    ------
    DualglandError
        If the path leaves the folder, be it by ``..``, by a drive, or by a link that lies
        in the folder.
    """
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise DualglandError(Kind.BAD_VALUE, folder, f"{name!r} leads out of it; it is not written")
    return path
