"""Which channel is which, as the words of a shell line, and back without a loss.

``nucleus=2`` is the channel that is called 2, else the one at that position; ``nucleus=#2`` is
the position whatever names there are; a name with a comma, a line break or space around it is
written as a JSON string: ``nucleus="DAPI, 405"``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from napari_dualgland.channel_names import is_position
from napari_dualgland.errors import DualglandError, Kind

_ROLE = re.compile(r"\s*([^=,]*?)\s*=\s*")
_STRING = json.JSONDecoder(strict=False)  # a shell may have put line breaks in as they are
_FORM = "role=position or role=name, e.g. microtubules=0,protein=1,nucleus=2,er=3"


def channels_option(channels: Mapping[str, int | str] | None) -> list[str]:
    """Return the words of a shell line that say which channel is what; none where needless."""
    if not channels:
        return []
    return ["--channels", ",".join(f"{role}={_spelt(key)}" for role, key in channels.items())]


def _spelt(key: int | str) -> str:
    if isinstance(key, int):
        return f"#{key}"
    if key and key == key.strip() and key.isprintable() and "," not in key and key[0] not in '#"':
        return key
    return json.dumps(key, ensure_ascii=not key.isprintable())


def parse_channels(text: str | None) -> dict[str, int | str] | None:
    """Return ``microtubules=#0,protein=GFP`` as a mapping from role to position or name.

    Raises
    ------
    DualglandError
        If the text is not of that form, or gives a role twice.
    """
    if text is None:
        return None
    mapping: dict[str, int | str] = {}
    at = 0
    while not mapping or at < len(text):
        at += bool(mapping)  # the comma
        head = _ROLE.match(text, at)
        if head is None or not head[1]:
            raise _refused(text[at:].partition(",")[0].strip())
        role = head[1]
        if role in mapping:
            raise DualglandError(Kind.CONFLICT, "--channels", f"{role} is given twice", part=role)
        mapping[role], at = _key(text, head.end())
    return mapping


def _key(text: str, at: int) -> tuple[int | str, int]:
    """Return what a role is given, and where in the text that ends: at a comma or the end."""
    if text[at : at + 1] == '"':
        try:
            name, end = _STRING.raw_decode(text, at)
        except ValueError:
            raise _refused(text[at:]) from None
        end += len(text[end:]) - len(text[end:].lstrip())
        if text[end : end + 1] not in ("", ","):
            raise _refused(text[at:])
        return str(name), end
    word, comma, _ = text[at:].partition(",")
    end = at + len(word)
    word = word.strip()
    if not word or (comma and end + 1 == len(text)):
        raise _refused(word)
    return int(word[1:]) if word[0] == "#" and is_position(word[1:]) else word, end


def _refused(found: str) -> DualglandError:
    return DualglandError(Kind.BAD_VALUE, "--channels", f"{found!r} is misspelt", expected=_FORM)
