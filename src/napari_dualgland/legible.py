"""Text from files, as a person may be shown it: what cannot be seen is written out.

A name in a file, a card or a path may hold escape codes that a terminal obeys, line breaks
that forge a line of ours, marks that turn the direction of writing, or bytes that are no
text at all. Whoever shows such text, on a terminal or in a window, shows it through here.
"""

from __future__ import annotations

import unicodedata

_UNSEEN = {"Cc", "Cs", "Zl", "Zp"}
_JOINERS = "\u200c\u200d"  # of Persian words and of emoji


def legible(text: str) -> str:
    r"""Return a text in one line, with control characters written out as in ``\x1b``.

    Marks of direction, line breaks, and bytes that are no UTF-8 (as :func:`os.fsdecode` keeps
    them) are written out, too; all other characters, backslashes among them, stay as they are.
    """
    return text if text.isprintable() else "".join(map(_written_out, text))


def _written_out(character: str) -> str:
    kind = unicodedata.category(character)
    if kind not in _UNSEEN and (kind != "Cf" or character in _JOINERS):
        return character
    if 0xDC80 <= ord(character) <= 0xDCFF:  # a byte, which Python keeps so
        return f"\\x{ord(character) - 0xDC00:02x}"
    return repr(character)[1:-1]
