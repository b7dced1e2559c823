"""Where the atlas keeps what, in one place, for it changes from release to release.

Not checked against the live service; see :mod:`napari_dualgland.io.atlas`.
"""

from __future__ import annotations

import os
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import StringConstraints, ValidationError, field_validator

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.frozen import FrozenModel

RELEASE = "24"
"""The release that is asked for unless another one is named."""

ENVIRONMENT = {
    "release": "DUALGLAND_ATLAS_RELEASE",
    "site": "DUALGLAND_ATLAS_SITE",
    "images": "DUALGLAND_ATLAS_IMAGES",
}
"""Environment variables that lead to another release or to a mirror."""

# A release is published under the licence of its day; what is not known is not claimed.
_LICENCES = {"24": "CC BY-SA 4.0"}


class Addresses(FrozenModel):
    """The base addresses of one release of the atlas, or of a mirror of it.

    Attributes
    ----------
    release : str
        Number of the release. Every page that says a number must say this one.
    site : str
        Where pages and tables lie; ``{release}`` stands for the number.
    images : str
        Where images lie. They are shared by all releases.
    may_lead_to : tuple of str
        Further places that ``site`` and ``images`` may redirect to. The atlas sends the
        site of its newest release, and its 16-bit images, on to ``www``.
    tables : tuple of str
        Where on the site the table of locations lies, tried in order: its place has moved.
    all_genes : str
        Where on the site the XML of all genes lies.
    """

    release: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,3}(\.[0-9]{1,2})?$")] = RELEASE
    site: str = "https://v{release}.proteinatlas.org"
    images: str = "https://images.proteinatlas.org"
    may_lead_to: tuple[str, ...] = ("https://www.proteinatlas.org",)
    tables: tuple[str, ...] = (
        "download/tsv/subcellular_location.tsv.zip",
        "download/subcellular_location.tsv.zip",
    )
    all_genes: str = "download/proteinatlas.xml.gz"

    @field_validator("site", "images")
    @classmethod
    def _is_a_place(cls, url: str) -> str:
        if origin(url) is None:
            raise ValueError(f"{url} is not an http or https address")
        return url.rstrip("/")

    @property
    def base(self) -> str:
        """Address of the site, the number of the release filled in."""
        # An archived host is named by the whole number alone: v24, never v24.1.
        return self.site.replace("{release}", self.major)

    @property
    def major(self) -> str:
        """The release without what follows the point."""
        return self.release.partition(".")[0]

    @property
    def licence(self) -> str:
        """Name of the licence of this release; where it is to be read, if it is not known."""
        return _LICENCES.get(self.major, f"as stated at {self.licence_url}")

    @property
    def licence_url(self) -> str:
        """Page on which the atlas states the licence of this release."""
        return f"{self.base}/about/licence"

    def gene_page(self, ensg: str) -> str:
        """Return the address of a gene's XML."""
        return f"{self.base}/{ensg}.xml"

    def attribution(self, gene: str, ensg: str) -> str:
        """Return the credit that the atlas asks for.

        Parameters
        ----------
        gene, ensg : str
            Of the protein that an image shows.

        Returns
        -------
        str
            One line.
        """
        return (
            f"Image credit: Human Protein Atlas, release {self.release}, {gene}, "
            f"{self.base}/{ensg}-{gene}/subcellular, licence {self.licence}"
        )

    def allows(self, url: str) -> bool:
        """Whether an address lies, by scheme, host and port, where the atlas is."""
        places = (self.base, self.images, *self.may_lead_to)
        return (found := origin(url)) is not None and found in map(origin, places)


def origin(url: str) -> tuple[str, str, int] | None:
    """Return scheme, host and port; None for what is not of the web, or carries a password."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    except (KeyError, ValueError):
        return None
    if not parts.hostname or parts.username is not None or parts.password is not None:
        return None
    return parts.scheme, parts.hostname.lower(), port


def addresses_from(release: str | None = None) -> Addresses:
    """Return the addresses that option and environment ask for; the option comes first.

    Raises
    ------
    DualglandError
        If the release is not a number, or a mirror not an address.
    """
    asked: dict[str, object] = {
        name: value for name, variable in ENVIRONMENT.items() if (value := os.environ.get(variable))
    }
    if release is not None:
        asked["release"] = release
    if {"site", "images"} <= {*asked}:
        # Whoever mirrors all of it wants the mirror, and not to be led back to the atlas.
        asked["may_lead_to"] = ()
    try:
        return Addresses.model_validate(asked)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        option = "--release" if name == "release" else ENVIRONMENT[name]
        place = f"{option} {first['input']}"
        raise DualglandError(Kind.BAD_VALUE, place, first["msg"].lower()) from None
