"""Every format: what is planned is what is written, and what is written comes back the same."""

from __future__ import annotations

import json
from dataclasses import replace

import dask.array as da
import numpy as np
import pytest
import tifffile
from test_io_round_trip import PROVENANCE, field

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.io import read, write
from napari_dualgland.io.writing import WriteOptions, plan
from napari_dualgland.jobs import load_job
from napari_dualgland.progress import Cancelled
from napari_dualgland.results import Imputation
from napari_dualgland.stack import ROLES, Channel, PixelSize, Stack, to_canonical

ENDINGS = [".ome.tif", ".tif", ".ome.zarr", ".png"]
COLORS = ("#FF0000", "#00FF00", "#0000FF", "#FFFF00")
ALIKE = (Channel("a/b"), Channel("a b"), Channel("c"), Channel("d"))
"""Two of them have one name as files."""
SIZES = {"T": 2, "Z": 3, "C": 4, "Y": 40, "X": 50}


def stack_of(axes="CYX", dtype="uint8", **fields):
    channels = tuple(Channel(f"stain of {r}", r, c) for r, c in zip(ROLES, COLORS, strict=True))
    size = PixelSize(0.08, 0.09, 0.3 if "Z" in axes else None)
    data = field(tuple(SIZES[a] for a in axes), dtype)
    step = 5.0 if "T" in axes else None
    return Stack(data, axes, channels, size, step, name="field 7", **fields)


def imputation_of(stack, samples=1, job=None):
    mask = np.random.default_rng(1).random(stack.shape) < 0.2
    unsure = np.where(mask, np.float32(0.5), np.float32(0))
    drawn = tuple(np.where(mask, stack.data.dtype.type(n + 1), stack.data) for n in range(samples))
    how = PROVENANCE.model_copy(update={"job": job})
    return Imputation.of(stack, mask, unsure, drawn, how)


def opened(path):
    """Read what was written, as a person would name it."""
    return read(path.with_suffix("") if path.suffix == ".png" else path)


def same(a, a_axes, b, b_axes):
    pairs = ((a, a_axes), (b, b_axes))
    one, two = (np.ascontiguousarray(to_canonical(x, axes)) for x, axes in pairs)
    assert one.dtype == two.dtype
    assert one.tobytes() == two.tobytes()


def files_in(folder):
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize(
    ("axes", "dtype"),
    [
        ("CYX", "uint8"),
        ("CYX", "uint16"),
        ("ZCYX", "uint16"),
        ("TZCYX", "float32"),
        ("YXC", "uint8"),
    ],
)
@pytest.mark.parametrize("lazy", [False, True])
def test_a_result_comes_back_from_every_format(tmp_path, ending, axes, dtype, lazy):
    stack = stack_of(axes, dtype)
    given = replace(stack, data=da.from_array(stack.data, chunks=20)) if lazy else stack
    result = imputation_of(stack)
    result = replace(result, data=given.data)
    for what in (given, result):
        path = tmp_path / type(what).__name__ / f"f{ending}"
        path.parent.mkdir()
        planned = plan(what, path)
        assert not files_in(path.parent)  # planning writes nothing
        write(what, path)
        assert files_in(path.parent) == {file.path.name for file in planned.files}
        back = opened(path)
        assert type(back) is type(what)
        same(back.data, back.axes, stack.data, axes)
        assert back.channels == stack.channels
        assert (back.pixel_size, back.time_step) == (stack.pixel_size, stack.time_step)
        assert not back.notes
        if what is result:
            same(back.missing, back.axes, result.missing, axes)
            same(back.uncertainty, back.axes, result.uncertainty, axes)
            same(back.samples[0], back.axes, result.samples[0], axes)
            assert back.provenance == PROVENANCE


def told_by(planned):
    return "\n".join([*(file.holds for file in planned.files), *planned.notes])


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_fill_is_named_for_what_it_is(tmp_path, ending):
    result = imputation_of(stack_of(), samples=2)
    told = told_by(plan(result, tmp_path / f"a{ending}"))
    assert "estimate" in told
    assert "imputed" in told
    options = WriteOptions(fill="plausible", uncertainty=False)
    told = told_by(plan(result, tmp_path / f"a{ending}", options))
    assert "for looking, not for measuring" in told
    assert "uncertainty" not in told.replace("states no uncertainty", "")
    back = opened(write(result, tmp_path / f"a{ending}", options))
    same(back.data, back.axes, result.samples[0], result.axes)
    same(back.samples[0], back.axes, result.samples[1], result.axes)
    assert back.uncertainty is None
    assert back.provenance.options["plausible"] is True
    assert any("do not measure" in note for note in back.provenance.notes)
    assert bool(back.missing.any())  # the mask goes along whatever is asked for
    with pytest.raises(DualglandError, match="no plausible picture"):
        plan(stack_of(), tmp_path / f"b{ending}", options)


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_is_there_is_told_before_it_is_replaced(tmp_path, ending):
    result, path = imputation_of(stack_of()), tmp_path / f"a{ending}"
    assert plan(result, path).replaced == ()
    write(stack_of(dtype="uint16"), path)
    replaced = plan(result, path).replaced
    assert {p.name for p in replaced} == files_in(tmp_path)
    write(result, path)
    assert isinstance(opened(path), Imputation)
    assert opened(path).dtype == np.uint8


@pytest.mark.parametrize("older", [None, stack_of()])
def test_a_painted_mask_is_not_taken_for_ours(tmp_path, older):
    result, painted = imputation_of(stack_of()), tmp_path / "a_missing.tif"
    if older is not None:
        write(older, tmp_path / "a.tif")
    painted.write_bytes(b"painted")
    with pytest.raises(DualglandError) as told:
        write(result, tmp_path / "a.tif")
    assert (told.value.kind, told.value.place) == (Kind.CONFLICT, str(painted))
    assert painted.read_bytes() == b"painted"
    painted.unlink()
    for _ in range(2):  # what it has written itself is replaced
        write(result, tmp_path / "a.tif")


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_file_of_a_job_holds_that_job(tmp_path, ending):
    job = {"kind": "impute", "input": {"kind": "file", "path": "in.ome.tif"}}
    path = write(imputation_of(stack_of(), job=job), tmp_path / f"a{ending}")
    named = [tmp_path / "a_red.png", tmp_path / "a_info.json"] if ending == ".png" else [path]
    for file in named:
        assert load_job(file).input.path == tmp_path / "in.ome.tif"
    plain = write(stack_of(), tmp_path / f"b{ending}")
    with pytest.raises(DualglandError) as told:
        load_job(tmp_path / "b_red.png" if ending == ".png" else plain)
    assert told.value.kind == Kind.LACKING


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_person_can_stop_it(tmp_path, ending):
    from napari_dualgland.io.writing import write_result

    asked = iter([False, False, True])
    with pytest.raises(Cancelled):
        write_result(stack_of(), tmp_path / f"a{ending}", None, lambda: next(asked))
    assert not files_in(tmp_path)


def test_a_mask_that_was_lost_is_missed(tmp_path):
    """Estimates without their mask must not pass for measurements in silence."""
    write(imputation_of(stack_of()), tmp_path / "a.tif")
    (tmp_path / "a_missing.tif").unlink()
    write(imputation_of(stack_of()), tmp_path / "b.png")
    (tmp_path / "b_green_missing.png").unlink()
    for path in (tmp_path / "a.tif", tmp_path / "b"):
        back = read(path)
        assert back.provenance == PROVENANCE
        assert any("some of its pixels are estimates" in note for note in back.notes)


def test_one_picture_of_a_set_brings_its_own_mask(tmp_path):
    from napari_dualgland.io.napari_io import get_reader

    result = imputation_of(stack_of())
    write(result, tmp_path / "a.png")
    one = get_reader(str(tmp_path / "a_green.png"))(None)
    marks = next(data for data, looks, kind in one if kind == "labels")
    np.testing.assert_array_equal(marks > 0, result.missing[1])
    names = [str(p) for p in sorted(tmp_path.iterdir())]
    shown = [looks["name"] for _, looks, _ in get_reader(names)(None)]
    assert {"protein", "missing", "protein uncertainty"} <= {*shown}


@pytest.mark.parametrize("changed", ["channels", "dtype"])
def test_a_set_is_not_written_among_pictures_of_another(tmp_path, changed):
    write(imputation_of(stack_of()), tmp_path / "a.png")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    fewer = replace(stack_of(), data=stack_of().data[:3], channels=stack_of().channels[:3])
    other = fewer if changed == "channels" else stack_of(dtype="float32")
    for do in (plan, write):
        with pytest.raises(DualglandError, match="of another set") as told:
            do(other, tmp_path / "a.png")
        assert told.value.kind == Kind.CONFLICT
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_picture_that_has_come_to_lie_beside_a_set_costs_it_no_mask(tmp_path):
    whole = stack_of()
    fewer = replace(whole, data=whole.data[:3], channels=whole.channels[:3])
    write(imputation_of(fewer), tmp_path / "a.png")
    write(whole, tmp_path / "b.png")
    (tmp_path / "b_yellow.png").rename(tmp_path / "a_yellow.png")
    back = read(tmp_path / "a")
    assert isinstance(back, Imputation)
    assert len(back.channels) == 3
    assert any("a_yellow.png: left out" in note for note in back.notes)


def test_what_others_put_in_the_place_of_a_picture_is_read_as_theirs(tmp_path):
    write(imputation_of(stack_of()), tmp_path / "a.png")
    info = tmp_path / "a_info.json"
    told = json.loads(info.read_text())
    told["napari-dualgland"]["files"]["missing"] = ["../../etc/passwd"] * 4
    info.write_text(json.dumps(told))
    back = read(tmp_path / "a")
    assert not isinstance(back, Imputation)
    info.write_text("[" * 100_000)
    assert type(read(tmp_path / "a")) is Stack


def test_imagej_sees_colours_names_and_sizes(tmp_path):
    path = write(imputation_of(stack_of("ZCYX", "uint16")), tmp_path / "a.tif")
    with tifffile.TiffFile(path) as tif:
        said = tif.imagej_metadata
        assert tif.series[0].axes == "ZCYX"
    assert (said["mode"], said["unit"], said["spacing"]) == ("composite", "um", 0.3)
    assert said["Labels"][:4] == [f"stain of {role}" for role in ROLES]
    assert [tuple(table[:, -1]) for table in said["LUTs"]] == [
        (255, 0, 0),
        (0, 255, 0),
        (0, 0, 255),
        (255, 255, 0),
    ]
    with tifffile.TiffFile(tmp_path / "a_missing.tif") as tif:
        assert set(np.unique(tif.asarray())) == {0, 255}


@pytest.mark.parametrize(
    ("ending", "stack", "kind"),
    [
        (".tif", stack_of(dtype="float64"), Kind.UNSUPPORTED),
        (".tif", stack_of(dtype="int16"), Kind.UNSUPPORTED),
        ("_red.tif", stack_of(), Kind.BAD_VALUE),
        (".ome.tif", replace(stack_of(), data=np.zeros((4, 9, 9), np.int64)), Kind.UNSUPPORTED),
        (".png", replace(stack_of(), channels=ALIKE), Kind.CONFLICT),
    ],
)
def test_what_a_format_cannot_hold_is_refused(tmp_path, ending, stack, kind):
    for do in (plan, write):
        with pytest.raises(DualglandError) as told:
            do(stack, tmp_path / f"a{ending}")
        assert told.value.kind == kind
        assert told.value.way_out
    assert not files_in(tmp_path)


def test_channels_without_a_role_keep_their_names_in_a_set(tmp_path):
    channels = (Channel("DAPI", "nucleus", "#0000FF"), Channel("actin/555", None, "#AABBCC"))
    stack = Stack(field((2, 9, 9), "uint8"), "CYX", channels, name="x")
    write(stack, tmp_path / "x.png")
    assert files_in(tmp_path) == {"x_blue.png", "x_actin-555.png", "x_info.json"}
    back = read(tmp_path / "x")
    assert back.channels == channels
    np.testing.assert_array_equal(back.data, stack.data)
