"""Links between files of the repository: held to what there is, and led to the site's pages.

In a page they are written as they are on disk, so that they also work where the page is read
in the repository. What lies outside of ``docs/`` and has a page of its own is linked there; what
has none, where the code is published. Links within ``docs/`` are MkDocs' to judge.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from markdown.extensions.toc import slugify

from pagemaking.places import DOCS, ROOT, adopted, pictured

LINK = re.compile(r"(?<=\]\()(?P<target>[^)\s#]*)(?P<anchor>#[^)\s]*)?(?=\))")
ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:", re.I)
FENCE = re.compile(r"^(?P<fence>`{3,}|~{3,}).*?^(?P=fence)\s*$", re.M | re.S)
HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.M)


def led(text: str, source: Path, page: str, code: str, warn: Callable[[str], None]) -> str:
    """Return the text of a page with its links led to where the site has them.

    Parameters
    ----------
    text : str
        Markdown.
    source : pathlib.Path
        The file it stands in.
    page : str
        Its place in the site, such as ``results/impute.md``.
    code : str
        Address under which files of the repository are published.
    warn : callable
        Is told of every link that leads nowhere.

    Returns
    -------
    str
    """
    homes = {**adopted(), **pictured()}

    def moved(match: re.Match[str]) -> str:
        target, anchor = match["target"], match["anchor"] or ""
        if not target or ELSEWHERE.match(target):
            return match[0]
        path = Path(os.path.normpath(source.parent / target))
        if path.is_relative_to(DOCS) and source.is_relative_to(DOCS):
            return match[0]
        if not path.is_relative_to(ROOT) or not _is_there(path):
            warn(f"{source.relative_to(ROOT)} links to {target}, which is not there")
            return match[0]
        if path in homes or path.is_relative_to(DOCS):
            home = homes.get(path) or path.relative_to(DOCS).as_posix()
            start = PurePosixPath(page).parent.as_posix()
            return os.path.relpath(home, start).replace(os.sep, "/") + anchor
        return f"{code}/{path.relative_to(ROOT).as_posix()}{anchor}"

    return _outside_code(text, lambda part: LINK.sub(moved, part))


def check(source: Path, warn: Callable[[str], None]) -> None:
    """Hold the links of a file that is no page of the site to what there is.

    Parameters
    ----------
    source : pathlib.Path
        A Markdown file.
    warn : callable
        Is told of every link or anchor that leads nowhere.
    """

    def look(match: re.Match[str]) -> str:
        target, anchor = match["target"], match["anchor"]
        if ELSEWHERE.match(target):
            return match[0]
        path = Path(os.path.normpath(source.parent / target)) if target else source
        if not _is_there(path):
            warn(f"{source.name} links to {target}, which is not there")
        elif anchor and path.suffix == ".md" and anchor[1:] not in anchors(path.read_text()):
            warn(f"{source.name} links to {target}{anchor}, but there is no such heading")
        return match[0]

    _outside_code(source.read_text(), lambda part: LINK.sub(look, part))


def anchors(text: str) -> set[str]:
    """Return the anchors of the headings of a Markdown text."""
    found: set[str] = set()
    _outside_code(text, lambda part: found.update(map(_slug, HEADING.findall(part))) or part)
    return found


def _slug(heading: str) -> str:
    return slugify(re.sub(r"[`*_]", "", heading), "-")


def _is_there(path: Path) -> bool:
    """Tell whether a path is there with these very letters, whatever the disk makes of them."""
    return path == ROOT or (path.exists() and path.name in os.listdir(path.parent))


def _outside_code(text: str, change: Callable[[str], str]) -> str:
    """Return a text of which everything but fenced code was changed."""
    parts, end = [], 0
    for fence in FENCE.finditer(text):
        parts += [change(text[end : fence.start()]), fence[0]]
        end = fence.end()
    return "".join([*parts, change(text[end:])])
