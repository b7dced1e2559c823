"""OME-Zarr that is damaged, made up or odd: refused by kind and place, or read with a note."""

from __future__ import annotations

import copy
import json
import os
import pickle
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import zarr
from numcodecs import BZ2, LZ4, LZMA, Blosc, GZip, Zlib, Zstd
from zarr.codecs import BloscCodec, GzipCodec, ZstdCodec

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.io import zarr as zarr_reader
from napari_dualgland.io.zarr import read_ome_zarr
from napari_dualgland.stack import PixelSize

# Smooth, so that every codec makes it smaller.
PIXELS = np.random.default_rng(0).integers(0, 50, (4, 40, 40)).cumsum(axis=2).astype(np.uint16)
AXES = [
    {"name": "c", "type": "channel"},
    {"name": "y", "type": "space", "unit": "micrometer"},
    {"name": "x", "type": "space", "unit": "micrometer"},
]
SCALE = {"coordinateTransformations": [{"type": "scale", "scale": [1, 0.1, 0.2]}]}
SAID: dict[str, Any] = {
    "multiscales": [{"name": "cells", "axes": AXES, "datasets": [{"path": "0", **SCALE}]}],
    "omero": {"channels": [{"label": f"stain {i}", "color": "00FF7F"} for i in range(4)]},
}


def image(
    path: Path, version: int = 2, said: Any = SAID, pixels: Any = PIXELS, **array: Any
) -> Path:
    group = zarr.open_group(path, mode="w", zarr_format=version)  # type: ignore[arg-type]
    array = {"chunks": (*(1,) * (pixels.ndim - 2), 20, 40)[-pixels.ndim :], **array}
    made = group.create_array("0", shape=pixels.shape, dtype=pixels.dtype, **array)
    made[...] = pixels
    group.attrs.update({"ome": said} if version == 3 else said)
    return path


def chunks(path: Path) -> list[Path]:
    found = sorted(p for p in (path / "0").rglob("*") if p.is_file())
    return [p for p in found if p.name[0] != "." and p.name != "zarr.json"]


@pytest.fixture(params=["at once", "lazily"])
def pixels_of(request: Any, monkeypatch: Any) -> Callable[[Path], npt.NDArray[Any]]:
    monkeypatch.setattr(zarr_reader, "LAZY_BYTES", 0 if request.param == "lazily" else 10**9)
    return lambda path: np.asarray(read_ome_zarr(path).data)


def refusal(read: Callable[[], Any]) -> DualglandError:
    with pytest.raises(DualglandError) as refused:
        read()
    return refused.value


CODECS: dict[str, tuple[int, dict[str, Any]]] = {
    "2-none": (2, {"compressors": None}),
    "2-blosc": (2, {"compressors": Blosc("lz4")}),
    "2-zlib": (2, {"compressors": Zlib()}),
    "2-gzip": (2, {"compressors": GZip()}),
    "2-bz2": (2, {"compressors": BZ2()}),
    "2-lzma": (2, {"compressors": LZMA()}),
    "2-lz4": (2, {"compressors": LZ4()}),
    "2-zstd": (2, {"compressors": Zstd()}),
    "3-none": (3, {"compressors": None}),
    "3-blosc": (3, {"compressors": BloscCodec()}),
    "3-gzip": (3, {"compressors": GzipCodec()}),
    "3-zstd": (3, {"compressors": ZstdCodec()}),
    "3-blosc-crc": (3, {"compressors": [BloscCodec(), {"name": "crc32c"}]}),
    "3-shard-blosc": (3, {"compressors": BloscCodec(), "shards": (2, 40, 40)}),
    "3-shard-zstd": (3, {"compressors": ZstdCodec(), "shards": (2, 40, 40)}),
}
HARMS: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "one byte": lambda content: content[:1],
    "cut": lambda content: content[:-7],
    "noise": lambda content: np.random.default_rng(1).bytes(len(content) + 9),
    "zeros": lambda content: bytes(len(content) + 9),
}


@pytest.mark.parametrize("codec", CODECS)
def test_a_chunk_that_is_damaged_is_named(tmp_path: Path, codec: str, pixels_of: Any) -> None:
    version, options = CODECS[codec]
    path = image(tmp_path / "a.zarr", version, **options)
    np.testing.assert_array_equal(pixels_of(path), PIXELS)
    chunk = chunks(path)[1]
    content = chunk.read_bytes()
    for harm, change in HARMS.items():
        chunk.write_bytes(change(content))
        refused = refusal(lambda: pixels_of(path))
        assert refused.kind == (Kind.EMPTY if harm == "empty" else Kind.DAMAGED), harm
        assert refused.place == str(path)
        assert refused.part == f"chunk {chunk.relative_to(path).as_posix()}", harm


@pytest.mark.parametrize("codec", [name for name in CODECS if "blosc" in name])
@pytest.mark.parametrize("at", [4, 12], ids=["decoded", "encoded"])
def test_blosc_is_not_believed(tmp_path: Path, codec: str, at: int, pixels_of: Any) -> None:
    version, options = CODECS[codec]
    path = image(tmp_path / "a.zarr", version, **options)
    chunk = chunks(path)[0]
    content = bytearray(chunk.read_bytes())
    content[at : at + 4] = (2**30).to_bytes(4, "little")
    chunk.write_bytes(content)
    assert refusal(lambda: pixels_of(path)).kind == Kind.DAMAGED


@pytest.mark.parametrize("codec", [Zlib(9), GZip(9), BZ2(), LZMA(), Zstd(19), LZ4(), Blosc()])
def test_a_chunk_that_swells_is_not_unpacked(tmp_path: Path, codec: Any, pixels_of: Any) -> None:
    path = image(tmp_path / "a.zarr", compressors=codec)
    chunks(path)[0].write_bytes(codec.encode(bytes(2**20)))
    refused = refusal(lambda: pixels_of(path))
    assert (refused.kind, refused.place) == (Kind.DAMAGED, str(path))


def test_a_chunk_that_is_a_pipe_is_not_waited_for(tmp_path: Path, pixels_of: Any) -> None:
    path = image(tmp_path / "a.zarr")
    chunk = chunks(path)[0]
    chunk.unlink()
    os.mkfifo(chunk)
    refused = refusal(lambda: pixels_of(path))
    assert (refused.kind, refused.place) == (Kind.NOT_A_FILE, str(path))


@pytest.mark.parametrize("file", [".zgroup", ".zattrs", "0/.zarray", "0/.zattrs", "zarr.json"])
def test_metadata_that_are_a_pipe_are_not_waited_for(tmp_path: Path, file: str) -> None:
    path = image(tmp_path / "a.zarr")
    (path / file).unlink(missing_ok=True)
    os.mkfifo(path / file)
    refused = refusal(lambda: read_ome_zarr(path))
    assert (refused.kind, refused.place) == (Kind.NOT_A_FILE, str(path / file))


@pytest.mark.parametrize("version", [2, 3])
def test_chunks_that_are_not_stored_are_told(tmp_path: Path, version: int) -> None:
    path = image(tmp_path / "a.zarr", version)
    assert read_ome_zarr(path).notes == ()
    for chunk in chunks(path)[:2]:
        chunk.unlink()
    stack = read_ome_zarr(path)
    assert not stack.data[0].any()
    assert any("2 chunks are not stored" in note for note in stack.notes)


def test_lazy_pixels_go_to_other_processes(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(zarr_reader, "LAZY_BYTES", 0)
    data = pickle.loads(pickle.dumps(read_ome_zarr(image(tmp_path / "a.zarr")).data))
    np.testing.assert_array_equal(np.asarray(data), PIXELS)


def edited(path: Path, file: str, change: Callable[[Any], Any]) -> Path:
    said = json.loads((path / file).read_text())
    change(said)
    (path / file).write_text(json.dumps(said))
    return path


@pytest.mark.parametrize(
    ("shape", "chunk", "kind"),
    [
        ([4, 40, 40], [0, 0, 0], Kind.DAMAGED),
        ([4, 10**20, 10**20], [1, 20, 40], Kind.TOO_LARGE),
        ([4, 10**20, 10**20], [4, 10**20, 10**20], Kind.TOO_LARGE),
        ([10**9, 40, 40], [1, 20, 40], Kind.TOO_LARGE),
    ],
)
def test_sizes_that_are_made_up(tmp_path: Path, shape: Any, chunk: Any, kind: Kind) -> None:
    changed = {"shape": shape, "chunks": chunk}
    path = edited(image(tmp_path / "a.zarr"), "0/.zarray", lambda said: said.update(changed))
    refused = refusal(lambda: read_ome_zarr(path))
    assert (refused.kind, refused.place) == (kind, str(path))


def nodes(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the place of everything in a record of JSON."""
    if at:
        yield at
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from nodes(inner, (*at, key))


NONSENSE = [None, [], {}, "", "x", "\0", 5, -1, 0, 10**20, 0.5, True, float("nan"), [[]], "../.."]


def test_nonsense_in_any_place_is_read_or_refused(tmp_path: Path) -> None:
    path = image(tmp_path / "a.zarr")
    for file in (".zattrs", "0/.zarray", ".zgroup"):
        whole = (path / file).read_text()
        for place in nodes(json.loads(whole)):
            for nonsense in NONSENSE:
                said = json.loads(whole)
                holder = said
                for key in place[:-1]:
                    holder = holder[key]
                holder[place[-1]] = copy.deepcopy(nonsense)
                (path / file).write_text(json.dumps(said))
                with suppress(DualglandError):  # anything else is a bug
                    stack = read_ome_zarr(path)
                    assert isinstance(stack.name, str)
                    assert all(isinstance(channel.name, str) for channel in stack.channels)
        (path / file).write_text(whole)


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"multiscales": []}, Kind.DAMAGED),
        ({"multiscales": [{"axes": AXES, "datasets": []}]}, Kind.DAMAGED),
        ({"multiscales": [{"axes": AXES, "datasets": [{"path": "../b"}]}]}, Kind.DAMAGED),
        ({"multiscales": [{"axes": AXES, "datasets": [{"path": "9"}]}]}, Kind.NOT_THERE),
        ({"multiscales": [{"axes": AXES[:2], "datasets": [{"path": "0"}]}]}, Kind.MISMATCH),
        ({"multiscales": [{"axes": AXES[1:] * 2, "datasets": [{"path": "0"}]}]}, Kind.MISMATCH),
        (
            {"multiscales": [{"axes": [AXES[0], AXES[0], AXES[2]], "datasets": [{"path": "0"}]}]},
            Kind.AMBIGUOUS,
        ),
    ],
)
def test_metadata_that_do_not_say_where_the_pixels_are(
    tmp_path: Path, change: Any, kind: Kind
) -> None:
    path = image(tmp_path / "a.zarr", said=SAID | change)
    refused = refusal(lambda: read_ome_zarr(path))
    assert (refused.kind, refused.place) == (kind, str(path))


@pytest.mark.parametrize("scale", [["1", "0.1", "x"], [1, float("nan"), 0.2], [1, 0.1], "x", None])
def test_a_scale_that_makes_no_sense_leaves_a_note(tmp_path: Path, scale: Any) -> None:
    steps = [{"type": "scale", "scale": scale}]
    levels = [{"path": "0", "coordinateTransformations": steps}]
    said = {"multiscales": [{"axes": AXES, "datasets": levels}]}
    stack = read_ome_zarr(image(tmp_path / "a.zarr", said=said))
    np.testing.assert_array_equal(stack.data, PIXELS)
    assert stack.pixel_size is None
    assert any("the pixel size is taken as unknown" in note for note in stack.notes)


def test_scales_of_level_and_image_are_multiplied(tmp_path: Path) -> None:
    whole = {"type": "scale", "scale": [1, 2, 2]}
    said = {
        "multiscales": [
            SAID["multiscales"][0] | {"coordinateTransformations": [{"type": "identity"}, whole]}
        ]
    }
    assert read_ome_zarr(image(tmp_path / "a.zarr", said=said)).pixel_size == PixelSize(0.2, 0.4)


def typed(*axes: tuple[str, str | None]) -> list[dict[str, str]]:
    return [{"name": name} | ({"type": kind} if kind else {}) for name, kind in axes]


SPACE = (("y", "space"), ("x", "space"))


@pytest.mark.parametrize(
    ("axes", "expected"),
    [
        (typed(("channel", "channel"), *SPACE), "CYX"),
        (typed(("stain", "channel"), *SPACE), "CYX"),
        (typed(("t", "channel"), *SPACE), "CYX"),
        (typed(("c", "time"), *SPACE), "TYX"),
        (typed(("cycle", "time"), *SPACE), "TYX"),
        (typed(("Time", "Time"), ("Y", "Space"), ("X", "Space")), "TYX"),
        (typed(("channel", None), ("y", None), ("x", None)), "CYX"),
        (typed(("time", None), ("y", None), ("x", None)), "TYX"),
        (typed(("dye", None), *SPACE), "CYX"),
        (typed(("stain", "channel"), ("height", "space"), ("width", "space")), "CYX"),
        (typed(("stain", "channel"), ("dim_0", "space"), ("dim_1", "space")), "CYX"),
        (typed(("a", "space"), ("b", "space"), ("c", "space")), None),
        (typed(("t", "time"), ("stain", "channel"), ("z", "space"), *SPACE), "TCZYX"),
        (typed(("t", "space"), ("c", "space"), ("z", "space"), *SPACE), "TCZYX"),
        (typed(("x", "space"), ("y", "space"), ("stain", "channel")), "XYC"),
        (["c", "y", "x"], "CYX"),
        (typed(("c", "channel"), ("q", "space"), *SPACE), None),
        (typed(("c", "channel"), ("d", "channel"), *SPACE), None),
        (typed(("c", "channel"), ("angle", "angle"), *SPACE), None),
        (typed(("z", "space"), ("z", "space"), ("x", "space")), None),
    ],
)
def test_axes_go_by_their_type(tmp_path: Path, axes: Any, expected: str | None) -> None:
    pixels = np.zeros((2,) * len(axes), np.uint8)
    said = {"multiscales": [{"axes": axes, "datasets": [{"path": "0"}]}]}
    path = image(tmp_path / "a.zarr", said=said, pixels=pixels, chunks=pixels.shape)
    if expected is None:
        refused = refusal(lambda: read_ome_zarr(path))
        assert (refused.kind, refused.place, refused.part) == (Kind.AMBIGUOUS, str(path), "axes")
    else:
        assert read_ome_zarr(path).axes == expected


def test_an_array_by_itself_says_where_its_image_is(tmp_path: Path) -> None:
    path = image(tmp_path / "a.zarr")
    assert refusal(lambda: read_ome_zarr(path / "0")).kind == Kind.WRONG_CONTENT


class Opened:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return open, (str(self.path), "w")


@pytest.mark.parametrize(
    "change", [{"compressor": {"id": "pickle"}}, {"filters": [{"id": "pickle"}]}]
)
@pytest.mark.parametrize("dtype", ["<u2", "|O"])
def test_no_pickle_is_loaded(tmp_path: Path, change: Any, dtype: str, pixels_of: Any) -> None:
    path = image(tmp_path / "a.zarr", compressors=None)
    edited(path, "0/.zarray", lambda said: said.update(change, dtype=dtype, fill_value=0))
    for chunk in chunks(path):
        chunk.write_bytes(pickle.dumps(Opened(tmp_path / "run")))
    assert refusal(lambda: pixels_of(path)).place == str(path)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("dtype", ["?", "<c8", "|S4", "<M8[s]"])
def test_dtypes_that_are_no_image(tmp_path: Path, dtype: str) -> None:
    path = edited(image(tmp_path / "a.zarr"), "0/.zarray", lambda said: said.update(dtype=dtype))
    assert refusal(lambda: read_ome_zarr(path)).place == str(path)


def test_links_that_run_in_a_circle(tmp_path: Path) -> None:
    path = image(tmp_path / "a.zarr", said=SAID)
    for level in ("loop", "self"):
        (path / level).symlink_to(path / "loop" if level == "loop" else path)
        said = {"multiscales": [{"axes": AXES, "datasets": [{"path": level}]}]}
        (path / ".zattrs").write_text(json.dumps(said))
        assert refusal(lambda: read_ome_zarr(path)).place.startswith(str(path))
