"""The pages, built as ``make docs`` does it: nothing is left out of them, nothing is fetched."""

from __future__ import annotations

import html
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import typer
from npe2 import PluginManifest

import napari_dualgland
from napari_dualgland import jobs
from napari_dualgland.cli.app import app

ROOT = Path(__file__).parents[2]
FETCHED = re.compile(
    r"<(?:script|img|iframe|source|link(?=[^>]*rel=\"?(?:stylesheet|preload|preconnect)))"
    r"[^>]*\s(?:src|href)=\"?(?:https?:)?//",
    re.I,
)


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(out)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return out


def pages(site: Path) -> dict[str, str]:
    return {p.relative_to(site).as_posix(): p.read_text() for p in site.rglob("*.html")}


def text(page: str) -> str:
    """Return what a person reads of a page."""
    return html.unescape(re.sub(r"<[^>]+>", "", page[page.index("<article") :]))


def test_every_command_and_every_option_stands_in_the_reference(site):
    told = text((site / "reference" / "command-line.html").read_text())
    commands = typer.main.get_command(app).commands
    assert len(commands) > 5
    for name, command in commands.items():
        section = told.split(f"\ndualgland {name}¶", 1)[1].split("¶", 1)[0]
        for parameter in command.params:
            names = parameter.opts if parameter.param_type_name == "option" else ()
            for option in (*names, *parameter.secondary_opts):
                assert option in section, f"dualgland {name} {option}"


def test_every_public_name_stands_in_the_reference(site):
    page = (site / "reference" / "api.html").read_text()
    names = [f"napari_dualgland.{name}" for name in napari_dualgland.__all__]
    names += [f"napari_dualgland.jobs.{name}" for name in jobs.__all__]
    assert [name for name in names if f'id="{name}"' not in page] == []
    assert not re.search(r":\w+:<code>", page)  # roles that only Sphinx reads


def test_every_dock_has_a_page_with_its_picture(site):
    manifest = PluginManifest.from_file(ROOT / "src" / "napari_dualgland" / "napari.yaml")
    index = (site / "docks" / "index.html").read_text()
    docks = [widget.display_name for widget in manifest.contributions.widgets]
    assert docks
    for name in docks:
        assert f'href="{name.lower()}.html"' in index
        page = (site / "docks" / f"{name.lower()}.html").read_text()
        assert f'<h1 id="{name.lower()}">{name}' in page
        assert "<img" in page[page.index("<article") :]


def test_every_shipped_model_has_its_card(site):
    cards = list((ROOT / "src" / "napari_dualgland" / "weights").glob("*.json"))
    assert cards
    for path in cards:
        card = json.loads(path.read_text())
        told = text((site / "models" / f"{path.stem}.html").read_text())
        assert card["summary"] in told
        assert card.get("sha256", "") in told
        for figure in card.get("figures", {}):
            assert figure in told


def test_every_table_of_results_is_listed(site):
    listed = (site / "results" / "tables.html").read_text()
    for path in (ROOT / "benchmarks" / "results").glob("*.md"):
        assert f'href="{path.stem}.html"' in listed


def test_nothing_is_fetched_from_elsewhere(site):
    found = {place: FETCHED.findall(page) for place, page in pages(site).items()}
    assert {place: tags for place, tags in found.items() if tags} == {}
    for style in site.rglob("*.css"):
        assert not re.search(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//", style.read_text())


def test_a_fetch_would_be_seen():
    for tag in ('<script src="https://unpkg.com/x">', '<img alt="" src="//cdn/x.png">',
                '<link rel="stylesheet" href="https://fonts.googleapis.com/x">'):  # fmt: skip
        assert FETCHED.search(tag)
    assert not FETCHED.search('<link rel="canonical" href="https://x"><a href="https://x">')


def test_formulas_are_drawn(site):
    built = pages(site)
    assert sum("<math" in page for page in built.values()) > 5
    for place, page in built.items():
        assert "arithmatex" not in page, place
        assert not re.search(r"\\(?:frac|sum|left|mathrm)\b", text(page)), place


def test_pictures_are_small(site):
    """A page loads at once, and the repository does not grow by them."""
    sizes = {p.name: p.stat().st_size for p in (ROOT / "docs" / "images").glob("*.png")}
    assert max(sizes.values()) < 550_000
    assert all((site / "images" / name).stat().st_size == size for name, size in sizes.items())


def test_search_needs_no_server(site):
    """Opened from a disk, a page may load scripts and nothing else."""
    index = (site / "search" / "search_index.js").read_text()
    assert "quantify" in index
    script = re.search(
        r'<script src="([^"]*iframe-worker[^"]*)"', (site / "index.html").read_text()
    )
    assert script
    assert not urlsplit(script[1]).netloc
    assert (site / script[1]).is_file()
