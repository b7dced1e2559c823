"""What MkDocs asks while it builds these pages; see ``mkdocs.yml``.

Everything that is wrong is a warning, and the build is strict: it fails on any.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from pagemaking import api, blocks, cards, commands, figures, formulas, large, links, results, roles
from pagemaking.places import DOCS, ROOT, adopted, pictured

# MkDocs counts the warnings of its own loggers alone.
warn = logging.getLogger("mkdocs.hooks.dualgland").warning


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made, and those that lie elsewhere in the repository."""
    for place, content in _made():
        files.append(File.generated(config, place, content=content))
    for path, place in {**adopted(), **pictured()}.items():
        files.append(File.generated(config, place, abs_src_path=str(path)))
    return files


def on_pre_build(config: MkDocsConfig) -> None:
    """Hold the README, which is no page, to the same as the pages."""
    readme = ROOT / "README.md"
    links.check(readme, warn)
    figures.check(readme.read_text(), readme.name, warn)


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Check the figures of a page and lead its links."""
    place = page.file.src_uri
    homes = {page: path for path, page in adopted().items()}
    source = homes.get(place, DOCS / place)
    figures.check(markdown, place, warn)
    code = f"{(config.repo_url or '').rstrip('/')}/blob/main"
    return links.led(blocks.filled(markdown), source, place, code, warn)


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Draw the formulas of a page, link its pictures, and read the roles of its docstrings."""
    return large.linked(roles.told(formulas.drawn(html)))


def _made() -> Iterator[tuple[str, str]]:
    yield "reference/command-line.md", commands.reference()
    yield "reference/api.md", api.reference()
    yield "results/tables.md", results.overview()
    yield "models/cards.md", cards.overview()
    for name, card in cards.cards().items():
        yield cards.named(Path(name)), cards.page(name, card)
