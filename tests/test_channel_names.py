"""Channels that are called alike, called by a number, or called something with a comma."""

from __future__ import annotations

import shlex
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_dualgland.channel_names import unique_names
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.imputation.engine import impute
from napari_dualgland.imputation.params import ImputeParams
from napari_dualgland.intervals import Reach
from napari_dualgland.io import read, write
from napari_dualgland.jobs.channel_words import channels_option, parse_channels
from napari_dualgland.legible import legible
from napari_dualgland.provenance import Provenance
from napari_dualgland.results import Imputation
from napari_dualgland.stack import ROLES, Channel, Stack

PRIOR = ImputeParams(model="prior", device="cpu", rehearse=False, tile=64)


def stack_of(*names: str, roles: dict[str, int | str] | None = None) -> Stack:
    values = np.random.default_rng(0).integers(1, 250, (len(names), 64, 64), np.uint8)
    stack = Stack(values, "CYX", tuple(map(Channel, names)))
    return stack if roles is None else stack.with_channels(roles)


@given(st.lists(st.sampled_from(["A", "A (2)", "A (3)", "B", ""]), max_size=8))
def test_every_channel_has_a_key_of_its_own(names):
    keys = unique_names(names)
    assert len(set(keys)) == len(keys) == len(names)
    for name, key in zip(names, keys, strict=True):
        assert key == name or (key.startswith(f"{name} (") and names.count(name) > 1)
    if len(set(names)) == len(names):
        assert list(keys) == names


@pytest.mark.parametrize("key", ["DAPI", "dye"])
def test_a_name_that_several_channels_have_is_refused_with_their_positions(key):
    names = ["DAPI", "tubulin", "DAPI", "dye", "dye"]
    with pytest.raises(DualglandError) as error:
        stack_of(*names).with_channels({"nucleus": key})
    assert (error.value.kind, error.value.part) == (Kind.AMBIGUOUS, "--channels nucleus")
    for position in (i for i, name in enumerate(names) if name == key):
        assert f"nucleus=#{position}" in error.value.way_out


@pytest.mark.parametrize(
    ("names", "key", "position", "noted"),
    [
        (["488", "405", "561", "640"], "405", 1, False),
        (["405", "488", "561", "640"], "0", 0, False),
        (["1", "2", "3", "4"], "2", 1, True),
        (["1", "2", "3", "4"], 2, 2, False),
        (["0", "1", "2", "3"], "2", 2, False),
        (["3", "2", "1", "0"], "3", 0, True),
        (["a", "b", "²", "d"], "²", 2, False),
    ],
)
def test_a_number_is_a_name_first_and_a_position_then(names, key, position, noted):
    stack = stack_of(*names, roles={"nucleus": key})
    assert stack.roles == {"nucleus": position}
    assert bool(stack.notes) is noted


@pytest.mark.parametrize("key", ["4", "-1", "²", "٣", "9" * 5000, "1e0", "0x1", "--1", "", 4, -1])
def test_a_channel_that_is_not_there_is_refused(key):
    with pytest.raises(DualglandError) as error:
        stack_of("a", "b", "c", "d").with_channels({"nucleus": key})
    assert (error.value.kind, error.value.part) == (Kind.NOT_THERE, "--channels nucleus")


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
odd = st.text(st.sampled_from(" ,=\"#\\'\n\r\t0²é\u2028\x1b"), max_size=8)


@given(st.dictionaries(st.sampled_from(ROLES), st.one_of(words, odd, st.integers(0, 999))))
def test_channels_come_back_from_the_shell_line_that_a_job_copies(channels):
    line = shlex.join(channels_option(channels))
    said = shlex.split(line)[1:]
    assert parse_channels(said[0] if said else None) == (channels or None)


@given(words | odd)
def test_any_text_for_channels_is_read_or_refused(text):
    with suppress(DualglandError):
        assert parse_channels(text)


@pytest.mark.parametrize("text", ["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"])
def test_a_misspelt_option_is_refused(text):
    with pytest.raises(DualglandError) as error:
        parse_channels(text)
    assert error.value.kind == Kind.BAD_VALUE


def test_shares_of_channels_of_one_name_are_kept_apart(tmp_path):
    """With 0.00 % for a field with a hole, nobody would look for what is made up in it."""
    roles = {role: i for i, role in enumerate(ROLES)}
    stack = stack_of("dye", "dye", "dye", "dye (2)", roles=roles)
    missing = np.zeros(stack.shape, bool)
    missing[1, 10:30, 10:40] = True
    missing[3, :8] = True
    result = impute(stack, missing, PRIOR)
    shares = list(result.provenance.missing_fraction.values())
    assert shares == pytest.approx(missing.mean(axis=(1, 2)))
    back = read(write(result, tmp_path / "a.ome.tif"))
    assert [back.provenance.missing_fraction[key] for key in back.channel_keys] == shares


def test_how_far_errors_reach_is_kept_apart_too():
    stack = stack_of("dye", "dye")
    reach = {"dye": Reach(scale=1), "dye (2)": Reach(scale=3)}
    how = Provenance(version="0", model="m", date="d", reach=reach)
    sigma = np.ones(stack.shape, np.float32)
    result = Imputation.of(stack, sigma > 0, sigma, provenance=how)
    widths = result.half_width(0.9)[:, 0, 0]
    assert widths[1] == pytest.approx(3 * widths[0])


@given(st.text(max_size=20))
def test_what_is_shown_holds_nothing_that_acts(text):
    shown = legible(text)
    assert "\x1b" not in shown
    assert len(shown.splitlines()) <= 1
    shown.encode("utf-8")
    assert legible(shown) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", "\\x1b[2J"),
        ("a\u202eb\u2066", "a\\u202eb\\u2066"),
        ("a\nb\r\tc\x85\u2028", "a\\nb\\r\\tc\\x85\\u2028"),
        ("r\udce9sultat", "r\\xe9sultat"),
        ("\x9b31m\x7f", "\\x9b31m\\x7f"),
        ("µm – β-tubulin\u00a0[/b] C:\\new", "µm – β-tubulin\u00a0[/b] C:\\new"),
    ],
)
def test_controls_are_written_out_and_all_else_stays(text, shown):
    assert legible(text) == shown
