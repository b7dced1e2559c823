"""A page that says what is not so fails the build: each way to be wrong is tried."""

from __future__ import annotations

from pathlib import Path

import pytest

from pagemaking import blocks, figures, formulas, links, roles
from pagemaking.places import DOCS, ROOT

CODE = "https://example.org/code"
FIGURE = "<!-- speed.md; {}; {}; {}; {} -->{}<!-- -->"
ROW = ("CPU-seconds of the fill alone: boxes", "FSR", "2048², 5 %")


@pytest.fixture
def told():
    return []


def test_a_link_to_a_file_that_is_not_there_is_told(told):
    page = DOCS / "howto" / "x.md"
    for target in ("../../nothing.md", "../../benchmarks/results/Impute.md", "../../../outside.md"):
        told.clear()
        links.led(f"[x]({target})", page, "howto/x.md", CODE, told.append)
        assert target in told[0]


def test_links_are_led_to_where_the_site_has_them(told):
    page = DOCS / "howto" / "x.md"
    for target, home in {
        "../../benchmarks/results/impute.md#calibration": "../results/impute.md#calibration",
        "../../training/README.md": "../training.md",
        "../../benchmarks/results/memory.png": "../results/memory.png",
        "../../LICENSE": f"{CODE}/LICENSE",
        "../install.md": "../install.md",
        "https://example.org/x": "https://example.org/x",
        "#here": "#here",
    }.items():
        text = links.led(f"[x]({target})", page, "howto/x.md", CODE, told.append)
        assert text == f"[x]({home})"
    assert told == []


def test_links_of_an_adopted_page_are_led_into_the_site(told):
    text = links.led(
        "![x](../docs/images/training.png) [y](recipes/tiny.yaml)",
        ROOT / "training" / "x.md", "training.md", CODE, told.append,
    )  # fmt: skip
    assert text.startswith("![x](images/training.png)")


def test_code_is_left_alone(told):
    fenced = "```python\nx[0](nothing)\n```"
    assert links.led(fenced, DOCS / "x.md", "x.md", CODE, told.append) == fenced
    assert told == []


def test_the_readme_is_held_to_files_and_headings(told, tmp_path):
    readme = tmp_path / "README.md"
    (tmp_path / "there.md").write_text("# What it *is*, and what not\n\n```\n# no heading\n```\n")
    readme.write_text("[a](there.md#what-it-is-and-what-not) [b](https://x.org) ## x")
    links.check(readme, told.append)
    assert told == []
    readme.write_text("[a](gone.md) [b](there.md#no-heading) [c](#nowhere)")
    links.check(readme, told.append)
    assert [words.split(" links to ")[1].split(",")[0] for words in told] == [
        "gone.md", "there.md#no-heading", "#nowhere",
    ]  # fmt: skip


def test_a_figure_is_that_of_its_table(told):
    value = figures.figure("speed.md", *ROW)
    assert 0 < value < 100
    text = FIGURE.format(*ROW, ".2f", f"{value:.2f}")
    figures.check(text, "page", told.append)
    assert told == []
    assert figures.renewed(text.replace(f"{value:.2f}", "7"), told.append) == text


def test_a_figure_that_is_not_so_is_told(told):
    figures.check(FIGURE.format(*ROW, ".2f", "0.01"), "page", told.append)
    assert told
    assert told[0].startswith("page says 0.01, but speed.md")


@pytest.mark.parametrize("wrong", range(3))
def test_a_figure_from_nowhere_is_told(told, wrong):
    cell = [word if i != wrong else "nothing of the kind" for i, word in enumerate(ROW)]
    figures.check(FIGURE.format(*cell, ".2f", "1.00"), "page", told.append)
    assert "no such figure" in told[0]


def test_shares_and_gains_are_written_as_people_write_them():
    row = "Calibration; generator (all cases); in 50 %"
    said = figures.renewed(f"<!-- impute.md; {row}; .0% --><!-- -->", pytest.fail)
    assert "\u00a0%" in said
    assert figures.figure("impute.md", *row.split("; ")) == pytest.approx(0.5, abs=0.2)


def test_blocks_come_from_the_code():
    text = "".join(f"<!-- {name} -->old<!-- end of {name} -->" for name in blocks.BLOCKS)
    filled = blocks.filled(text)
    assert "old" not in filled
    assert "19. Negative" in filled
    assert "Plasma membrane" in filled


def test_formulas_become_mathml():
    inline = r'<span class="arithmatex">\(a &lt; b_k\)</span>'
    block = '<div class="arithmatex">\\[\n\\frac{1}{2}\n\\]</div>'
    drawn = formulas.drawn(inline + block)
    assert drawn.count("<math") == 2
    assert "<mfrac>" in drawn
    assert "arithmatex" not in drawn


def test_roles_become_code_and_links_where_there_is_something_to_link():
    page = '<h3 id="a.b.Thing"></h3>:class:<code>~a.b.Thing</code> :func:<code>c.d</code>'
    assert roles.told(page).endswith('<a href="#a.b.Thing"><code>Thing</code></a> <code>c.d</code>')


def test_no_figure_stands_at_the_start_of_a_line():
    """There a comment would end the paragraph, where the page is read in the repository."""
    for path in [ROOT / "README.md", *DOCS.rglob("*.md")]:
        lines = Path(path).read_text().splitlines()
        assert [line for line in lines if figures.FIGURE.match(line)] == []
