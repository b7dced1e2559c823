["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]""Channels that are called alike, called by a number, or called something with a comma."""

f["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]om __future__ import annotations

impo["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]t shlex
f["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]om contextlib import suppress

impo["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]t numpy as np
impo["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]t pytest
f["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]om hypothesis import given
f["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]om hypothesis import strategies as st

f["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]om napari_dualgland.channel_names import unique_names
f["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]om napari_dualgland.errors import DualglandError, Kind
f["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]om napari_dualgland.imputation.engine import impute
f["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]om napari_dualgland.imputation.params import ImputeParams
f["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]om napari_dualgland.intervals import Reach
f["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]om napari_dualgland.io import read, write
f["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]om napari_dualgland.jobs.channel_words import channels_option, parse_channels
f["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]om napari_dualgland.legible import legible
f["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]om napari_dualgland.provenance import Provenance
f["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]om napari_dualgland.results import Imputation
f["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]om napari_dualgland.stack import ROLES, Channel, Stack

PRIOR["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]= ImputeParams(model="prior", device="cpu", rehearse=False, tile=64)


d["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]f stack_of(*names: str, roles: dict[str, int | str] | None = None) -> Stack:
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]   values = np.random.default_rng(0).integers(1, 250, (len(names), 64, 64), np.uint8)
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]   stack = Stack(values, "CYX", tuple(map(Channel, names)))
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]   return stack if roles is None else stack.with_channels(roles)


@giv["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]n(st.lists(st.sampled_from(["A", "A (2)", "A (3)", "B", ""]), max_size=8))
d["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]f test_every_channel_has_a_key_of_its_own(names):
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]   keys = unique_names(names)
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]   assert len(set(keys)) == len(keys) == len(names)
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]   for name, key in zip(names, keys, strict=True):
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]       assert key == name or (key.startswith(f"{name} (") and names.count(name) > 1)
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]   if len(set(names)) == len(names):
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]       assert list(keys) == names


@pyt["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]st.mark.parametrize("key", ["DAPI", "dye"])
d["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]f test_a_name_that_several_channels_have_is_refused_with_their_positions(key):
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]   names = ["DAPI", "tubulin", "DAPI", "dye", "dye"]
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]   with pytest.raises(DualglandError) as error:
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]       stack_of(*names).with_channels({"nucleus": key})
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]   assert (error.value.kind, error.value.place) == (Kind.AMBIGUOUS, "--channels")
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]   for position in (i for i, name in enumerate(names) if name == key):
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]       assert f"nucleus=#{position}" in error.value.way_out


@pyt["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]st.mark.parametrize(
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]   ("names", "key", "position", "noted"),
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]   [
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]       (["488", "405", "561", "640"], "405", 1, False),
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]       (["405", "488", "561", "640"], "0", 0, False),
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]       (["1", "2", "3", "4"], "2", 1, True),
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]       (["1", "2", "3", "4"], 2, 2, False),
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]       (["0", "1", "2", "3"], "2", 2, False),
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]       (["3", "2", "1", "0"], "3", 0, True),
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]       (["a", "b", "²", "d"], "²", 2, False),
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]   ],
)
d["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]f test_a_number_is_a_name_first_and_a_position_then(names, key, position, noted):
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]   stack = stack_of(*names, roles={"nucleus": key})
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]   assert stack.roles == {"nucleus": position}
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]   assert bool(stack.notes) is noted


@pyt["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]st.mark.parametrize("key", ["4", "-1", "²", "٣", "9" * 5000, "1e0", "0x1", "--1", "", 4, -1])
d["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]f test_a_channel_that_is_not_there_is_refused(key):
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]   with pytest.raises(DualglandError) as error:
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]       stack_of("a", "b", "c", "d").with_channels({"nucleus": key})
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]   assert (error.value.kind, error.value.part) == (Kind.NOT_THERE, "nucleus")


wo["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]ds = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
odd["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]= st.text(st.sampled_from(" ,=\"#\\'\n\r\t0²é\u2028\x1b"), max_size=8)


@giv["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]n(st.dictionaries(st.sampled_from(ROLES), st.one_of(words, odd, st.integers(0, 999))))
d["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]f test_channels_come_back_from_the_shell_line_that_a_job_copies(channels):
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]   line = shlex.join(channels_option(channels))
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]   said = shlex.split(line)[1:]
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]   assert parse_channels(said[0] if said else None) == (channels or None)


@giv["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]n(words | odd)
d["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]f test_any_text_for_channels_is_read_or_refused(text):
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]   with suppress(DualglandError):
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]       assert parse_channels(text)


@pyt["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]st.mark.parametrize(
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]   "text", ["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]
)
d["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]f test_a_misspelt_option_is_refused(text):
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]   with pytest.raises(DualglandError) as error:
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]       parse_channels(text)
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]   assert error.value.kind == Kind.BAD_VALUE


d["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]f test_shares_of_channels_of_one_name_are_kept_apart(tmp_path):
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]   """With 0.00 % for a field with a hole, nobody would look for what is made up in it."""
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]   roles = {role: i for i, role in enumerate(ROLES)}
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]   stack = stack_of("dye", "dye", "dye", "dye (2)", roles=roles)
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]   missing = np.zeros(stack.shape, bool)
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]   missing[1, 10:30, 10:40] = True
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]   missing[3, :8] = True
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]   result = impute(stack, missing, PRIOR)
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]   shares = list(result.provenance.missing_fraction.values())
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]   assert shares == pytest.approx(missing.mean(axis=(1, 2)))
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]   back = read(write(result, tmp_path / "a.ome.tif"))
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]   assert [back.provenance.missing_fraction[key] for key in back.channel_keys] == shares


d["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]f test_how_far_errors_reach_is_kept_apart_too():
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]   stack = stack_of("dye", "dye")
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]   reach = {"dye": Reach(scale=1), "dye (2)": Reach(scale=3)}
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]   how = Provenance(version="0", model="m", date="d", reach=reach)
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]   sigma = np.ones(stack.shape, np.float32)
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]   result = Imputation.of(stack, sigma > 0, sigma, provenance=how)
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]   widths = result.half_width(0.9)[:, 0, 0]
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]   assert widths[1] == pytest.approx(3 * widths[0])


@giv["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]n(st.text(max_size=20))
d["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]f test_what_is_shown_holds_nothing_that_acts(text):
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]   shown = legible(text)
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]   assert "\x1b" not in shown
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]   assert len(shown.splitlines()) <= 1
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]   shown.encode("utf-8")
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]   assert legible(shown) == shown


@pyt["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]st.mark.parametrize(
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]   ("text", "shown"),
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]   [
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]       ("\x1b[2J", "\\x1b[2J"),
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]       ("a\u202eb\u2066", "a\\u202eb\\u2066"),
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]       ("a\nb\r\tc\x85\u2028", "a\\nb\\r\\tc\\x85\\u2028"),
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]       ("r\udce9sultat", "r\\xe9sultat"),
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]       ("\x9b31m\x7f", "\\x9b31m\\x7f"),
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]       ("µm – β-tubulin\u00a0[/b] C:\\new", "µm – β-tubulin\u00a0[/b] C:\\new"),
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]   ],
)
d["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]f test_controls_are_written_out_and_all_else_stays(text, shown):
["", ",", "nucleus", "nucleus=", "=0", "er=0,", "nucleus=,er=1"]   assert legible(text) == shown
