"""What is asked of the atlas, and what it answers: a query, and the fields that meet it.

Every name here is held against a pattern, for it comes from a person or from the network
and ends up in an address, in a path or in a table that a spreadsheet opens.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field as Option
from pydantic import StringConstraints

from napari_dualgland.frozen import FrozenModel

_PLAIN = r"[0-9A-Za-z][0-9A-Za-z._-]{0,39}"
_ENSG = r"ENSG[0-9]{11}"
_ANTIBODY = r"(?:HPA|CAB)[0-9]{6}"
_FIELD_ID = r"[0-9]{1,6}_[A-P][0-9]{1,2}_[0-9]{1,4}(?:_cr[0-9a-f]{1,20})?"
_COLORS = r"(?:red|green|blue|yellow)"

Gene = Annotated[str, StringConstraints(pattern=f"^{_PLAIN}$")]
Ensg = Annotated[str, StringConstraints(pattern=f"^{_ENSG}$")]
Antibody = Annotated[str, StringConstraints(pattern=f"^{_ANTIBODY}$")]
FieldId = Annotated[str, StringConstraints(pattern=f"^{_FIELD_ID}$")]
Words = Annotated[
    str,
    # A letter or a number comes first, so that no spreadsheet takes it for a formula.
    StringConstraints(strip_whitespace=True, pattern=r"^[0-9A-Za-z][\w .,&+/()'-]{0,79}$"),
]

_IMAGE = re.compile(
    # In some fields a crop was chosen by hand; its mark, _cr…, belongs to the name.
    rf"/(?:images/)?(?P<number>[0-9]{{1,7}})/(?P<id>{_FIELD_ID})"
    rf"_(?:{_COLORS}(?:_{_COLORS})*|selected)\.jpg"
)


class Query(FrozenModel):
    """Which fields of view are wanted; what is given must all hold.

    Attributes
    ----------
    gene : str or None
        Symbol, e.g. ``TP53``.
    ensg : str or None
        Ensembl's number of the gene, e.g. ``ENSG00000141510``.
    antibody : str or None
        ``HPA012345``, ``CAB012345``, or the number that its images lie under.
    cell_line : str or None
        E.g. ``U-2 OS``. Upper case and hyphens do not matter: the atlas spells it
        ``U2OS`` in one release and ``U-2 OS`` in another.
    location : str or None
        E.g. ``Nucleoli``; spelled as freely.
    limit : int
        How many fields of view at most.
    """

    gene: Gene | None = None
    ensg: Ensg | None = None
    antibody: (
        Annotated[str, StringConstraints(pattern=f"^(?:{_ANTIBODY}|[0-9]{{1,7}})$")] | None
    ) = None
    cell_line: Words | None = None
    location: Words | None = None
    limit: int = Option(default=20, ge=1, le=100_000)

    @property
    def conditions(self) -> dict[str, str]:
        """What was asked for, less the limit."""
        return {k: v for k, v in self.model_dump(exclude={"limit"}).items() if v is not None}

    def admits(self, field: Field) -> bool:
        """Whether a field of view meets every condition."""
        wanted, said = self.antibody, field.antibody
        if wanted is not None and wanted.isdecimal():
            wanted, said = str(int(wanted)), str(field.number)
        return (
            (wanted is None or wanted == said)
            and (self.ensg is None or self.ensg == field.ensg)
            and (self.gene is None or self.gene.casefold() == field.gene.casefold())
            and _same(self.cell_line, field.cell_line)
            and (self.location is None or any(_same(self.location, x) for x in field.locations))
        )


class Field(FrozenModel):
    """One field of view of the atlas: what it shows, and where its images lie.

    Attributes
    ----------
    gene, ensg : str
        The gene of the stained protein.
    antibody : str
        The antibody that stained it.
    number : int
        The number that the antibody's images lie under.
    id : str
        ``<plate>_<well>_<field>``, what the names of the images share.
    cell_line : str
        The cells.
    locations : tuple of str
        Where the protein was seen in these cells.
    """

    gene: Gene
    ensg: Ensg
    antibody: Antibody
    number: int
    id: FieldId
    cell_line: Words
    locations: tuple[Words, ...] = ()

    def address(self, images: str, color: str, ending: str) -> str:
        """Return the address of the image of one channel.

        Parameters
        ----------
        images : str
            Where images lie.
        color : str
            Of the channel, as it stands in names.
        ending : str
            ``.jpg`` or ``.tif.gz``.

        Returns
        -------
        str
            Absolute.
        """
        return f"{images}/{self.number}/{self.id}_{color}{ending}"

    def file(self, color: str, ending: str) -> str:
        """Return where the image of one channel is laid down.

        Parameters
        ----------
        color, ending : str
            As for :meth:`address`.

        Returns
        -------
        str
            Path below the target folder, with forward slashes.
        """
        return f"{self.prefix(ending)}_{color}{ending}"

    def prefix(self, ending: str) -> str:
        """Return what the four files share.

        8 and 16 bits get folders of their own: the reader refuses a field that lies in a
        folder in two formats, as it cannot know which is meant.
        """
        folder = self.antibody if ending == ".jpg" else f"{self.antibody}_16bit"
        return f"{folder}/{self.id}"


def parse_image_path(path: str) -> tuple[int, str] | None:
    """Return number and id of a field from the path of its picture; None for other names."""
    match = _IMAGE.fullmatch(path)
    return (int(match["number"]), match["id"]) if match else None


def spelling(words: str) -> str:
    """Return words as they are compared: letters and digits only, all lower case."""
    return "".join(filter(str.isalnum, words)).casefold()


def _same(wanted: str | None, said: str) -> bool:
    return wanted is None or spelling(wanted) == spelling(said)
