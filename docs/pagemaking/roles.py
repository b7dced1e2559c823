"""Docstrings name other things as Sphinx reads it; here these names become code, and links."""

from __future__ import annotations

import re

ROLE = re.compile(r":(?:class|func|meth|mod|data|attr|exc):<code>(~?)([\w.]+)</code>")


def told(page: str) -> str:
    """Return the HTML of a page with its roles turned into code, linked where it is here."""

    def link(match: re.Match[str]) -> str:
        short, name = match.groups()
        shown = name.lstrip(".").rpartition(".")[2] if short or name.startswith(".") else name
        code = f"<code>{shown}</code>"
        here = f'id="{name}"' in page
        return f'<a href="#{name}">{code}</a>' if here else code

    return ROLE.sub(link, page)
