"""What a search for missing pixels has found that a person should hear of before it is filled."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """Much of a channel that is taken for missing, or some that only may be.

    Attributes
    ----------
    channel : str
        Its name.
    t, z : int
        The plane.
    doubtful : bool
        Whether it may well be measured: its rims are not sharp on all sides.
    filled : bool
        Whether it is taken for missing; what is doubtful is not, unless that is asked for.
    share : float
        Of the channel's pixels, 0 to 1.
    regions : int
        So many connected ones.
    box : tuple of int
        First and last row, first and last column of the largest region, inclusive.
    parts : int
        Side in pixels of the parts in which a large plane was searched; 0 where it was
        searched as a whole.
    """

    channel: str
    t: int
    z: int
    doubtful: bool
    filled: bool
    share: float
    regions: int
    box: tuple[int, int, int, int]
    parts: int = 0

    def sentence(self) -> str:
        """Return it for people."""
        many = "1 region" if self.regions == 1 else f"{self.regions} regions"
        rows, columns = "{}–{}".format(*self.box[:2]), "{}–{}".format(*self.box[2:])
        plane = f", t={self.t}, z={self.z}" if self.t or self.z else ""
        where = f"{many}, the largest in rows {rows}, columns {columns}{plane}"
        if self.parts:
            where += f"; searched in parts of {self.parts} × {self.parts} pixels"
        share = f"{self.channel}: {100 * self.share:.2g} % of pixels"
        if not self.doubtful:
            return f"{share} look damaged and are filled ({where})"
        if self.filled:
            return f"{share} may be damaged, without a sharp rim on all sides; filled ({where})"
        return (
            f"{share} may be damaged, but without a sharp rim on all sides; left as measured "
            f"({where}); mark them in a mask, or ask for what is doubtful too, to have them filled"
        )
