"""Shell lines on the pages do what the page says they do, one after the other."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from pagemaking.places import DOCS, ROOT

PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]


def commands(page: Path) -> list[list[str]]:
    """Return the words of every ``dualgland`` line of a page, in blocks and in sentences."""
    text = page.read_text().replace("\\\n", " ")
    blocks = "\n".join(re.findall(r"```(?:bash|console)\n(.*?)```", text, re.S))
    lines = re.findall(r"^\W*(dualgland .*)$", blocks, re.M)
    lines += re.findall(r"`(dualgland .*?)`", text)
    return [shlex.split(line, comments=True) for line in lines]


def out(words: list[str]) -> str | None:
    return words[words.index("--out") + 1] if "--out" in words else None


def test_commands_are_found():
    assert sum(len(commands(page)) for page in PAGES) > 20


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_run_that_is_done_again_says_where_it_goes(page):
    """A file does not tell the place that it was written to."""
    again = [words for words in commands(page) if words[1] == "run"]
    assert [words for words in again if out(words) is None] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_training_has_a_folder_of_its_own(page):
    begun = [w for w in commands(page) if w[1] == "train" and "--resume" not in w]
    folders = [out(words) for words in begun]
    assert len(set(folders)) == len(folders)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_folder_that_is_written_into_was_made(page):
    """Verbs that write a file make no folder for it; only a training does."""
    made = set(re.findall(r"^mkdir -p (\S+)", page.read_text(), re.M))
    files = [out(words) for words in commands(page) if words[1] != "train"]
    folders = {str(Path(file).parent) for file in files if file}
    assert folders - {"."} <= made
