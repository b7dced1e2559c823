"""Pictures open at their full size where one clicks on them: a window of napari is wide."""

from __future__ import annotations

import re

IMAGE = re.compile(r'<img (?P<before>[^>]*)src="(?P<address>[^"]+\.png)"(?P<after>[^>]*)>')


def linked(page: str) -> str:
    """Return the HTML of a page in which each picture leads to its file."""
    return IMAGE.sub(lambda m: f'<a href="{m["address"]}">{m[0]}</a>', page)
