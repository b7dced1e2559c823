"""OME-XML as text, whatever encoding it is in and whatever it says of that.

A declaration is often wrong (``UTF-16`` of what was written as UTF-8), so the bytes are asked
first: a mark of byte order, zeros between the letters, UTF-8 that could be nothing else.
"""

from __future__ import annotations

import codecs
import re
from contextlib import suppress
from html.entities import html5

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_WIDE = (
    (b"<\0\0\0", "utf-32-le"),
    (b"\0\0\0<", "utf-32-be"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)
_DECLARED = re.compile(rb"\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([\w.:-]{1,40})[\"']")
_DECLARATION = re.compile(r"\s*<\?xml[^>]{0,200}\?>")
_NAMED_ENTITY = re.compile(r"&([A-Za-z]\w{1,31};)")
_OF_XML = {"amp;", "lt;", "gt;", "quot;", "apos;"}


def ome_text(raw: bytes) -> str | None:
    """Return OME-XML without its declaration; None where the bytes are something else.

    Parameters
    ----------
    raw : bytes
        Of the description of the first page, or of a companion file.

    Returns
    -------
    str or None
        HTML's names of letters (``&micro;``), which XML does not know, are letters.
    """
    if b"<" not in raw[:1024]:
        return None
    text = _decoded(raw).strip("\0\ufeff\ufffd \t\r\n")
    if not text.startswith("<") or not text.endswith("OME>"):
        return None
    text = _DECLARATION.sub("", text, count=1)
    return _NAMED_ENTITY.sub(_letter, text).lstrip()


def _decoded(raw: bytes) -> str:
    for starts in (_MARKS, _WIDE):
        for start, encoding in starts:
            if raw.startswith(start):
                # A terminator can have been added to the zeros that the text ends in, or cut off.
                return (raw + bytes(-len(raw) % 4)).decode(encoding, errors="replace")
    declared = _DECLARED.match(raw)
    encodings = [declared[1].decode("ascii")] if declared else []
    if not raw.isascii():  # letters beyond ASCII that are valid UTF-8 are nothing else
        encodings = ["utf-8", *encodings]
    for encoding in (*encodings, "cp1252"):
        # A name of no text encoding, or not the one that it is in.
        with suppress(LookupError, ValueError):
            text = raw.decode(encoding)
            if "<" in text:  # UTF-16 that is declared and was not written makes Chinese of it
                return text
    return raw.decode("latin-1")


def _letter(name: re.Match[str]) -> str:
    return name[0] if name[1] in _OF_XML else html5.get(name[1], name[0])
