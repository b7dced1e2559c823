"""The report: what a spreadsheet can read, and a page that a name cannot break out of."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
from batch_scenes import pixels
from PIL import Image

from napari_dualgland.batch.report import PAGE, TABLE, write_report
from napari_dualgland.batch.state import StackState, Status
from napari_dualgland.batch.thumbnail import PREVIEW, panels_of, write_preview
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.results import Imputation
from napari_dualgland.stack import ROLES, Channel, Stack

EVIL = '<script>alert("x")</script>&amp;"\x1b[31m'


class Seen(HTMLParser):
    """What a browser would find in a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data):
        self.text += data


def states(folder: Path) -> list[StackState]:
    told = {"missing": {"er": 0.25, EVIL: 0.5}, "roles": {"er": "er"}, "cells": 12, "notes": [EVIL]}
    result = folder / "good" / 'a"<b>.tif'
    error = DualglandError(Kind.DAMAGED, f"/in/{EVIL}", EVIL, part="axis", way_out=f"mend {EVIL}")
    return [
        StackState(
            0, "good", Path("/in/a.tif"), Status.DONE, told=told, seconds=3, results=(result,)
        ),
        StackState(1, EVIL, Path(f"/in/{EVIL}"), Status.FAILED, error=error.as_data()),
        StackState(2, "later", Path("/in/c.tif"), Status.CANCELLED),
    ]


def test_the_page_shows_names_as_they_are_and_fetches_nothing(tmp_path):
    (tmp_path / "good").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "good" / PREVIEW)
    write_report(tmp_path, states(tmp_path))
    page = (tmp_path / PAGE).read_text(encoding="utf-8")
    seen = Seen(page)
    assert "script" not in seen.tags
    assert "b" in seen.tags
    assert seen.text.count("<script>alert") >= 4
    assert "\x1b" not in page
    assert seen.tags.count("img") == 1
    for address in seen.addresses:
        assert address.startswith("data:image/jpeg;base64,") or address.startswith("good/")
    assert not re.search(r"https?://|url\(|@import", page)
    # Failed stacks come first, each with its way out.
    assert seen.text.index("Way out: mend") < seen.text.index("Filled: er 25.00 %")


def test_the_table_has_a_row_for_each_stack(tmp_path):
    write_report(tmp_path, states(tmp_path))
    table = pd.read_csv(tmp_path / TABLE)
    assert [*table["status"]] == ["done", "failed", "cancelled"]
    assert table["filled er"][0] == 0.25
    assert table["cells"][0] == 12
    assert table["error kind"][1] == "damaged"
    assert table["way out"][1].startswith("mend")
    assert "mend" not in table["error"][1]
    assert table["results"][0] == 'good/a"<b>.tif'


def test_a_batch_of_nothing(tmp_path):
    write_report(tmp_path, [])
    assert pd.read_csv(tmp_path / TABLE).empty


def test_thumbnails_show_the_hole_and_the_fill(tmp_path):
    channels = tuple(Channel(role, role) for role in ROLES)
    stack = Stack(pixels(side=200), "CYX", channels)
    missing = np.zeros(stack.shape, bool)
    missing[:, 60:100, 60:100] = True
    filled = Imputation.of(stack, missing)
    before, after = panels_of(stack, filled, None, first=True)
    assert (before.title, after.title) == ("before", "after")
    hole = np.asarray(before.picture)[64, 64]
    assert hole.min() > 230
    assert np.asarray(after.picture)[64, 64].min() < 230
    write_preview([before, after], tmp_path)
    with Image.open(tmp_path / PREVIEW) as written:
        assert written.size == (before.picture.width * 2 + 4, before.picture.height)
    assert (tmp_path / PREVIEW).stat().st_size < 20_000


def test_thumbnails_of_odd_stacks():
    for data in (np.full((1, 3, 3), np.nan, np.float32), np.zeros((1, 500, 2), np.uint16)):
        (panel,) = panels_of(Stack(data, "CYX", (Channel("x"),)), None, None, first=True)
        assert panel.picture.mode == "RGB"
